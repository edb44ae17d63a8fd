"""The default for f-divergences: many critics, each judged where it was not fitted, made one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from divergences.checks import check_real
from divergences.estimators.critics.critic_candidate import FEW_FOLDS, FOLDS, Candidate, Training
from divergences.estimators.critics.critic_library import library
from divergences.estimators.critics.method_candidate import MethodCandidate
from divergences.estimators.critics.stacking import Stack, fit_stack
from divergences.estimators.estimator import by_shorthand
from divergences.estimators.kde import KDE, spans
from divergences.estimators.ratios.cross_fitting import TrainingPart
from divergences.estimators.ratios.extrapolation import out_of_reach
from divergences.estimators.ratios.labels import balanced_weights, stratified_folds
from divergences.estimators.ratios.log_ratio import Gap, LogRatio
from divergences.estimators.ratios.ratio import RatioEstimator
from divergences.measures.arrays import listed
from divergences.measures.samples import Samples
from divergences.numerals import two_digits
from divergences.work import Run, single_threaded

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_ROWS = 100_000
_CHEAP = 0.5
# Of larger differences the doubt is what half the data miss and what another critic shows.
_MOST_MISSED = 1 / 16
# Of more features kernel densities hardly ever see more than the others do.
_MOST_FEATURES_OF_DENSITIES, _MOST_ROWS_OF_DENSITIES = 3, 25_000


@dataclass(frozen=True)
class Stacked(RatioEstimator):
    r"""Log-ratio ln(p/q) from a library of critics, weighed by how they judge held-out points.

    Most critics are penalized logistic regressions: on linear and quadratic terms, of the points
    and of their normal scores; on smoothing splines, and pairs of them; on the radius, and on the
    direction without it; on Gaussian bumps of several widths; on the clusters of both samples as
    one; on sums over features and over neighbors; on the products and pairs that differ most;
    along the few directions in which many features vary most, or differ most; along the
    independent components of either sample; on the oscillations that differ most; on values that
    recur, and on last digits; on what a feature leaves when curves of the others have said what it
    should be. Some also see how far a point lies beyond the range,
    the ellipsoid and the hull of either sample. Boosted trees, averages over partitions into boxes,
    Gaussian mixtures, kernel densities, soft cuts along a direction, and the shares that each
    sample has of the clusters join them. Which of all these take part depends on the number of
    features.

    The levels of categorical columns enter the regressions as indicators, but for those whose
    features the labels choose; some have them in pairs, or multiplied by the numbers. Trees split
    them as they are. At the end, a logistic regression on the critics' held-out log-odds, with
    weights of at least zero, makes one critic of them all.

    A held-out value understates the divergence on average by as much as the value at a critic's
    own points overstates it, to first order in 1/n, where the penalty describes the truth: the
    mean of the two is the estimate. The same estimate from half of the data says how far to trust
    that, and widens the interval upward.

    Rows that repeat within their sample and hardly across are taken for copies, unless they are
    values that recur, such as counts, or a lattice explains them: a row and its copies are one
    point of their weight. A note says how many.

    Good in any dimension and as a first choice. Fails to see what none of its critics can
    express, such as fine structure in many dimensions; how little that may be is what the upper
    end of the interval says.

    Parameters
    ----------
    methods : sequence of RatioEstimator or str
        What to combine: density-ratio methods such as ``[KDE(), Classifier("boosting")]``, or
        their shorthands. "auto" stands for the library, by default all there is.
    effort : float
        Above 0. Critics are fitted to at most 100,000 rows times the effort; further rows are
        only rated. Below 0.5 trees, partitions, mixtures, densities and what is chosen by the
        labels, which take most of the time, are left out.

    Raises
    ------
    TypeError, ValueError
        If a setting is not usable; the message says which and what would be.

    References
    ----------
    van der Laan, Polley and Hubbard (2007) for stacking by held-out loss; Efron (1986) for what
    fits overstate at their own points; Rad and Maleki (2020); MacKay (1992); Titterington (1975)
    for ellipsoids of least volume.

    Examples
    --------
    >>> import numpy as np
    >>> import divergences as dv
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(0, 1, (300, 3)), rng.normal(0.5, 1, (300, 3))
    >>> est = dv.js_divergence(x, y, method=dv.Stacked(effort=0.3), rng=0)
    >>> low, high = est.interval()
    >>> low < 0.0871 < high
    True
    """

    methods: Sequence[RatioEstimator | str] = ("auto",)
    effort: float = 1.0
    shorthand: ClassVar[str] = "stacked"
    minimum: ClassVar[int] = 10
    reads_categories: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_real("effort", self.effort, above=0)
        object.__setattr__(self, "methods", _checked(self.methods))

    def describe(self) -> str:
        """Return the name, and what is combined if that was chosen."""
        if self.methods == ("auto",):
            return "stacked critics"
        return f"stacked {', '.join(map(_name, self.methods))}"

    @property
    def merges_copies(self) -> bool:
        """Whether all methods take weights; kernel densities merge copies themselves."""
        methods = [method for method in self.methods if isinstance(method, RatioEstimator)]
        return all(method.merges_copies or isinstance(method, KDE) for method in methods)

    @property
    def second_opinion(self) -> bool:
        """Not where the library takes part, from which second opinions come."""
        return "auto" not in self.methods

    def log_ratio(self, p: Samples, q: Samples, run: Run) -> LogRatio:
        """Fit the stack to all points, and to each half to judge the other."""
        with single_threaded():
            return self._log_ratio(p, q, run.for_points(p.n + q.n))

    def _log_ratio(self, p: Samples, q: Samples, run: Run) -> LogRatio:
        self._refuse_categories(p)
        seeds = run.rng.integers(2**31, size=3)
        pooled = _Pooled.of(p, q)
        rows = pooled.some_rows(np.arange(len(pooled.labels)), self._most_rows(), seeds[0])
        stack = self._fit(pooled, rows, int(seeds[0]), run)
        odds = pooled.rated(stack, rows, run)
        halves = self._halves(pooled, seeds[1:], run)
        at_p, at_q = pooled.apart(odds)
        apart, reach_notes = out_of_reach(at_p, at_q, p, q)
        return LogRatio(
            at_p,
            at_q,
            stack,
            smaller=halves,
            notes=(*_notes(stack), *reach_notes),
            out_of_reach=apart,
            gap=pooled.gap(rows, stack.held_out, stack.fitted, stack.trust),
            rival=_rival(pooled, rows, stack),
            missed=min((1.0 - stack.trust) * stack.missed, _MOST_MISSED),
            diagnostics=_diagnostics(stack),
        )

    def _most_rows(self) -> int:
        return max(1_000, round(_ROWS * self.effort))

    def _fit(
        self, pooled: _Pooled, rows: NDArray[np.intp], seed: int, run: Run, folds: int = FOLDS
    ) -> Stack:
        training = Training.of(pooled.part(rows, seed), folds)
        p, q = pooled.sides(rows)
        candidates: list[Candidate] = []
        for number, method in enumerate(self.methods, 1):
            if isinstance(method, RatioEstimator):
                name = method.describe()
                twice = [_name(other) for other in self.methods].count(name) > 1
                label = f"{name} ({number})" if twice else name
                candidates.append(MethodCandidate(label, method, p, q))
            else:
                candidates += self._library(training, p, q)
        return fit_stack(candidates, training, run)

    def _library(self, training: Training, p: Samples, q: Samples) -> list[Candidate]:
        d = training.coordinates.d
        found = library(d, categorical=p.d - d, cheap=self.effort < _CHEAP)
        known = p.known is not None or q.known is not None
        few = d <= _MOST_FEATURES_OF_DENSITIES and p.n + q.n <= _MOST_ROWS_OF_DENSITIES
        if few and (known or self.effort >= _CHEAP) and _have_densities(p, q):
            name = "kernel and known densities" if known else "kernel densities"
            found.append(MethodCandidate(name, KDE(), p, q))
        return found

    def _refuse_categories(self, p: Samples) -> None:
        for method in self.methods:
            if isinstance(method, RatioEstimator) and p.categorical and not method.reads_categories:
                raise ValueError(
                    f"methods must all read categories, which p and q hold in "
                    f"{listed(p.categorical)}, but {type(method).__name__} reads only numbers. "
                    f"Leave that method out, or drop or encode the columns of categories."
                )

    def _halves(self, pooled: _Pooled, seeds: NDArray[np.int64], run: Run) -> LogRatio | None:
        parts = stratified_folds(pooled.labels, 2, np.random.default_rng(seeds[0]))
        odds = np.empty(len(parts))
        held_out, fitted, trust = np.empty_like(odds), np.empty_like(odds), []
        used = []
        for half in (0, 1):
            there = np.flatnonzero(parts != half)
            rows = pooled.some_rows(there, self._most_rows() // 2, seeds[1])
            stack = self._fit(pooled, rows, int(seeds[1]), run, FEW_FOLDS)
            here = np.flatnonzero(parts == half)
            odds[here] = pooled.evaluated(stack, here, run)
            held_out[rows], fitted[rows] = stack.held_out, stack.fitted
            trust.append(stack.trust)
            used.append(rows)
        every = np.sort(np.concatenate(used))
        gap = pooled.gap(every, held_out[every], fitted[every], min(trust))
        at_p, at_q = pooled.apart(odds)
        return LogRatio(at_p, at_q, stack, parts=pooled.apart(parts), gap=gap)


@dataclass(frozen=True, eq=False)
class _Pooled:
    """Both samples in one array, P first."""

    points: Array
    labels: NDArray[np.intp]
    mass: Array
    p: Samples
    q: Samples

    @classmethod
    def of(cls, p: Samples, q: Samples) -> _Pooled:
        return cls(
            np.concatenate([p.points, q.points]),
            np.repeat([1, 0], [p.n, q.n]),
            np.concatenate([p.mass, q.mass]),
            p,
            q,
        )

    @property
    def n(self) -> int:
        return self.p.n

    def sides(self, rows: NDArray[np.intp]) -> tuple[Samples, Samples]:
        """The samples of the rows."""
        return self.p.take(rows[rows < self.n]), self.q.take(rows[rows >= self.n] - self.n)

    def some_rows(self, rows: NDArray[np.intp], most: int, seed: int) -> NDArray[np.intp]:
        """All rows, or as many of them as critics may be fitted to."""
        if len(rows) <= most:
            return rows
        rng = np.random.default_rng(seed)
        chosen = []
        for label in (1, 0):
            of_label = rows[self.labels[rows] == label]
            # The smaller sample is kept whole before the larger one.
            other = len(rows) - len(of_label)
            size = min(len(of_label), max(most // 2, most - other))
            chosen.append(rng.choice(of_label, size, replace=False))
        return np.sort(np.concatenate(chosen))

    def part(self, rows: NDArray[np.intp], seed: int) -> TrainingPart:
        """What a fit may see of the rows."""
        labels = self.labels[rows]
        weights = balanced_weights(labels, self.mass[rows])
        counts = self.p.level_counts if self.p.levels else None
        return TrainingPart(self.points[rows], labels, weights, seed, counts)

    def rated(self, stack: Stack, rows: NDArray[np.intp], run: Run) -> Array:
        """Log-odds at all points: left out of the fit, or never part of it."""
        odds = np.empty(len(self.labels))
        odds[rows] = stack.held_out
        others = np.setdiff1d(np.arange(len(odds)), rows, assume_unique=True)
        if len(others):
            odds[others] = self.evaluated(stack, others, run)
        return odds

    def evaluated(self, stack: Stack, rows: NDArray[np.intp], run: Run) -> Array:
        """Log-odds of a stack at rows."""
        tiles = np.array_split(rows, max(1, -(-len(rows) // _ROWS)))
        return np.concatenate(list(run.map(lambda tile: stack(self.points[tile]), tiles, "ratios")))

    def apart(self, values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Values at P's points and at Q's."""
        return values[: self.n], values[self.n :]

    def gap(self, rows: NDArray[np.intp], held_out: Array, fitted: Array, trust: float) -> Gap:
        """Log-odds without and with the own point, at the rows of a fit."""
        of_p = rows < self.n
        return Gap(
            (rows[of_p], rows[~of_p] - self.n),
            (held_out[of_p], held_out[~of_p]),
            (fitted[of_p], fitted[~of_p]),
            trust,
        )


