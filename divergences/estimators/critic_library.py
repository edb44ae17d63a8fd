"""The critics that `Stacked` combines, and which of them suit how many points and features."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np

from divergences.estimators.boosted_trees import grow_trees
from divergences.estimators.feature_maps import Bumps, Coordinates, FeatureMap, Polynomial, Waves
from divergences.estimators.quadratic_logistic import log_loss, stratified_folds
from divergences.estimators.ridge_logistic import fit_best_strength, with_intercept
from divergences.work import row_tiles

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.estimate import Critic
    from divergences.estimators.cross_fitting import TrainingPart

    Array = NDArray[np.float64]

FOLDS = 5
FEW_FOLDS = 2
_ROWS_FOR_FEW_FOLDS = 20_000
_LARGEST = 20.0
_BUMPS = 250
_POINTS_OF_BUMP = 8
_BUMP_ROUGHNESS = 0.1
_EDGE_ROUGHNESS = 0.05
_TREES = 60
_LEARNING_RATE = 0.2
_SHAPES: dict[str, dict[str, Any]] = {
    "additive trees": {
        "interaction_cst": "no_interactions",
        "max_leaf_nodes": 4,
        "learning_rate": _LEARNING_RATE,
    },
    "trees": {"max_leaf_nodes": 8, "learning_rate": _LEARNING_RATE},
}
_COMPONENTS = (1, 2, 3, 4, 6, 8, 12, 16)
_WORSE_IN_A_ROW = 3
_FAR_BEHIND = 2.0
_ROWS_OF_MIXTURE = 10_000
_COVARIANCE_FLOOR = 1e-4


@dataclass(frozen=True, eq=False)
class Training:
    """What critics are fitted to.

    Parameters
    ----------
    points : ndarray of shape (n, d)
    labels : ndarray of shape (n,)
        1 for P, 0 for Q.
    weights : ndarray of shape (n,)
        Half of the sum in either sample; the sum is the number of points of two equal samples
        that would say as much.
    coordinates : Coordinates
    folds : ndarray of shape (n,)
    seed : int
    standard : ndarray of shape (n,) or None
        Held-out log-odds of the best cheap critic, which a costly one has to come near.
    """

    points: Array
    labels: NDArray[np.intp]
    weights: Array
    coordinates: Coordinates
    folds: NDArray[np.intp]
    seed: int
    standard: Array | None = None

    @classmethod
    def of(cls, part: TrainingPart, folds: int = FOLDS) -> Training:
        """Prepare rows of both samples."""
        labels = part.labels
        sizes = [
            part.weights[labels == label].sum() ** 2 / (part.weights[labels == label] ** 2).sum()
            for label in (1, 0)
        ]
        whole = 4.0 / (1.0 / sizes[0] + 1.0 / sizes[1])
        if len(labels) > _ROWS_FOR_FEW_FOLDS:
            folds = FEW_FOLDS
        return cls(
            part.points,
            labels,
            part.weights * (whole / part.weights.sum()),
            Coordinates.of(part.points),
            stratified_folds(labels, folds, np.random.default_rng(part.seed)),
            part.seed,
        )


@dataclass(frozen=True, eq=False)
class FittedCritic:
    """A critic, with what it says of the points that it was fitted to.

    Parameters
    ----------
    held_out : ndarray of shape (n,)
        Log-odds at each point of a fit without it, or without its fold.
    fitted : ndarray of shape (n,)
        Log-odds of the fit to all points; `held_out` once more for critics whose own points say
        nothing, such as trees.
    evaluate : callable
        (k, d) points to (k,) log-odds. Picklable.
    """

    held_out: Array
    fitted: Array
    evaluate: Critic

    @classmethod
    def bounded(cls, held_out: Array, fitted: Array, evaluate: Critic) -> FittedCritic:
        """Keep log-odds within what any number of points could show."""
        kept = bounded(held_out)
        return cls(kept, kept if fitted is held_out else bounded(fitted), evaluate)


def bounded(odds: Array) -> Array:
    """Log-odds within ±20."""
    return np.clip(odds, -_LARGEST, _LARGEST)


class Candidate(Protocol):
    """A kind of critic, before it has seen data."""

    @property
    def name(self) -> str:
        """What diagnostics call it."""

    @property
    def costly(self) -> bool:
        """Whether it is fitted after the others, and given up where it falls far behind."""

    def fit(self, training: Training) -> FittedCritic | None:
        """Fit to all points, and evaluate each without itself."""


# Penalized logistic regressions.


@dataclass(frozen=True)
class RidgeCandidate:
    """Logistic regression on features; with edges, on where the samples' ranges end too."""

    name: str
    features: Callable[[Training], FeatureMap]
    edges: bool = False
    costly: ClassVar[bool] = False

    def fit(self, training: Training) -> FittedCritic:
        """One fit; left-out predictions come with it."""
        features = self.features(training)
        values, roughness, edges = features(training.points), features.roughness, None
        if self.edges:
            edges, outside = Edges.of(training)
            values = np.hstack([values, outside])
            roughness = np.concatenate([roughness, np.full(2, _EDGE_ROUGHNESS)])
        fit = fit_best_strength(values, training.labels, training.weights, roughness)
        evaluate = RidgeCritic(features, edges, fit.coefficients)
        return FittedCritic.bounded(fit.left_out, fit.fitted, evaluate)


