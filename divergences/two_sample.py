"""Do two samples come from one measure? A test whose level is exact at any number of points."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from divergences.checks import RandomState, check_choice, check_whole
from divergences.definitions import Definition, JensenShannon, RatioDivergence
from divergences.estimation import as_pair
from divergences.estimators import RatioEstimator, estimate_samples
from divergences.estimators.estimator import resolve
from divergences.estimators.pooled_statistics import pooled, pooled_statistic
from divergences.estimators.ratios.indicators import Expanded
from divergences.inference.permutation import Permuted, Statistic, permuted
from divergences.inference.pooled_critics import MOST_POINTS, critics_statistic
from divergences.work import Run

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.estimate import Estimate
    from divergences.estimators import Estimator
    from divergences.measures import Samples
    from divergences.measures.samples import NanPolicy

_FEWEST_FOR_HALVES = 8


@dataclass(frozen=True, eq=False)
class TwoSampleTest:
    """Evidence against P = Q, and how large the difference is.

    Parameters
    ----------
    statistic : float
        What was compared with its values under permuted labels; `how` says what it is.
    p_value : float
        (1 + #{permuted >= statistic})/(1 + permutations). If P = Q it is at most u with
        probability at most u, and it is never 0.
    estimate : Estimate
        The divergence with its error bar: the effect size.
    null : ndarray of shape (permutations,)
        The statistic under permuted labels.
    how : str
        The statistic in words.
    notes : tuple of str
        What to know before trusting it.

    Examples
    --------
    >>> import divergences as dv
    >>> x, y = np.random.default_rng(0).normal([[0.0], [1.0]], 1.0, size=(2, 60))
    >>> test = dv.two_sample_test(x, y, dv.Energy(), permutations=99, rng=0)
    >>> test.p_value, len(test.null)
    (0.01, 99)
    """

    statistic: float
    p_value: float
    estimate: Estimate
    null: NDArray[np.float64] = field(repr=False)
    how: str
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        count = len(self.null)
        named, they = ("permutation", "it") if count == 1 else ("permutations", "they")
        smallest = f", the smallest that {they} can show" if self.p_value * (count + 1) == 1 else ""
        return (
            f"p = {self.p_value:.2g} ({count:,} {named}{smallest}; statistic "
            f"{self.statistic:.4g}: {self.how})\n{self.estimate!r}"
        )

    __str__ = __repr__


def two_sample_test(
    p: Any,
    q: Any,
    divergence: Definition | None = None,
    *,
    method: str | Estimator = "auto",
    permutations: int = 499,
    nan_policy: NanPolicy = "raise",
    rng: RandomState = None,
    workers: int | None = None,
    progress: bool | None = None,
) -> TwoSampleTest:
    """Test whether two samples come from one measure, by permuting who belongs to which.

    Where P = Q every labeling of the pooled points is as likely as the true one, so the rank of
    its statistic among those of random labelings is an exact p-value. For f-divergences up to
    4,000 points the statistic is the held-out divergence of the best of seven critics (kernels of
    three widths, few and many neighbors, ridge regressions on linear and quadratic terms). They
    are linear in the labels, so that one matrix cross-fits every permutation. Beyond, or with a
    method named, a critic is fitted to half of each sample, and the labels of its terms at the
    other half are permuted. Kernel and transport distances are evaluated for each labeling.

    Parameters
    ----------
    p, q : array-like of shape (n_samples,) or (n_samples, n_features), or measure
        Independent samples without weights; a measure is drawn from, as `divergence` does.
    divergence : Definition, optional
        Which divergence: `JensenShannon()` if left out.
    method : str or estimator
        How to find the critic and to estimate the effect size, as in `divergence`.
    permutations : int
        Random labelings; the p-value is no smaller than one by this number and one.
    nan_policy, rng, workers, progress
        As `divergence` explains them.

    Returns
    -------
    TwoSampleTest
        With `p_value`, `statistic`, and the divergence with its error bar as `estimate`.

    Raises
    ------
    TypeError, ValueError
        If an argument is not usable; the message says which and what would be.

    References
    ----------
    Gretton et al. (2012); Lopez-Paz and Oquab (2017); Phipson and Smyth (2010).

    Examples
    --------
    >>> import numpy as np
    >>> import divergences as dv
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(0, 1, (100, 2)), rng.normal(0, 1.6, (100, 2))
    >>> test = dv.two_sample_test(x, y, rng=0)
    >>> test.p_value
    0.002
    >>> test.estimate.definition
    JensenShannon(base=2.718281828459045)
    """
    definition = JensenShannon() if divergence is None else divergence
    if not isinstance(definition, Definition):
        raise TypeError(f"divergence must be an object such as Energy(), not {definition!r}.")
    check_whole("permutations", permutations, remedy="Use 499 or more to see small p-values.")
    check_choice("nan_policy", nan_policy, ("raise", "omit"))
    run = Run.create(rng, workers, progress)
    sample_p, sample_q = as_pair(p, q, (None, None), nan_policy, run)
    _refuse_weights(p=sample_p, q=sample_q)
    found, how, notes = permute(definition, method, sample_p, sample_q, permutations, run)
    estimate = estimate_samples([definition], sample_p, sample_q, method, run)[0]
    return TwoSampleTest(found.statistic, found.p_value, estimate, found.null, how, notes)


def permute(
    definition: Definition,
    method: str | Estimator,
    p: Samples,
    q: Samples,
    permutations: int,
    run: Run,
) -> tuple[Permuted, str, tuple[str, ...]]:
    """Evaluate the statistic of a test under the true labels and under permuted ones.

    Returns
    -------
    Permuted
        The statistic, its values under permuted labels, and the p-value.
    str
        The statistic in words.
    tuple of str
        Notes.
    """
    estimator, automatic = resolve(definition, method, p, q)
    if isinstance(definition, RatioDivergence) and isinstance(estimator, RatioEstimator):
        if not automatic or p.n + q.n > MOST_POINTS:
            return _by_halves(definition, estimator, p, q, permutations, run)
        if p.categorical:
            expand = Expanded.of(p, q)
            p, q = (replace(s, points=expand(s.points), levels=None) for s in (p, q))
        points, labels = pooled(p, q, run)
        statistic = critics_statistic(definition, points, p.n / (p.n + q.n))
        found = permuted(statistic, labels, permutations, run)
        how = f"largest held-out {definition.symbol} of 7 critics, in standard deviations"
        return found, how, (f"The critic that tells the samples apart best: {found.best}.",)
    chosen = pooled_statistic(definition, estimator, p, q, run)
    found = permuted(chosen.statistic, chosen.labels, permutations, run)
    return found, chosen.how, chosen.notes


def _by_halves(
    definition: RatioDivergence,
    method: RatioEstimator,
    p: Samples,
    q: Samples,
    permutations: int,
    run: Run,
) -> tuple[Permuted, str, tuple[str, ...]]:
    fewest = max(_FEWEST_FOR_HALVES, 2 * method.minimum)
    for name, sample, other in (("p", p, "q"), ("q", q, "p")):
        if sample.n < fewest:
            raise ValueError(
                f"{name} must have at least {fewest} points to be split in halves for "
                f"{method.describe()}, but it has {sample.n}. {_without_halves(p, q, other)}"
            )
    halves = [np.array_split(run.rng.permutation(sample.n), 2) for sample in (p, q)]
    fitted, fresh = ((p.take(of_p), q.take(of_q)) for of_p, of_q in zip(*halves, strict=True))
    critic = method.log_ratio(*fitted, run).evaluate
    points, labels = pooled(*fresh, run)
    # No sample supports a ratio larger than its size.
    most = math.log(len(points))
    ratios = np.clip(critic(points), -most, most)
    at_p, at_q = definition.critic_p(ratios), definition.critic_q(ratios)
    share = fresh[0].n / len(points)

    def of_labels(labels: NDArray[np.float64]) -> NDArray[np.float64]:
        of_p = at_p @ labels / (share * len(points))
        of_q = at_q @ (1.0 - labels) / ((1.0 - share) * len(points))
        return np.asarray(of_p + of_q)[np.newaxis]

    found = permuted(Statistic(of_labels, (definition.symbol,)), labels, permutations, run)
    note = "Half of each sample found the critic, and the other half tests it."
    return found, f"held-out {definition.symbol} by {method.describe()}", (note,)


def _without_halves(p: Samples, q: Samples, larger: str) -> str:
    if p.n + q.n <= MOST_POINTS:
        return 'Use method="auto".'
    most = MOST_POINTS - min(p.n, q.n)
    return f'Pass at most {most:,} points of {larger}: then method="auto" needs no halves.'


def _refuse_weights(**samples: Samples) -> None:
    for name, sample in samples.items():
        if sample.weights is not None:
            raise ValueError(
                f"{name} must have no weights, as weighted points cannot change places. Draw "
                f"points by their weights, or read the estimate's interval."
            )
