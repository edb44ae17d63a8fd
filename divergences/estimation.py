"""From what users pass to an answer: the generic call behind all everyday ones."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np

from divergences.checks import RandomState
from divergences.definitions import (
    MMD,
    ChiSquared,
    Definition,
    Energy,
    JensenShannon,
    KullbackLeibler,
    RatioDivergence,
    Renyi,
    ReverseKL,
    Sinkhorn,
    SlicedWasserstein,
    SquaredHellinger,
    TotalVariation,
    Wasserstein,
)
from divergences.errors import InvalidPairError, NoClosedFormError
from divergences.estimate import Circumstances, Estimate
from divergences.estimators import estimate_samples
from divergences.estimators.estimator import is_auto, reads
from divergences.measures import (
    ExactLogRatio,
    Known,
    Samples,
    as_known,
    as_samples,
    check_pair,
    is_generator,
    is_known,
    with_common_levels,
)
from divergences.measures.samples import NanPolicy
from divergences.work import Run

if TYPE_CHECKING:
    from divergences.estimators import Estimator
    from divergences.report import Comparison

DRAWS = 10_000
DRAWS_WITHOUT_FORMULA = 2_000
DRAWS_FOR_EACH_POINT = 10
MOST_PAIRS = 2 * 10**8
CATALOGUE: tuple[Definition, ...] = (
    JensenShannon(),
    KullbackLeibler(),
    ReverseKL(),
    TotalVariation(),
    SquaredHellinger(),
    ChiSquared(),
    Renyi(0.5),
    Wasserstein(1),
    Wasserstein(2),
    SlicedWasserstein(2),
    Sinkhorn(2),
    MMD(),
    Energy(),
)


class Options(TypedDict, total=False):
    """Keywords that every everyday call takes; `divergence` explains them."""

    method: str | Estimator
    weights_p: Any
    weights_q: Any
    nan_policy: NanPolicy
    rng: RandomState
    workers: int | None
    progress: bool | None


def divergence(
    definition: Definition,
    p: Any,
    q: Any,
    *,
    method: str | Estimator = "auto",
    weights_p: Any = None,
    weights_q: Any = None,
    nan_policy: NanPolicy = "raise",
    rng: RandomState = None,
    workers: int | None = None,
    progress: bool | None = None,
) -> Estimate:
    """Estimate any divergence between two measures.

    Parameters
    ----------
    definition : Definition
        Which divergence, such as `JensenShannon()`.
    p, q : array-like of shape (n_samples,) or (n_samples, n_features), or measure
        Samples (lists, numpy, torch, pandas, polars, pyarrow), a known distribution of
        `torch.distributions` or `scipy.stats`, a `Pushforward`, or a fitted generative model; a
        `GaussianMixture` or `GraphicalModel` is a known distribution.
        Data frames may have columns of strings and categories, which f-divergences read. Two known
        distributions give the exact value where one is known. A measure that faces samples is
        drawn from: a pushforward or other model as many points as the other side has, a known
        distribution up to ten times as many, and kernel densities use its own density.
    method : str or estimator
        How to find the critic: "auto", another shorthand, or an object such as `KDE()`.
    weights_p, weights_q : array-like of shape (n_samples,), optional
        Nonnegative weights of the points; equal ones are the same as none.
    nan_policy : {"raise", "omit", "keep"}
        Refuse rows with NaN or infinity, or leave them out and say how many, or keep NaN for
        methods that can read it, such as `Classifier("boosting")`; a missing category becomes a
        level of its own.
    rng : int, Generator or None
        Seed of every random choice.
    workers : int, optional
        Threads, -1 for all cores; if left out, one, or up to four for stacked critics of 10,000
        points and more. The result does not depend on it.
    progress : bool or None
        Progress bar: always, never, or (None) on a terminal when it takes longer.

    Returns
    -------
    Estimate
        A float with `stderr`, `interval(level)`, `notes` and more.

    Raises
    ------
    InvalidPairError
        If the method cannot estimate this divergence; the message lists those that can.
    TypeError, ValueError
        If an argument is not usable; the message says which and what would be.

    Examples
    --------
    >>> import numpy as np
    >>> import divergences as dv
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(0, 1, 500), rng.normal(1, 1, 500)
    >>> est = dv.divergence(dv.Wasserstein(1), x, y)
    >>> low, high = est.interval(0.95)
    >>> low < 1.0 < high
    True
    """
    run = Run.create(rng, workers, progress)
    return _estimates([definition], p, q, method, (weights_p, weights_q), nan_policy, run)[0]


def _estimates(
    definitions: Sequence[Definition],
    p: Any,
    q: Any,
    method: str | Estimator,
    weights: tuple[Any, Any],
    nan_policy: NanPolicy,
    run: Run,
) -> list[Estimate]:
    for definition in definitions:
        if not isinstance(definition, Definition):
            raise TypeError(
                f"definition must be an object such as JensenShannon(), not {definition!r}."
            )
    _refuse_weights_of_measures({"p": p, "q": q}, weights)
    if is_known(p) and is_known(q) and is_auto(method):
        known = as_known(p, name="p"), as_known(q, name="q")
        return _known_estimates(definitions, *known, run)
    if (is_known(p) or is_known(q)) and sum(map(_can_be_drawn, (p, q))) == 1:
        return _half_known_estimates(definitions, p, q, method, weights, nan_policy, run)
    sample_p, sample_q = as_pair(p, q, weights, nan_policy, run)
    return estimate_samples(definitions, sample_p, sample_q, method, run)


def _known_estimates(
    definitions: Sequence[Definition], p: Known, q: Known, run: Run
) -> list[Estimate]:
    results = []
    for definition in definitions:
        try:
            results.append(_exact(definition, p, q, run))
        except NoClosedFormError:
            results += estimate_samples([definition], *_draws_of_both(p, q, run), "auto", run)
    return results


def _draws_of_both(p: Known, q: Known, run: Run) -> tuple[Samples, Samples]:
    def draw() -> tuple[Samples, Samples]:
        drawn = [
            _drawn(known, name, DRAWS_WITHOUT_FORMULA, "raise", run)
            for known, name in ((p, "p"), (q, "q"))
        ]
        note = "No exact value is known."
        return replace(drawn[0], notes=(note, *drawn[0].notes)), drawn[1]

    return run.once("draws", (p, q), draw)


def _half_known_estimates(
    definitions: Sequence[Definition],
    p: Any,
    q: Any,
    method: str | Estimator,
    weights: tuple[Any, Any],
    nan_policy: NanPolicy,
    run: Run,
) -> list[Estimate]:
    sampled, known = ("p", "q") if is_known(q) else ("q", "p")
    data = {"p": p, "q": q}
    own_weights = weights[0] if sampled == "p" else weights[1]
    sample = as_samples(data[sampled], name=sampled, weights=own_weights, nan_policy=nan_policy)
    measure = as_known(data[known], name=known)
    seed = int(run.rng.integers(2**63))
    counts = [_draws_for(definition, sample) for definition in definitions]
    results: dict[int, Estimate] = {}
    for count in dict.fromkeys(counts):
        # Of its own for each count, so that a value does not depend on what else was asked.
        own_run = replace(run, rng=np.random.default_rng([seed, count]))
        drawn = _drawn(measure, known, count, nan_policy, own_run)
        if not measure.discrete:
            drawn = replace(drawn, known=measure)
        sides = (sample, drawn) if sampled == "p" else (drawn, sample)
        check_pair(*sides)
        rows = [row for row, own in enumerate(counts) if own == count]
        group = [definitions[row] for row in rows]
        results.update(zip(rows, estimate_samples(group, *sides, method, own_run), strict=True))
    return [results[row] for row in range(len(definitions))]


def _draws_for(definition: Definition, sample: Samples) -> int:
    """Draws of a known measure: their error vanishes beside the sample's, as far as time allows."""
    n, over = sample.n, definition.ranges_over(sample.d)
    if over == "couplings":
        return n
    if over == "pairs":
        return max(n, min(DRAWS_FOR_EACH_POINT * n, math.isqrt(MOST_PAIRS)))
    return max(n, min(DRAWS_FOR_EACH_POINT * n, MOST_PAIRS // n))


def _exact(definition: Definition, p: Known, q: Known, run: Run) -> Estimate:
    from divergences.closed_form import exact, ratio

    start = time.perf_counter()
    try:
        reading, how = exact(definition, p, q, run)
    except NoClosedFormError:
        if not (isinstance(definition, RatioDivergence) and p.discrete):
            raise
        reading, how = ratio.ratio_without_formula(definition, p, q, run)
    seconds = time.perf_counter() - start
    if isinstance(definition, RatioDivergence) and p.discrete == q.discrete:
        reading = replace(reading, critic=ExactLogRatio(p, q))
    circumstances = Circumstances(definition, "exact", how, p.d, seconds=seconds, measures=(p, q))
    found = Estimate(reading, circumstances)
    if isinstance(definition, Wasserstein | SlicedWasserstein) and reading.bracket is None:
        return Estimate(replace(reading, bracket=found.interval()), circumstances)
    return found


def as_pair(
    p: Any, q: Any, weights: tuple[Any, Any], nan_policy: NanPolicy, run: Run
) -> tuple[Samples, Samples]:
    """Turn what users pass into two samples; a measure is drawn from."""
    data, mass = {"p": p, "q": q}, {"p": weights[0], "q": weights[1]}
    drawn = [name for name in data if _can_be_drawn(data[name])]
    sides = {
        name: as_samples(
            data[name], name=name, weights=mass[name], nan_policy=nan_policy, categories=True
        )
        for name in data
        if name not in drawn
    }
    size = next((sample.n for sample in sides.values()), DRAWS)
    for name in drawn:
        sides[name] = _drawn(data[name], name, size, nan_policy, run)
    check_pair(sides["p"], sides["q"])
    return with_common_levels(sides["p"], sides["q"])


def _can_be_drawn(data: Any) -> bool:
    return is_generator(data) or is_known(data)


def _refuse_weights_of_measures(measures: dict[str, Any], weights: tuple[Any, Any]) -> None:
    for (name, measure), mass in zip(measures.items(), weights, strict=True):
        if mass is not None and _can_be_drawn(measure):
            raise ValueError(
                f"weights_{name} must be left out, as {name} is a measure to draw from, not a "
                f"sample."
            )


def _drawn(measure: Any, name: str, n: int, nan_policy: NanPolicy, run: Run) -> Samples:
    if is_generator(measure):
        points = measure.sample(n, rng=run.rng)
    else:
        points = as_known(measure, name=name).sample(n, run.rng)
    sample = as_samples(points, name=name, nan_policy=nan_policy)
    note = f"{n:,} points were drawn from {name}."
    return Samples(sample.points, columns=sample.columns, notes=(note, *sample.notes))


def compare(
    p: Any,
    q: Any,
    *,
    divergences: Sequence[Definition] | None = None,
    method: str | Estimator = "auto",
    weights_p: Any = None,
    weights_q: Any = None,
    nan_policy: NanPolicy = "raise",
    rng: RandomState = None,
    workers: int | None = None,
    progress: bool | None = None,
) -> Comparison:
    """Compare two measures by every divergence of the catalogue, sharing the fits.

    Parameters
    ----------
    p, q : array-like of shape (n_samples,) or (n_samples, n_features), or measure
        What to compare.
    divergences : sequence of Definition, optional
        Which divergences; if left out, the whole catalogue, or those of it that can read
        categories or missing values where the samples have them.
    method, weights_p, weights_q, nan_policy, rng, workers, progress
        As in `divergence`. A method other than "auto" is used for every divergence, so all of
        them must accept it.

    Returns
    -------
    Comparison
        A sequence of estimates that prints as a table; indexed by position or symbol. Of two
        known measures, those rows that have no exact value are estimated from 2,000 points of
        each.

    Raises
    ------
    TypeError, ValueError
        As `divergence`.

    Examples
    --------
    >>> import numpy as np
    >>> import divergences as dv
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(0, 1, 300), rng.normal(1, 1, 300)
    >>> result = dv.compare(x, y, divergences=[dv.TotalVariation(), dv.Wasserstein(1)], rng=0)
    >>> [estimate.definition.symbol for estimate in result]
    ['TV', 'W1']
    >>> 0.3 < result["TV"] < 0.5
    True
    """
    from divergences.report import Comparison

    if isinstance(divergences, Definition | str):
        raise TypeError(
            f"divergences must be a list such as [JensenShannon(), Wasserstein(1)], not "
            f"{divergences!r}."
        )
    definitions = CATALOGUE if divergences is None else tuple(divergences)
    run = Run.create(rng, workers, progress)
    weights = weights_p, weights_q
    if divergences is None and not (_can_be_drawn(p) or _can_be_drawn(q)):
        p, q = as_pair(p, q, weights, nan_policy, run)
        weights = None, None
        definitions, notes = _readable(p, q)
        p = replace(p, notes=(*p.notes, *notes))
    try:
        found = _estimates(definitions, p, q, method, weights, nan_policy, run)
    except InvalidPairError as error:
        if divergences is not None:
            raise
        raise InvalidPairError(
            f"{error} Or pass divergences=[...] with those that the method estimates."
        ) from None
    return Comparison(tuple(found))


def _readable(p: Samples, q: Samples) -> tuple[tuple[Definition, ...], tuple[str, ...]]:
    """The divergences of the catalogue that read such samples, and which are left out."""
    kept = tuple(definition for definition in CATALOGUE if reads(definition, p, q))
    left_out = [definition.symbol for definition in CATALOGUE if definition not in kept]
    if not left_out:
        return kept, ()
    what = "categories" if p.categorical else "missing values"
    return kept, (f"Left out, as they cannot read {what}: {', '.join(left_out)}.",)
