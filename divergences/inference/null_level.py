"""The value that a plug-in would show if both samples came from one measure."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from divergences.definitions.definition import signed_root

if TYPE_CHECKING:
    from divergences.measures.samples import Samples
    from divergences.work import Run

_REACH = 2.0


@dataclass(frozen=True)
class NullLevel:
    """Value of a plug-in between two samples of one measure, at given sample sizes.

    Parameters
    ----------
    level : float
        Its mean.
    spread : float
        Its standard deviation over random halves; 0 where only one pair of halves was drawn.
    """

    level: float
    spread: float

    def without_level(self, inner: float, order: float) -> float:
        """Take the level off a transport cost W_r^r: W² - W0² on the scale of W², signed.

        The plug-in's upward bias is the whole value where P = Q and fades as they part. Squares
        of distances subtract as independent errors do: exact for r = 2 in the limit of many
        features, and below the noise in one dimension, where the plug-in needs no correction.
        """
        square = signed_root(inner, order / 2) - signed_root(self.level, order / 2)
        return float(signed_root(square, 2 / order))

    def note(self, inner: float, order: float, outer: Callable[[float], float]) -> str:
        """Say how far above the truth a transport distance tends to lie."""
        level = outer(self.level)
        corrected = self.without_level(inner, order)
        if corrected <= 0:
            return (
                f"Biased upward: two samples of one measure, of these sizes, show about "
                f"{level:.2g}, so this value is no sign of a difference."
            )
        return (
            f"Biased upward by about {outer(inner) - outer(corrected):.2g}: two samples of one "
            f"measure, of these sizes, show about {level:.2g}."
        )

    def reach(self, inner: float, stderr: float, order: float) -> float:
        """Bias for the interval of a transport cost: what it is at the interval's lower end.

        The bias falls with the distance, so at the lower end it is the largest that the data
        allow; there the level is taken at the upper end of its own spread.
        """
        low = max(inner - _REACH * stderr, 0.0)
        high = NullLevel(self.level + _REACH * self.spread, 0.0)
        return low - high.without_level(low, order)


def null_level(
    p: Samples,
    q: Samples,
    distance: Callable[[Samples, Samples], float],
    *,
    rate: float,
    halvings: int,
    run: Run,
) -> NullLevel:
    """Measure the null level on random halves of each sample.

    Parameters
    ----------
    p, q : Samples
        The two samples, without points of weight zero.
    distance : callable
        The plug-in, on the scale that is subtracted later.
    rate : float
        The power r for which the level shrinks like (1/n + 1/m)^r: it takes the level of the
        halves to the full sizes.
    halvings : int
        Random splits of each sample.
    run : Run
        Its generator draws the halves.

    Returns
    -------
    NullLevel
    """
    sizes = 1.0 / p.effective_size + 1.0 / q.effective_size
    levels = np.empty((2, halvings))
    for side, sample in enumerate((p, q)):
        for split in range(halvings):
            first, second = _halves(sample, run.rng)
            half_sizes = 1.0 / first.effective_size + 1.0 / second.effective_size
            levels[side, split] = distance(first, second) * (sizes / half_sizes) ** rate
    variances = levels.var(axis=1, ddof=1) if halvings > 1 else np.zeros(2)
    return NullLevel(float(levels.mean()), math.sqrt(variances.mean()))


def _halves(sample: Samples, rng: np.random.Generator) -> tuple[Samples, Samples]:
    shuffled = rng.permutation(sample.n)
    half = sample.n // 2
    # In the order of the rows, so that halves of a sorted sample are sorted.
    first, second = np.sort(shuffled[:half]), np.sort(shuffled[half : 2 * half])
    return sample.take(first), sample.take(second)
