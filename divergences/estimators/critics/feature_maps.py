"""Features for logistic regression, found without looking at which sample a point is from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtri

from divergences.estimators.critics.coordinates import Coordinates, rank_table
from divergences.work import row_tiles

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_SMALLEST_EIGENVALUE = 1e-7
_ROWS_OF_MEANS = 20_000
# Each tile stays in the cache of a core.
_ARRAYS_OF_BUMPS = 16


@dataclass(frozen=True, eq=False)
class FeatureMap:
    """Standardized features of a point, and the roughness of each, which is penalized.

    Parameters
    ----------
    raw : callable
        (k, d) points to (k, t) features.
    roughness : ndarray of shape (t,)
    center, scale : ndarray of shape (t,)
        Of the raw features.
    """

    raw: Callable[[Array], Array]
    roughness: Array
    center: Array
    scale: Array

    @classmethod
    def standardized(
        cls, raw: Callable[[Array], Array], points: Array, roughness: Array | None = None
    ) -> FeatureMap:
        """Scale each feature to unit spread at the points."""
        return cls.of_values(raw, raw(thinned(points)), roughness)

    @classmethod
    def of_values(
        cls, raw: Callable[[Array], Array], values: Array, roughness: Array | None = None
    ) -> FeatureMap:
        """Scale each feature to unit spread of values that it has taken."""
        center, scale = values.mean(axis=0), values.std(axis=0)
        # Rounding leaves a constant column a spread of about 1e-16 of its size.
        constant = scale <= 1e-9 * (1 + np.abs(center))
        roughness = np.ones(len(scale)) if roughness is None else roughness
        return cls(raw, roughness, center, np.where(constant, np.inf, scale))

    @classmethod
    def centered(cls, raw: Callable[[Array], Array], points: Array, roughness: float) -> FeatureMap:
        """Keep the features' own scale."""
        center = raw(thinned(points)).mean(axis=0)
        return cls(raw, np.full(len(center), roughness), center, np.ones(len(center)))

    def __call__(self, points: Array) -> Array:
        """Features of (k, d) points."""
        return (self.raw(points) - self.center) / self.scale

    def beside(self, other: FeatureMap) -> FeatureMap:
        """These features and those of another map."""
        roughness, center, scale = (
            np.concatenate(pair)
            for pair in (
                (self.roughness, other.roughness),
                (self.center, other.center),
                (self.scale, other.scale),
            )
        )
        return FeatureMap(Both(self.raw, other.raw), roughness, center, scale)