@dataclass(frozen=True, eq=False)
class RidgeCritic:
    """Log-odds that are linear in the features."""

    features: FeatureMap
    edges: Edges | None
    coefficients: Array

    def __call__(self, points: Array) -> Array:
        """Evaluate at (k, d) points."""
        odds = np.empty(len(points))
        for rows in row_tiles(len(points), len(self.coefficients)):
            values = self.features(points[rows])
            if self.edges is not None:
                values = np.hstack([values, self.edges(points[rows])])
            odds[rows] = with_intercept(values) @ self.coefficients
        return bounded(odds)


@dataclass(frozen=True, eq=False)
class Edges:
    """Whether a point lies beyond the range of P's points, or of Q's, in any feature or radius.

    Where a density ends at an edge, no smooth critic follows it.
    """

    coordinates: Coordinates
    low: Array
    high: Array

    @classmethod
    def of(cls, training: Training) -> tuple[Edges, Array]:
        """Find the ranges, and where the points lie beyond those of the other points."""
        values = with_radius(training.coordinates, training.points)
        ranges = [np.sort(values[training.labels == label], axis=0) for label in (1, 0)]
        low, high = (np.stack([ordered[i] for ordered in ranges]) for i in (0, -1))
        second_low, second_high = (np.stack([ordered[i] for ordered in ranges]) for i in (1, -2))
        outside = np.empty((len(values), 2))
        for column, label in enumerate((1, 0)):
            own = (training.labels == label)[:, np.newaxis]
            lowest = np.where(own, second_low[column], low[column])
            highest = np.where(own, second_high[column], high[column])
            outside[:, column] = ((values < lowest) | (values > highest)).any(axis=1)
        return cls(training.coordinates, low, high), outside

    def __call__(self, points: Array) -> Array:
        """Evaluate at (k, d) points, as (k, 2) zeros and ones."""
        values = with_radius(self.coordinates, points)
        return np.column_stack(
            [
                ((values < low) | (values > high)).any(axis=1).astype(np.float64)
                for low, high in zip(self.low, self.high, strict=True)
            ]
        )


def with_radius(coordinates: Coordinates, points: Array) -> Array:
    """Append the distance from the center of the whitened points, beyond one feature."""
    if points.shape[1] == 1:
        return points
    return np.column_stack([points, np.linalg.norm(coordinates.white(points), axis=1)])


def _polynomial(
    training: Training, *, by_rank: bool = False, squares: bool = False, products: bool = False
) -> FeatureMap:
    raw = Polynomial(training.coordinates, by_rank, squares, products)
    return FeatureMap.standardized(raw, training.points)


def _waves(training: Training, *, frequencies: int, pairs: int = 0) -> FeatureMap:
    raw = Waves.of(training.coordinates, training.points, frequencies, pairs)
    roughness = raw.roughness(training.points.shape[1])
    return FeatureMap.standardized(raw, training.points, roughness)