def _have_densities(p: Samples, q: Samples) -> bool:
    return p.d > 0 and not p.categorical and spans(p, q) and spans(q, p)


def _rival(pooled: _Pooled, rows: NDArray[np.intp], stack: Stack) -> Gap:
    critic = stack.critics[stack.unseen]
    return pooled.gap(rows, critic.held_out, critic.fitted, 1.0)


def _checked(methods: Any) -> tuple[RatioEstimator | str, ...]:
    if isinstance(methods, str | RatioEstimator) or not isinstance(methods, Iterable):
        raise TypeError(
            f'methods must be a list such as [KDE(), Classifier("boosting")], not {methods!r}.'
        )
    found = tuple(method if method == "auto" else by_shorthand(method) for method in methods)
    for method in found:
        if method != "auto" and not isinstance(method, RatioEstimator):
            raise TypeError(
                f"methods must hold density-ratio methods, such as KDE(), or their shorthands, not "
                f"{method!r}."
            )
    if not found:
        raise ValueError('methods must hold at least one method, but it is empty. Use ["auto"].')
    return found


def _name(method: RatioEstimator | str) -> str:
    return method if isinstance(method, str) else method.describe()


def _notes(stack: Stack) -> tuple[str, ...]:
    if not stack.weights.any():
        return ("No critic tells the samples apart.",)
    shown = sorted(zip(stack.weights, stack.names, strict=True), reverse=True)
    words = ", ".join(f"{name} {two_digits(weight)}" for weight, name in shown if weight > 0)
    return (f"Critics by weight: {words}.",)


def _diagnostics(stack: Stack) -> dict[str, Any]:
    return {
        "critics": {
            name: {"held_out_js": float(value), "weight": float(weight)}
            for name, value, weight in zip(stack.names, stack.values, stack.weights, strict=True)
        },
        "trust": stack.trust,
    }