def thinned(rows: Any, most: int = _ROWS_OF_MEANS) -> Any:
    """Every so many of the rows; their means and spreads are those of all but for little."""
    return rows[:: -(-len(rows) // most)]


@dataclass(frozen=True, eq=False)
class Both:
    """The features of two maps side by side."""

    first: Callable[[Array], Array]
    second: Callable[[Array], Array]

    def __call__(self, points: Array) -> Array:
        """Features of (k, d) points."""
        return np.hstack([self.first(points), self.second(points)])


@dataclass(frozen=True, eq=False)
class Polynomial:
    """Coordinates, their squares and products, of the standardized points or the normal scores."""

    coordinates: Coordinates
    by_rank: bool
    squares: bool
    products: bool

    def __call__(self, points: Array) -> Array:
        """Features of (k, d) points."""
        view = self.coordinates.scores if self.by_rank else self.coordinates.line
        line = view(points)
        parts = [line]
        if self.squares:
            parts.append(line**2)
        if self.products:
            first, second = np.triu_indices(line.shape[1], k=1)
            parts.append(line[:, first] * line[:, second])
        return np.hstack(parts)


def beside_scores(coordinates: Coordinates, points: Array, features: FeatureMap) -> FeatureMap:
    """Normal scores and their squares, for what is smooth, and the features."""
    scores = Polynomial(coordinates, by_rank=True, squares=True, products=False)
    return FeatureMap.standardized(scores, points).beside(features)


@dataclass(frozen=True, eq=False)
class Quartics:
    """All products of one to four normal scores, whose penalty grows beyond two.

    They follow how the tails of two features hang together, as copulas differ.
    """

    coordinates: Coordinates

    def __call__(self, points: Array) -> Array:
        """Features of (k, d) points."""
        scores = self.coordinates.scores(points)
        return np.column_stack([scores[:, factors].prod(axis=1) for factors in self._factors()])

    def roughness(self) -> Array:
        """Penalty of each feature."""
        return np.array([4.0 ** max(0, len(factors) - 2) for factors in self._factors()])

    def _factors(self) -> list[list[int]]:
        features = range(self.coordinates.d)
        return [
            list(factors)
            for degree in range(1, 5)
            for factors in combinations_with_replacement(features, degree)
        ]


@dataclass(frozen=True, eq=False)
class Sizes:
    """Normal scores, their squares, and products of the sizes of two scores.

    They see features that are large together without any correlation, as heavy tails are.
    """

    coordinates: Coordinates

    def __call__(self, points: Array) -> Array:
        """Features of (k, d) points."""
        scores = self.coordinates.scores(points)
        sizes = np.abs(scores)
        first, second = np.triu_indices(scores.shape[1], k=1)
        return np.hstack([scores, scores**2, sizes[:, first] * sizes[:, second]])


@dataclass(frozen=True, eq=False)
class Waves:
    """Cosines of the rank of each feature, with normal scores and their squares.

    The penalty of the cosine of frequency k grows like k^4, which makes a sum of smoothing
    splines in the ranks. The radius, from the center of the whitened points, counts as a feature.
    With `pairs`, products of cosines of two features are added.
    """

    coordinates: Coordinates
    radii: tuple[Array, Array]
    frequencies: int
    pairs: int

    @classmethod
    def of(cls, coordinates: Coordinates, points: Array, frequencies: int, pairs: int) -> Waves:
        """Rank the radii of the points."""
        radii = np.linalg.norm(coordinates.white(points), axis=1)
        return cls(coordinates, rank_table(radii), frequencies, pairs)

    def __call__(self, points: Array) -> Array:
        """Features of (k, d) points."""
        shares = self.coordinates.shares(points)
        scores = ndtri(shares)
        if self.coordinates.d > 1:
            radii = np.linalg.norm(self.coordinates.white(points), axis=1)
            radial = np.interp(radii, *self.radii)[:, np.newaxis]
            shares = np.hstack([shares, radial])
            scores = np.hstack([scores, ndtri(radial)])
        parts = [scores, scores**2]
        parts += [np.cos(np.pi * k * shares) for k in range(1, self.frequencies + 1)]
        for i, j in self._pairs():
            parts.append((scores[:, i] * scores[:, j])[:, np.newaxis])
            for s, t in self._frequency_pairs():
                product = np.cos(np.pi * s * shares[:, i]) * np.cos(np.pi * t * shares[:, j])
                parts.append(product[:, np.newaxis])
        return np.hstack(parts)

    def roughness(self) -> Array:
        """Penalty of each feature."""
        d = self.coordinates.d
        width = d + (d > 1)
        parts = [np.ones(2 * width)]
        parts += [np.full(width, max(1.0, (k / 2) ** 4)) for k in range(1, self.frequencies + 1)]
        for _ in self._pairs():
            parts.append(np.ones(1))
            parts += [
                np.array([max(1.0, ((s * s + t * t) / 4) ** 2)]) for s, t in self._frequency_pairs()
            ]
        return np.concatenate(parts)

    def _pairs(self) -> list[tuple[int, int]]:
        d = self.coordinates.d
        return [(i, j) for i in range(d) for j in range(i)] if self.pairs else []

    def _frequency_pairs(self) -> list[tuple[int, int]]:
        each = range(1, self.pairs + 1)
        return [(s, t) for s in each for t in each]


@dataclass(frozen=True, eq=False)
class Bumps:
    """Normalized Gaussian bumps about some of the whitened points, or of their normal scores.

    Ridge regression on them is Nyström's form of kernel regression (Williams and Seeger, 2001).
    """

    coordinates: Coordinates
    by_rank: bool
    centers: Array
    bandwidth: float
    turn: Array

    @classmethod
    def of(
        cls,
        coordinates: Coordinates,
        points: Array,
        bandwidth: float,
        count: int,
        rng: np.random.Generator,
        *,
        by_rank: bool = False,
    ) -> Bumps:
        """Place the bumps at random points; the bandwidth is in units of the root of d."""
        rows = np.sort(rng.choice(len(points), min(count, len(points)), replace=False))
        width = bandwidth * np.sqrt(coordinates.d)
        bare = cls(coordinates, by_rank, np.empty((0, 0)), width, np.empty((0, 0)))
        centers = bare._view(points[rows])
        eigenvalues, vectors = np.linalg.eigh(_bumps(centers, centers, width))
        kept = eigenvalues > _SMALLEST_EIGENVALUE * eigenvalues[-1]
        turn = vectors[:, kept] / np.sqrt(eigenvalues[kept])
        return cls(coordinates, by_rank, centers, width, turn)

    def __call__(self, points: Array) -> Array:
        """Features of (k, d) points."""
        view, found = self._view(points), np.empty((len(points), self.turn.shape[1]))
        for rows in row_tiles(len(points), len(self.centers), _ARRAYS_OF_BUMPS):
            found[rows] = _bumps(view[rows], self.centers, self.bandwidth) @ self.turn
        return found

    def _view(self, points: Array) -> Array:
        return self.coordinates.scores(points) if self.by_rank else self.coordinates.white(points)


def _bumps(points: Array, centers: Array, width: float) -> Array:
    squares = points @ (-2.0 * centers.T)
    squares += (points**2).sum(axis=1)[:, np.newaxis]
    squares += (centers**2).sum(axis=1)
    np.maximum(squares, 0.0, out=squares)
    squares *= -0.5 / width**2
    return np.asarray(np.exp(squares, out=squares))
