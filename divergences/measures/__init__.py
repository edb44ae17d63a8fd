"""What is compared: the only door for data."""

from divergences.measures.pushforward import Pushforward
from divergences.measures.samples import Samples, as_samples, check_pair

__all__ = ["Pushforward", "Samples", "as_samples", "check_pair"]
