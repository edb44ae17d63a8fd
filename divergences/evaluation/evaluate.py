"""How good is a generator? One call that draws from it and measures."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from divergences.checks import RandomState, check_whole
from divergences.definitions import Definition
from divergences.estimation import compare
from divergences.estimators import Classifier, Estimator
from divergences.estimators.ratios.ratio import RatioEstimator
from divergences.evaluation.classifier_accuracy import accuracy_score
from divergences.evaluation.copying import copying_scores
from divergences.evaluation.manifolds import manifold_scores
from divergences.evaluation.modes import Modes
from divergences.evaluation.result import Evaluation
from divergences.measures import Samples, as_known, as_samples, check_pair, is_generator, is_known
from divergences.work import Run

_FIFTHS = 5


def evaluate_generator(
    g_mu: Any,
    data: Any,
    *,
    train: Any = None,
    modes: Modes | None = None,
    n: int | None = None,
    k: int = 5,
    divergences: Sequence[Definition] | None = None,
    method: str | Estimator = "auto",
    classifier: RatioEstimator = Classifier("boosting"),  # noqa: B008
    rng: RandomState = None,
    workers: int | None = None,
    progress: bool | None = None,
) -> Evaluation:
    """Measure how good a generator is, on data that it was not trained on.

    The table has the divergences between data and generated points; how often a classifier tells
    them apart; precision and density (are generated points among the data?), recall and coverage
    (are the data among generated points?); with `train`, whether training points are copied; with
    `modes`, whether each mode is served. Each number stands beside what a perfect generator would
    have. Distances are Euclidean in the features given: pass features that mean something.

    Parameters
    ----------
    g_mu : Pushforward, fitted GenerativeModel, distribution, or array-like of shape (m, d)
        The generator, or points that it made.
    data : array-like of shape (n_samples, d) or (n_samples,)
        Held-out data.
    train : array-like of shape (n_train, d), optional
        What the generator was trained on.
    modes : Modes, optional
        The known modes of the data's distribution.
    n : int, optional
        How many points to draw; as many as data if left out.
    k : int
        Which neighbor the balls of precision, recall, density and coverage reach; below a fifth
        of the points.
    divergences : sequence of Definition, optional
        Which divergences; the whole catalogue if left out.
    method : str or estimator
        As in `compare`.
    classifier : RatioEstimator
        The classifier of the accuracy.
    rng, workers, progress
        As in `divergence`.

    Returns
    -------
    Evaluation
        It prints as a table; `evaluation["recall"]`, `to_dict()` and `plot()` give the rest.

    Raises
    ------
    TypeError, ValueError
        If an argument is not usable; the message says which and what would be.

    References
    ----------
    Lopez-Paz and Oquab (2017); Kynkäänniemi et al. (2019); Naeem et al. (2020);
    Meehan, Chaudhuri and Dasgupta (2020).

    Examples
    --------
    >>> import numpy as np
    >>> import divergences as dv
    >>> train, data = np.random.default_rng(0).normal(size=(2, 200, 2))
    >>> model = dv.KernelDensity().fit(train)
    >>> result = dv.evaluate_generator(model, data, divergences=[dv.Energy()], rng=0)
    >>> result["recall"]
    recall = 0.995 ± 0.011 (perfect: 0.990; data among the generated points)
    """
    start = time.perf_counter()
    run = Run.create(rng, workers, progress)
    if not isinstance(classifier, RatioEstimator):
        raise TypeError(
            f'classifier must be a density-ratio method such as Classifier("boosting"), not '
            f"{classifier!r}."
        )
    if not (modes is None or isinstance(modes, Modes)):
        raise TypeError(f"modes must be Modes(centers, deviation), not {type(modes).__name__}.")
    p = _unweighted(data, "data")
    q = _generated(g_mu, p, n, run)
    check_whole("k", k)
    _check_neighbors(k, p, q)
    # One seed for each part, so that none depends on which others are asked for.
    seeds = run.rng.integers(2**63, size=3)
    compared = compare(
        p, q, divergences=divergences, method=method, rng=int(seeds[0]),
        workers=workers, progress=progress,
    )  # fmt: skip
    own = [replace(run, rng=np.random.default_rng(seed)) for seed in seeds[1:]]
    scores = [accuracy_score(p, q, classifier, own[0])]
    scores += manifold_scores(p.points, q.points, k, own[1])
    notes: tuple[str, ...] = ()
    if train is not None:
        trained = _unweighted(train, "train")
        check_pair(trained, p)
        found, notes = copying_scores(p.points, q.points, trained.points, run)
        scores += found
    if modes is not None:
        scores += modes.scores(q.points)
    return Evaluation(compared, tuple(scores), notes, time.perf_counter() - start)


def _generated(g_mu: Any, p: Samples, n: int | None, run: Run) -> Samples:
    size = p.n if n is None else check_whole("n", n, at_least=2)
    if is_generator(g_mu):
        points = g_mu.sample(size, rng=run.rng)
    elif is_known(g_mu):
        points = as_known(g_mu, name="g_mu").sample(size, run.rng)
    elif n is not None:
        raise ValueError("n must be left out, as g_mu is points already drawn.")
    else:
        points = g_mu
    q = _unweighted(points, "g_mu")
    check_pair(p, q)
    return q


def _unweighted(data: Any, name: str) -> Samples:
    sample = as_samples(data, name=name)
    if sample.weights is not None:
        raise ValueError(f"{name} must be unweighted, as its points are counted. Repeat points.")
    return sample


def _check_neighbors(k: int, p: Samples, q: Samples) -> None:
    for name, sample in (("data", p), ("g_mu", q)):
        if sample.n < _FIFTHS * (k + 1):
            raise ValueError(
                f"k must be below a fifth of the points, but k = {k} and {name} has {sample.n} "
                f"points. Lower k, or use at least {_FIFTHS * (k + 1)} points."
            )
