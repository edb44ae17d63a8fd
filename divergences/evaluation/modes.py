"""A mixture whose modes are known, and how a generator serves each of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.spatial.distance import cdist
from scipy.stats import chi

from divergences.checks import check_real
from divergences.evaluation.score import Score
from divergences.work import row_tiles

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Modes:
    """The modes of a known mixture of round Gaussians.

    A generated point is of high quality within `radius` standard deviations of its nearest
    mode, and a mode is captured by at least one such point, as in the protocol of VEEGAN and
    PacGAN. The divergence of the modes is KL(shares of the high-quality points || weights).

    Parameters
    ----------
    centers : array-like of shape (n_modes, d)
    deviation : float
        Standard deviation of each mode along any axis.
    weights : array-like of shape (n_modes,), optional
        Equal if left out; they need not sum to one.
    radius : float
        In standard deviations.

    Raises
    ------
    TypeError, ValueError
        If a parameter is not usable.

    References
    ----------
    Srivastava et al. (2017); Lin, Khetan, Fanti and Oh (2018).

    Examples
    --------
    >>> grid = Modes([[0, 0], [0, 2], [2, 0], [2, 2]], deviation=0.05)
    >>> [score.value for score in grid.scores(np.zeros((100, 2)))]
    [1.0, 1.0, 1.386...]
    """

    centers: Any
    deviation: float
    weights: Any = None
    radius: float = 3.0

    def __post_init__(self) -> None:
        centers = np.asarray(self.centers, dtype=np.float64)
        if centers.ndim != 2 or len(centers) < 2 or not np.isfinite(centers).all():
            raise ValueError(
                f"centers must be finite, of shape (n_modes, d) with at least 2 modes, not an "
                f"array of shape {centers.shape}."
            )
        weights = np.ones(len(centers)) if self.weights is None else np.asarray(self.weights, float)
        if weights.shape != (len(centers),) or not (weights > 0).all():
            raise ValueError(
                f"weights must be {len(centers)} numbers above 0, one for each mode, not "
                f"{self.weights!r}."
            )
        check_real("deviation", self.deviation, above=0)
        check_real("radius", self.radius, above=0)
        object.__setattr__(self, "centers", centers)
        object.__setattr__(self, "weights", weights / weights.sum())

    def counts(self, points: NDArray[np.float64]) -> NDArray[np.intp]:
        """How many high-quality points each mode has, of shape (n_modes,).

        Raises
        ------
        ValueError
            If points and modes have different numbers of features.
        """
        d = self.centers.shape[1]
        if points.shape[1] != d:
            raise ValueError(
                f"modes must have as many features as the data, but the centers have {d} and the "
                f"data {points.shape[1]}."
            )
        counts = np.zeros(len(self.centers), dtype=np.intp)
        for rows in row_tiles(len(points), len(self.centers), arrays=2):
            distances = cdist(points[rows], self.centers)
            nearest = distances.argmin(axis=1)
            good = distances.min(axis=1) <= self.radius * self.deviation
            counts += np.bincount(nearest[good], minlength=len(counts))
        return counts

    def scores(self, points: NDArray[np.float64]) -> tuple[Score, ...]:
        """Modes captured, share of high quality, and divergence of the mode frequencies.

        Parameters
        ----------
        points : ndarray of shape (n, d)
            What was generated.

        Returns
        -------
        tuple of Score
            The reverse KL is infinite where no point is of high quality.
        """
        counts = self.counts(points)
        good, n, modes = int(counts.sum()), len(points), len(self.centers)
        share = good / n
        within = float(chi(self.centers.shape[1]).cdf(self.radius))
        due = float(np.sum(1 - (1 - within * self.weights) ** n))
        captured = float((counts > 0).sum())
        return (
            Score("modes", captured, 0.0, due, f"captured of {modes}"),
            Score(
                "high quality",
                share,
                float(np.sqrt(share * (1 - share) / n)),
                within,
                f"points within {self.radius:g} standard deviations of a mode",
            ),
            self._reverse_kl(counts, within * n),
        )

    def _reverse_kl(self, counts: NDArray[np.intp], due: float) -> Score:
        meaning = "mode frequencies from the weights, in nats"
        modes, good = len(counts), int(counts.sum())
        # Of a perfect generator chance alone makes half a chi-squared variable over n.
        expected = (modes - 1) / (2 * due)
        if good == 0:
            return Score("reverse KL", float("inf"), 0.0, expected, meaning)
        shares = counts / good
        seen = shares > 0
        logs = np.log(shares[seen] / self.weights[seen])
        value = float(shares[seen] @ logs)
        # The spread of the logarithms has a part from chance alone, which is known better.
        by_chance = (modes - 1) / good
        spread = float(shares[seen] @ (logs - value) ** 2)
        variance = max(spread - by_chance, 0.0) / good + by_chance / (2 * good)
        return Score("reverse KL", value, float(np.sqrt(variance)), expected, meaning)
