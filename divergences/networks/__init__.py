"""Networks: torch modules that critics and generators are made of.

Whatever imports from here loads torch, so import inside functions where that has to wait.
"""

from divergences.networks.convolutional import ConvolutionalCritic, ConvolutionalGenerator
from divergences.networks.fourier import FourierFeatures
from divergences.networks.lipschitz import LipschitzPerceptron
from divergences.networks.perceptron import Perceptron
from divergences.networks.scale import OnScale

__all__ = [
    "ConvolutionalCritic",
    "ConvolutionalGenerator",
    "FourierFeatures",
    "LipschitzPerceptron",
    "OnScale",
    "Perceptron",
]
