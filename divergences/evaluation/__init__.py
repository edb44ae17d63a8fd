"""How good a generator is: divergences from held-out data, and what they do not say."""

from divergences.evaluation.evaluate import evaluate_generator
from divergences.evaluation.modes import Modes
from divergences.evaluation.result import Evaluation
from divergences.evaluation.score import Score

__all__ = ["Evaluation", "Modes", "Score", "evaluate_generator"]
