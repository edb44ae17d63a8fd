"""The pairs of features whose dependence differs most between P and Q, seen closely."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri
from scipy.stats import chi2

from divergences.estimators.critics.coordinates import Coordinates
from divergences.estimators.critics.differences import mean_difference, product_difference
from divergences.estimators.critics.feature_maps import Bumps, FeatureMap, thinned
from divergences.estimators.critics.highest import highest
from divergences.estimators.critics.projections import Projection, seen_through
from divergences.estimators.critics.ridge_candidates import BUMP_ROUGHNESS, bumps_among
from divergences.estimators.ratios.labels import by_label

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Places = NDArray[np.intp]

_KINDS = 4
_MOST_PAIRS = 30
_MOST_PRODUCTS, _POINTS_OF_PRODUCT = 400, 10
_FREQUENCIES = 5
# Of the score, its square, and the cosines.
FREQUENCY = np.array([1.0, 2.0, *range(1, _FREQUENCIES + 1)])
EVERY_KIND = np.argwhere(FREQUENCY[:, np.newaxis] + FREQUENCY <= 6)
_MOST_PLANES = 3
# Bandwidths, and how many bumps all planes share.
_BUMPS_IN_PLANES = ((0.2, 150), (0.5, 60))
_LEAST_EXCESS = 0.02
_FALSE_ALARMS = 0.05


@dataclass(frozen=True, eq=False)
class PairSplines:
    """Normal scores, their squares and cosines of the ranks, and products of two features'.

    Cosines follow any shape; scores and squares what goes on into the tails, as a mean or a spread
    that depends on another feature does.

    Parameters
    ----------
    coordinates : Coordinates
    columns : ndarray of shape (k,)
        Features that take part.
    pairs : ndarray of shape (t, 2)
        Places in `columns`.
    kinds : ndarray of shape (s, 2)
        What is multiplied: places among score, square and cosines.
    """

    coordinates: Coordinates
    columns: Places
    pairs: Places
    kinds: Places

    @classmethod
    def of(cls, coordinates: Coordinates, pairs: Places) -> PairSplines:
        """Splines of pairs of features."""
        columns, places = np.unique(pairs, return_inverse=True)
        return cls(coordinates, columns, places.reshape(pairs.shape), EVERY_KIND)

    def __call__(self, points: Array) -> Array:
        """Features of (k, d) points."""
        single = curves(self.coordinates, points, self.columns)
        parts = [np.hstack(list(single))]
        left, right = single[:, :, self.pairs[:, 0]], single[:, :, self.pairs[:, 1]]
        parts += [left[s] * right[t] for s, t in self.kinds]
        return np.hstack(parts)

    def roughness(self) -> Array:
        """Penalty of each feature, of products the least."""
        single = roughness_of_curves()
        return np.concatenate([np.repeat(single, len(self.columns)), np.ones(self.n_products)])

    @property
    def n_products(self) -> int:
        """How many of the features, the last, are products."""
        return len(self.kinds) * len(self.pairs)


def curves(coordinates: Coordinates, points: Array, columns: Places | slice) -> Array:
    """Normal scores, their squares and cosines of the ranks, of shape (kinds, points, columns)."""
    shares = coordinates.shares(points)[:, columns]
    scores = ndtri(shares)
    cosines = [np.cos(np.pi * k * shares) for k in range(1, _FREQUENCIES + 1)]
    return np.array([scores, scores**2, *cosines])


def roughness_of_curves() -> Array:
    """Penalty of each kind."""
    return np.maximum(1.0, (FREQUENCY / 2) ** 4)


def pairs_that_differ(
    coordinates: Coordinates, points: Array, labels: Places, weights: Array
) -> FeatureMap | None:
    """Smoothing splines in two dimensions for the pairs of features that differ most.

    None if no pair differs by more than chance.
    """
    pairs = most_different_pairs(coordinates, points, labels, weights)
    if len(pairs) == 0:
        return None
    return splines_of_pairs(PairSplines.of(coordinates, pairs), points, labels, weights)


def whitened_pairs_that_differ(
    coordinates: Coordinates, points: Array, labels: Places, weights: Array
) -> FeatureMap | None:
    """The same of the whitened points: of a chain, pairs of what each feature adds.

    None, too, where whitening leaves the features as they are.
    """
    if not coordinates.correlated:
        return None
    return pairs_in_view(coordinates.white, points, labels, weights)


def pairs_in_view(
    view: Callable[[Array], Array], points: Array, labels: Places, weights: Array
) -> FeatureMap | None:
    """The same of any view of the points."""
    seen = view(points)
    features = pairs_that_differ(Coordinates.of(seen), seen, labels, weights)
    return None if features is None else seen_through(view, features)


def bumps_in_planes_that_differ(
    coordinates: Coordinates, points: Array, labels: Places, weights: Array
) -> FeatureMap | None:
    """Gaussian bumps in the planes of the few pairs that differ most, as sharp curves need them.

    None if no pair differs by more than chance.
    """
    pairs = most_different_pairs(coordinates, points, labels, weights)[:_MOST_PLANES]
    found: FeatureMap | None = None
    for pair in pairs:
        view = Projection(coordinates, np.eye(coordinates.d)[:, pair])
        seen = view(points)
        inner = Coordinates.of(seen)
        for bandwidth, most in _BUMPS_IN_PLANES:
            count = max(1, bumps_among(points, most) // len(pairs))
            rng = np.random.default_rng(round(100 * bandwidth))
            raw = Bumps.of(inner, seen, bandwidth, count, rng)
            features = seen_through(view, FeatureMap.centered(raw, seen, BUMP_ROUGHNESS))
            found = features if found is None else found.beside(features)
    return found


def splines_of_pairs(raw: PairSplines, points: Array, labels: Places, weights: Array) -> FeatureMap:
    """Products of a kind penalized the less, the more those of all pairs differ.

    What makes one pair differ often makes the others. Of many pairs the kinds that differ least
    are left out.
    """
    values = raw(thinned(points))
    if len(raw.pairs) == 0:
        return FeatureMap.of_values(raw, values, raw.roughness())
    singles, products = np.split(values, [-raw.n_products], axis=1)
    ratios = mean_difference(by_label(products, thinned(labels), thinned(weights)))
    ratios = ratios.reshape(len(raw.kinds), -1)
    excess = np.maximum(np.mean(ratios**2, axis=1) - 1, _LEAST_EXCESS)
    most = min(_MOST_PRODUCTS, len(points) // _POINTS_OF_PRODUCT)
    kept = np.sort(highest(excess, max(1, most // len(raw.pairs))))
    chosen = replace(raw, kinds=raw.kinds[kept])
    roughness = chosen.roughness()
    roughness[-chosen.n_products :] = np.repeat(excess.max() / excess[kept], len(raw.pairs))
    products = products.reshape(-1, *ratios.shape)[:, kept].reshape(len(products), -1)
    return FeatureMap.of_values(chosen, np.hstack([singles, products]), roughness)


def most_different_pairs(
    coordinates: Coordinates, points: Array, labels: Places, weights: Array
) -> Places:
    """Pairs by how far apart the covariances of functions of the two are, those beyond chance.

    The functions are cosines of the ranks, so that no tail has a say, and margins that differ
    have little of one.
    """
    shares = coordinates.shares(thinned(points))
    waves = np.concatenate([np.cos(np.pi * k * shares) for k in range(1, _KINDS + 1)], axis=1)
    parts = by_label(waves, thinned(labels), thinned(weights))
    ratios = product_difference([(values - mass @ values, mass) for values, mass in parts])
    d = coordinates.d
    first, second = np.triu_indices(d, k=1)
    squares = (ratios**2).reshape(_KINDS, d, _KINDS, d)[:, first, :, second]
    # Slow waves alone, where the difference is a plain one, and faster ones beside.
    chance = np.min(
        [chi2.logsf(squares[:, :k, :k].sum(axis=(1, 2)), k * k) for k in range(1, _KINDS + 1)],
        axis=0,
    )
    tries = _KINDS * len(first)
    kept = highest(-chance, _MOST_PAIRS, -np.log(_FALSE_ALARMS / tries))
    return np.column_stack([first[kept], second[kept]])
