"""What is compared: the only door for data."""

from divergences.measures.categories import with_common_levels
from divergences.measures.known import ExactLogRatio, Known, Parametric, as_known, is_known
from divergences.measures.pushforward import Pushforward, is_generator
from divergences.measures.samples import Samples, as_samples, check_pair

__all__ = [
    "ExactLogRatio",
    "Known",
    "Parametric",
    "Pushforward",
    "Samples",
    "as_known",
    "as_samples",
    "check_pair",
    "is_generator",
    "is_known",
    "with_common_levels",
]
