"""Failures that can be foreseen, each with its name; the message carries the remedy."""

from __future__ import annotations


class InvalidPairError(TypeError):
    """The method cannot estimate this divergence."""


class TooLargeError(MemoryError):
    """An array that the method needs would not fit; the message says how many bytes."""


class ConvergenceError(RuntimeError):
    """A solver stopped before its result could be certified."""


class NoClosedFormError(NotImplementedError):
    """No exact value is known for this pair of measures."""


class NoDensityError(NotImplementedError):
    """The model can be sampled, and has no density to evaluate."""
