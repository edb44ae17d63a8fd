"""The level of the intervals that are stated unasked, and how far a normal law reaches with it."""

from __future__ import annotations

from statistics import NormalDist

LEVEL = 0.95
REACH = NormalDist().inv_cdf((1 + LEVEL) / 2)
"""In standard errors to either side."""
