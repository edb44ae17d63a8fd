"""Training generators: GAN training is minimizing any divergence over g#mu."""

from divergences.training.build import make_objective
from divergences.training.callbacks import TensorBoard, WeightsAndBiases
from divergences.training.critic_inputs import InstanceNoise, Packing, RandomFourier
from divergences.training.critics import (
    ConjugateCritic,
    CriticMethod,
    LogisticCritic,
    PairingCritic,
    WassersteinCritic,
)
from divergences.training.direct_methods import (
    AnnealedKDE,
    DebiasedBatches,
    DirectMethod,
    MaxSliced,
)
from divergences.training.hand_over import HandOver
from divergences.training.held_out import Monitor
from divergences.training.history import History, Row
from divergences.training.minimize import minimize, resume
from divergences.training.objective import Moment, Objective
from divergences.training.regularizers import (
    R1,
    R2,
    GradientPenalty,
    Regularizer,
    SpectralNorm,
    TopK,
    WeightClipping,
)
from divergences.training.run import TrainingRun
from divergences.training.schedules import Constant, Cosine, Geometric, Linear, Schedule

__all__ = [
    "R1",
    "R2",
    "AnnealedKDE",
    "ConjugateCritic",
    "Constant",
    "Cosine",
    "CriticMethod",
    "DebiasedBatches",
    "DirectMethod",
    "Geometric",
    "GradientPenalty",
    "HandOver",
    "History",
    "InstanceNoise",
    "Linear",
    "LogisticCritic",
    "MaxSliced",
    "Moment",
    "Monitor",
    "Objective",
    "Packing",
    "PairingCritic",
    "RandomFourier",
    "Regularizer",
    "Row",
    "Schedule",
    "SpectralNorm",
    "TensorBoard",
    "TopK",
    "TrainingRun",
    "WassersteinCritic",
    "WeightClipping",
    "WeightsAndBiases",
    "make_objective",
    "minimize",
    "resume",
]