def _bumps(training: Training, *, bandwidth: float, by_rank: bool = False) -> FeatureMap:
    rng = np.random.default_rng([training.seed, round(100 * bandwidth)])
    count = min(_BUMPS, len(training.points) // _POINTS_OF_BUMP)
    raw = Bumps.of(training.coordinates, training.points, bandwidth, count, rng, by_rank=by_rank)
    return FeatureMap.centered(raw, training.points, _BUMP_ROUGHNESS)


# Boosted trees.


@dataclass(frozen=True)
class TreesCandidate:
    """Gradient boosting, as long as held-out folds gain from it."""

    name: str
    costly: ClassVar[bool] = True

    def fit(self, training: Training) -> FittedCritic | None:
        """Fit in each fold's complement, and to all points at the best length."""
        points = with_radius(training.coordinates, training.points)
        labels, weights, shape = training.labels, training.weights, _SHAPES[self.name]
        stages, most = np.zeros((_TREES + 1, len(labels))), _TREES
        for fold in range(int(training.folds.max()) + 1):
            away, here = training.folds != fold, training.folds == fold
            model = grow_trees(training.seed, shape, max_iter=most)
            model.fit(points[away], labels[away], weights[away])
            for length, odds in enumerate(model.staged_decision_function(points[here]), 1):
                stages[length, here] = odds.ravel()
            if fold == 0:
                losses = weights[here] @ log_loss(stages[:, here], labels[here]).T
                best = int(np.argmin(losses))
                if best == 0 or _falls_behind(training, stages[best], here):
                    return None
                most = min(_TREES, best + best // 2 + 10)
        losses = weights @ log_loss(stages[: most + 1], labels).T
        length = int(np.argmin(losses))
        if length == 0:
            return None
        model = grow_trees(training.seed, shape, max_iter=length).fit(points, labels, weights)
        evaluate = TreesCritic(training.coordinates, model)
        odds = stages[length]
        return FittedCritic.bounded(odds, odds, evaluate)


@dataclass(frozen=True, eq=False)
class TreesCritic:
    """Log-odds of boosted trees."""

    coordinates: Coordinates
    model: Any

    def __call__(self, points: Array) -> Array:
        """Evaluate at (k, d) points."""
        odds = self.model.decision_function(with_radius(self.coordinates, points))
        return bounded(np.asarray(odds, dtype=np.float64))


def _falls_behind(training: Training, odds: Array, here: NDArray[np.bool_]) -> bool:
    """Whether held-out losses are above the standard's by more than noise explains."""
    if training.standard is None:
        return False
    labels, weights = training.labels[here], training.weights[here]
    excess = log_loss(odds[here], labels) - log_loss(training.standard[here], labels)
    mean = float(weights @ excess / weights.sum())
    noise = float(np.sqrt(weights**2 @ (excess - mean) ** 2) / weights.sum())
    return mean > _FAR_BEHIND * noise


# Gaussian mixtures.


@dataclass(frozen=True)
class MixturesCandidate:
    """A Gaussian mixture for each sample, with as many components as its BIC asks for."""

    most_components: int
    name: str = "gaussian mixtures"
    costly: ClassVar[bool] = True

    def fit(self, training: Training) -> FittedCritic | None:
        """Fit by EM in each fold's complement and to all points."""
        line = training.coordinates.line(training.points)
        sides = [training.labels == label for label in (1, 0)]
        counts = [self._components(line[side], training.seed) for side in sides]

        def fit(rows: NDArray[np.bool_]) -> MixturesCritic:
            models = (
                _mixture(line[side & rows], count, training.seed)
                for side, count in zip(sides, counts, strict=True)
            )
            return MixturesCritic(training.coordinates, *models)

        held_out = np.empty(len(line))
        for fold in range(int(training.folds.max()) + 1):
            here = training.folds == fold
            held_out[here] = fit(~here).at_line(line[here])
            if fold == 0 and _falls_behind(training, held_out, here):
                return None
        whole = fit(np.ones(len(line), dtype=bool))
        return FittedCritic.bounded(held_out, whole.at_line(line), whole)

    def _components(self, line: Array, seed: int) -> int:
        best, chosen, worse = np.inf, 1, 0
        for count in _COMPONENTS:
            if count > self.most_components or 4 * count > len(line):
                break
            criterion = float(_mixture(line, count, seed).bic(line))
            if criterion < best:
                best, chosen, worse = criterion, count, 0
            else:
                worse += 1
                if worse == _WORSE_IN_A_ROW:
                    break
        return chosen


@dataclass(frozen=True, eq=False)
class MixturesCritic:
    """Log-ratio of two Gaussian mixtures."""

    coordinates: Coordinates
    p: Any
    q: Any

    def __call__(self, points: Array) -> Array:
        """Evaluate at (k, d) points."""
        return self.at_line(self.coordinates.line(points))

    def at_line(self, line: Array) -> Array:
        """Evaluate at standardized points."""
        return bounded(self.p.score_samples(line) - self.q.score_samples(line))


def _mixture(line: Array, components: int, seed: int) -> Any:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    rows = slice(None, None, -(-len(line) // _ROWS_OF_MIXTURE))
    with warnings.catch_warnings():
        # A mixture that has not settled is a critic like another; held-out points judge it.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return GaussianMixture(
            components,
            reg_covar=_COVARIANCE_FLOOR,
            n_init=2 if components > 1 else 1,
            max_iter=200,
            random_state=seed,
        ).fit(line[rows])


# Which of them to use.

_MOST_FEATURES_WITH_PRODUCTS = 50
_MOST_FEATURES_WITH_RANK_PRODUCTS = 25
_MOST_FEATURES_WITH_BUMPS = 10
_MOST_FEATURES_WITH_PAIRS = 5


def library(d: int, *, equal_weights: bool = True, cheap: bool = False) -> list[Candidate]:
    """Critics for d features, the simplest first; mixtures need equal weights.

    Parameters
    ----------
    d : int
    equal_weights : bool
    cheap : bool
        Leave out trees and mixtures, which cost most of the time.

    Returns
    -------
    list of Candidate
    """
    waves = 24 if d == 1 else 11 if d <= 3 else 7 if d <= 20 else 5
    found: list[Candidate] = [
        RidgeCandidate("linear", _polynomial),
        RidgeCandidate("squares", partial(_polynomial, squares=True)),
        RidgeCandidate("squares of scores", partial(_polynomial, squares=True, by_rank=True)),
        RidgeCandidate("waves", partial(_waves, frequencies=waves)),
    ]
    if d <= 20:
        found.append(RidgeCandidate("waves and edges", partial(_waves, frequencies=waves), True))
    if 1 < d <= _MOST_FEATURES_WITH_PRODUCTS:
        products = partial(_polynomial, squares=True, products=True)
        found.append(RidgeCandidate("quadratic", products))
        if d <= _MOST_FEATURES_WITH_RANK_PRODUCTS:
            found.append(RidgeCandidate("quadratic in scores", partial(products, by_rank=True)))
    if 1 < d <= _MOST_FEATURES_WITH_PAIRS:
        few, each = (10, 5) if d == 2 else (10, 3) if d == 3 else (5, 3)
        pairs = partial(_waves, frequencies=few, pairs=each)
        found.append(RidgeCandidate("pairs of waves", pairs))
        found.append(RidgeCandidate("pairs of waves and edges", pairs, True))
    if d <= _MOST_FEATURES_WITH_BUMPS:
        widths = (0.2, 0.5, 1.0, 2.0) if d <= 3 else (0.5, 1.0, 2.0)
        found += [
            RidgeCandidate(f"bumps of width {width:g}", partial(_bumps, bandwidth=width))
            for width in widths
        ]
    if d <= _MOST_FEATURES_WITH_PAIRS:
        by_rank = partial(_bumps, bandwidth=0.5, by_rank=True)
        found.append(RidgeCandidate("bumps in scores", by_rank))
    if cheap:
        return found
    found += [TreesCandidate(name) for name in list(_SHAPES)[: 1 if d == 1 else 2]]
    if equal_weights and d <= _MOST_FEATURES_WITH_BUMPS:
        found.append(MixturesCandidate(16 if d <= 3 else 6))
    return found
