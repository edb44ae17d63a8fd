"""Critics that are fitted on folds and judge the points that they have not seen."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from divergences.estimate import Critic
from divergences.estimators.ratios.labels import balanced_weights, stratified_folds
from divergences.estimators.ratios.log_ratio import LogRatio
from divergences.estimators.ratios.overlooked import missed_by
from divergences.measures.samples import Samples
from divergences.work import Run

if TYPE_CHECKING:
    from numpy.typing import NDArray


# Balanced weights make the log-odds of no difference zero, up to rounding.
_NOTHING = 1e-9
_LARGEST = 50.0


@dataclass(frozen=True, eq=False)
class TrainingPart:
    """The rows of both samples that one fit may see.

    Parameters
    ----------
    points : ndarray of shape (k, d)
    labels : ndarray of shape (k,)
        1 for P, 0 for Q.
    weights : ndarray of shape (k,)
        Above zero, with mean 1 and half of the sum in either sample.
    seed : int
        Of the fit's own choices.
    level_counts : ndarray of shape (d,) or None
        Number of levels of each categorical column, 0 for numeric ones; None if all are numeric.
    """

    points: NDArray[np.float64]
    labels: NDArray[np.intp]
    weights: NDArray[np.float64]
    seed: int
    level_counts: NDArray[np.intp] | None = None


Fit = Callable[[TrainingPart], Critic]


@dataclass(frozen=True, eq=False)
class MeanLogOdds:
    """The critic of all data: the mean of the log-odds over the fits of the folds."""

    models: tuple[Critic, ...]

    def __call__(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Evaluate at (k, d) points."""
        odds = np.stack([model(points) for model in self.models])
        return np.asarray(made_finite(odds, len(points))[0].mean(axis=0))


def cross_fit(fit: Fit, p: Samples, q: Samples, folds: int, run: Run, description: str) -> LogRatio:
    """Fit on each fold's complement and evaluate on the fold.

    Parameters
    ----------
    fit : callable
        TrainingPart -> critic with the log-ratio at (k, d) points; infinite values are set to
        the largest that so many points can show, and counted in a note.
    p, q : Samples
    folds : int
    run : Run
    description : str
        Of the progress bar.

    Returns
    -------
    LogRatio
        Whose `evaluate` is a `MeanLogOdds`; without a learning curve.
    """
    points = np.concatenate([p.points, q.points])
    labels = np.repeat([1, 0], [p.n, q.n])
    mass = np.concatenate([p.mass, q.mass])
    parts = stratified_folds(labels, folds, run.rng)
    seeds = run.rng.integers(2**31, size=folds)
    counts = p.level_counts if p.levels else None
    one_fit = partial(fit_fold, fit, TrainingPart(points, labels, mass, 0, counts), parts, seeds)
    models = list(run.map(one_fit, range(folds), description))
    odds = np.empty(len(points))
    for fold, model in enumerate(models):
        if (parts == fold).any():
            odds[parts == fold] = model(points[parts == fold])
    odds, notes = made_finite(odds, len(points))
    at_p, at_q = odds[: p.n], odds[p.n :]
    separated = bool(at_p.min() > at_q.max())
    if separated:
        notes = (*notes, _SEPARATED)
    silent = _silent_share(odds, parts, folds)
    if silent:
        notes = (*notes, _silence(silent))
    missed = missed_by(at_p, at_q, p, q)
    critic = MeanLogOdds(tuple(models))
    rated = parts[: p.n], parts[p.n :]
    apart = separated, separated
    return LogRatio(at_p, at_q, critic, notes=notes, out_of_reach=apart, parts=rated, missed=missed)


def cross_fit_rate(folds: int) -> float:
    """`LogRatio.rate` of fits on shares (K-1)/K and 1/2 of the data, for a bias of order 1/n.

    The bias is then the gain over 2(K-1)/K - 1, which this rate makes of LogRatio's 2^rate - 1.
    """
    return math.log2(2.0 * (folds - 1) / folds) if folds > 2 else 1.0


def _silent_share(odds: NDArray[np.float64], parts: NDArray[np.intp], folds: int) -> float:
    """Share of the points in folds that their fit passes over altogether.

    A forest that votes evenly at some points says that they tell nothing, not that it saw nothing.
    """
    nothing = np.abs(odds) < _NOTHING
    sizes = np.bincount(parts, minlength=folds)
    silent = (np.bincount(parts, nothing, minlength=folds) == sizes) & (sizes > 0)
    return float(silent[parts].mean())


def _silence(share: float) -> str:
    return (
        f"The critic found nothing that tells p from q at {share:.0%} of the points: there may be "
        f"no difference, or one that so many points do not show, up to which the interval reaches."
    )


_SEPARATED = (
    "The samples are separated perfectly by the critic; the value is close to the largest that it "
    "can give for so many points, and how much farther apart the measures are cannot be seen. "
    "A Wasserstein distance can tell."
)


def fit_fold(
    fit: Fit,
    whole: TrainingPart,
    parts: NDArray[np.intp],
    seeds: NDArray[np.int64],
    fold: int,
) -> Critic:
    """Fit to the rows of a whole that are in another part than `fold`."""
    # A point without mass is no point; and boosting's leaves would count it.
    away = (parts != fold) & (whole.weights > 0)
    points, labels = whole.points[away], whole.labels[away]
    weights = balanced_weights(labels, whole.weights[away])
    return fit(replace(whole, points=points, labels=labels, weights=weights, seed=int(seeds[fold])))


def fit_half(fit: Fit, part: TrainingPart) -> Critic:
    """Fit to half of a part's points of either label, drawn by its seed."""
    rng = np.random.default_rng(part.seed)
    rows = [rng.permutation(np.flatnonzero(part.labels == label)) for label in (1, 0)]
    # A network needs one point to fit and one to stop by.
    kept = np.concatenate([own[: max(2, math.ceil(len(own) / 2))] for own in rows])
    weights = balanced_weights(part.labels[kept], part.weights[kept])
    return fit(replace(part, points=part.points[kept], labels=part.labels[kept], weights=weights))


def made_finite(odds: NDArray[np.float64], n: int) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Replace infinite log-odds, which trees and neighbors give, by the largest that n can show.

    Finite ones end at ±50: quadratic terms of far points give thousands, of which squares overflow.
    """
    certain = np.isinf(odds)
    largest = float(np.max(np.abs(odds[~certain]), initial=math.log(n + 1.0)))
    if not certain.any() and not largest > _LARGEST:
        return odds, ()
    most = min(largest, _LARGEST)
    far = int((np.abs(odds) > most).sum() - certain.sum())
    notes = []
    if certain.any():
        notes.append(
            f"The classifier gave {int(certain.sum())} of {odds.size} points a probability of "
            f"exactly 0 or 1; their log-ratio was set to ±{most:.3g}."
        )
    if far:
        notes.append(
            f"The log-ratio of {far} of {odds.size} points was beyond ±{_LARGEST:g}, which no "
            f"sample can show, and was set to that: the critic extrapolates."
        )
    return np.clip(odds, -most, most), tuple(notes)
