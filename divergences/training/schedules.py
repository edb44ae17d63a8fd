"""Settings that change while training goes on: learning rates, penalties, noise, bandwidths."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

from divergences.checks import check_real


class Schedule(ABC):
    """A number that depends on how much of the training is done.

    Laws: `at` is a function of the progress alone, from 0 at the first step to 1 at the last, so
    that a resumed training meets the values of one that was never stopped.
    """

    @abstractmethod
    def at(self, progress: float) -> float:
        """Value at a progress between 0 and 1."""


@dataclass(frozen=True)
class Constant(Schedule):
    """The same value from the first step to the last: what a plain number means.

    Raises
    ------
    TypeError, ValueError
        If a setting is not usable; the message says which and what would be.

    Examples
    --------
    >>> Constant(0.1).at(0.5)
    0.1
    """

    value: float

    def __post_init__(self) -> None:
        check_real("value", self.value)

    def at(self, progress: float) -> float:
        """Return the value."""
        return float(self.value)


@dataclass(frozen=True)
class Linear(Schedule):
    """A straight line from `start` to `end`.

    Raises
    ------
    TypeError, ValueError
        If a setting is not usable; the message says which and what would be.

    Examples
    --------
    >>> Linear(1.0, 0.0).at(0.25)
    0.75
    """

    start: float
    end: float

    def __post_init__(self) -> None:
        check_real("start", self.start)
        check_real("end", self.end)

    def at(self, progress: float) -> float:
        """start + (end - start) t."""
        return self.start + (self.end - self.start) * _within(progress)


@dataclass(frozen=True)
class Cosine(Schedule):
    """Half a cosine wave from `start` to `end`: flat at both ends.

    Raises
    ------
    TypeError, ValueError
        If a setting is not usable; the message says which and what would be.

    References
    ----------
    Loshchilov and Hutter (2017).

    Examples
    --------
    >>> round(Cosine(1.0, 0.0).at(0.5), 12)
    0.5
    """

    start: float
    end: float

    def __post_init__(self) -> None:
        check_real("start", self.start)
        check_real("end", self.end)

    def at(self, progress: float) -> float:
        """end + (start - end)(1 + cos(pi t))/2."""
        share = (1 + math.cos(math.pi * _within(progress))) / 2
        return self.end + (self.start - self.end) * share


@dataclass(frozen=True)
class Geometric(Schedule):
    """From `start` to `end` by equal factors, both above zero.

    Raises
    ------
    TypeError, ValueError
        If a setting is not usable; the message says which and what would be.

    Examples
    --------
    >>> round(Geometric(1.0, 0.01).at(0.5), 12)
    0.1
    """

    start: float
    end: float

    def __post_init__(self) -> None:
        check_real("start", self.start, above=0)
        check_real("end", self.end, above=0)

    def at(self, progress: float) -> float:
        """start (end/start)^t."""
        return float(self.start * (self.end / self.start) ** _within(progress))


Scheduled = float | Schedule


def as_schedule(name: str, value: Scheduled) -> Schedule:
    """Return a schedule for a number or a schedule, whose values are at least zero.

    Raises
    ------
    TypeError, ValueError
        If it is neither, or is below zero at its start, its middle or its end.
    """
    if not isinstance(value, Schedule):
        return Constant(check_real(name, value, at_least=0, remedy=_REMEDY))
    for progress in (0.0, 0.5, 1.0):
        check_real(f"{name} at progress {progress:g}", value.at(progress), at_least=0)
    return value


def value_at(value: Scheduled, progress: float) -> float:
    """Value of a setting that `as_schedule` has found to be in range."""
    return value.at(progress) if isinstance(value, Schedule) else float(value)


_REMEDY = "Or use a schedule such as Cosine(1e-3, 1e-5)."


def _within(progress: float) -> float:
    return min(max(progress, 0.0), 1.0)
