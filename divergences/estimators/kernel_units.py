"""Samples in a unit in which the squares of their distances are ordinary numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from divergences.definitions import EnergyKernel, PositiveKernel
from divergences.density.units import unit_exponents
from divergences.measures.samples import Samples

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.estimate import Critic


@dataclass(frozen=True)
class KernelUnit:
    """The unit 2^exponent of all features, in which values of the kernel have 2^value_exponent.

    It is 1 where a bandwidth in data units fixes the scale.
    """

    exponent: int = 0
    value_exponent: int = 0

    @classmethod
    def of(cls, kernel: PositiveKernel, p: Samples, q: Samples) -> KernelUnit:
        """Choose the unit by the largest value of either sample."""
        exponent = int(unit_exponents(np.concatenate([p.points, q.points]).reshape(-1, 1))[0])
        if isinstance(kernel, EnergyKernel):
            return cls(exponent, exponent)
        return cls(exponent) if kernel.unit_free else cls()

    def scaled(self, sample: Samples) -> Samples:
        """The sample in this unit."""
        return replace(sample, points=self.length(sample.points)) if self.exponent else sample

    def length(self, values: Any) -> Any:
        """Coordinates or distances in this unit, numbers or arrays."""
        return np.ldexp(values, -self.exponent)

    def value(self, value: float) -> float:
        """A value of the kernel in data units, infinite where it is too large for a float."""
        with np.errstate(over="ignore"):
            return float(np.ldexp(value, self.value_exponent))

    def critic(self, critic: Critic) -> Critic:
        """The critic of points in data units, from that of points in this unit."""
        return InUnit(self, critic) if self.exponent else critic


@dataclass(frozen=True, eq=False)
class InUnit:
    """A critic that is evaluated in another unit."""

    unit: KernelUnit
    critic: Critic

    def __call__(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Evaluate at (k, d) points."""
        values = self.critic(self.unit.length(points))
        return np.asarray(np.ldexp(values, self.unit.value_exponent))
