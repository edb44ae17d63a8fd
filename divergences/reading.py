"""What a method hands over: the supremum over critics, how sure it is, and the critic itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.inference.lower_bound import Fresh

Critic = Callable[["NDArray[np.float64]"], "NDArray[np.float64]"]


@dataclass(frozen=True, eq=False)
class Reading:
    """What a method found, before the definition's outer function (a root, say) is applied.

    Parameters
    ----------
    inner : float
        The estimated supremum over critics, for instance W_2^2 where the definition is W_2.
    stderr : float
        Standard deviation of `inner` over repeated samples.
    bias : float
        Known tendency of `inner`: positive where it lies above the truth on average. The
        value is reported as it is; the interval reaches as far as the bias.
    notes : tuple of str
        What a user has to know to trust or distrust the value.
    critic : callable or None
        (k, d) points to (k,) values: where P outweighs Q.
    bracket : pair of float or None
        Two-sided bounds on the divergence itself (outer function applied).
    diagnostics : dict
        Whatever explains the value further; JSON types only.
    value : float or None
        The divergence itself, where it is exact and the outer function of a rounded `inner`
        would lose digits, as for Rényi divergences of separated measures.
    fresh : Fresh or None
        Log-ratios at points that are independent of the fit, for `Estimate.lower_bound`.
    doubt : pair of float
        Standard deviations, below and above, that join the standard error in the interval: of what
        bias cannot be excluded after a correction, or of what few and skewed terms hide.
    """

    inner: float
    stderr: float
    bias: float = 0.0
    notes: tuple[str, ...] = ()
    critic: Critic | None = None
    bracket: tuple[float, float] | None = None
    diagnostics: dict[str, Any] | None = None
    value: float | None = None
    fresh: Fresh | None = None
    doubt: tuple[float, float] = (0.0, 0.0)

    def with_notes(self, *notes: str) -> Reading:
        """Return the same reading with further notes."""
        return replace(self, notes=self.notes + notes)
