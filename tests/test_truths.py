"""Every registered (divergence, method) pair on problems whose exact value is known.

An estimate passes if the truth lies in its interval of 4.5 standard errors on each side, which
reaches as far as the stated bias. If the errors are normal, one of some 350 checks fails by
chance with probability 0.3 %; the seeds are fixed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import pytest

from divergences import definitions as dv
from divergences.closed_form import exact
from divergences.estimate import Estimate
from divergences.estimators import (
    DebiasedTransport,
    EntropicTransport,
    Estimator,
    ExactTransport,
    LipschitzCritic,
    Neighbors,
    Neural,
    PairwiseKernel,
    RatioEstimator,
    Sliced,
    Stacked,
    estimate_samples,
    methods_for,
)
from divergences.estimators.classifier import Classifier
from divergences.estimators.kde import KDE
from divergences.measures import as_samples
from divergences.measures.known import as_known
from divergences.work import Run
from tests import exact_values
from tests.truths import PROBLEMS, RATIO_DEFINITIONS, Problem

Z = 4.5
LEVEL = 2 * NormalDist().cdf(Z) - 1
BY_NAME = {problem.name: problem for problem in PROBLEMS}


@dataclass(frozen=True)
class Trial:
    """A method on a problem, with the number of points that suits both."""

    problem: Problem
    estimator: Estimator
    n: int = 600

    @property
    def definitions(self) -> list[dv.Definition]:
        """Divergences of the problem that the method estimates, and is not bound to miss."""
        ratio = isinstance(self.estimator, RatioEstimator)
        return [
            definition
            for definition, value in self.problem.truth.items()
            if type(self.estimator) in methods_for(definition)
            and math.isfinite(value)
            and not (ratio and definition in self.problem.hard)
            and not self._is_noise_alone(definition)
        ]

    def _is_noise_alone(self, definition: dv.Definition) -> bool:
        # At P = Q the noise of a ratio from k neighbors lowers the variational value by about
        # phi''(1)/k, which fits on halves do not tell; the catalogue's own have it corrected.
        return (
            isinstance(self.estimator, Neighbors)
            and definition == exact_values.LE_CAM
            and self.problem.truth[definition] == 0
        )

    def estimates(self, seed: int) -> list[Estimate]:
        """One draw, every divergence."""
        rng = np.random.default_rng([seed, self.problem.d])
        p = as_samples(self.problem.p(self.n, rng))
        q = as_samples(self.problem.q(self.n + 50, rng))
        run = Run.create(seed, progress=False)
        return estimate_samples(self.definitions, p, q, self.estimator, run)


def suited() -> list[Trial]:
    """Every method with the problems that it is meant for."""
    trials = []
    for problem in PROBLEMS:
        trials += [
            Trial(problem, ExactTransport()),
            Trial(problem, DebiasedTransport()),
            Trial(problem, Sliced(200)),
            Trial(problem, EntropicTransport(), n=250),
            Trial(problem, PairwiseKernel()),
            Trial(problem, PairwiseKernel("biased")),
        ]
        has_density = problem.name != "lattice"
        if problem.d <= 2 and has_density:
            # The rings are finer than 600 points show.
            trials.append(Trial(problem, KDE(), n=2000 if "rings" in problem.name else 600))
        if problem.d <= 5 and has_density:
            trials.append(Trial(problem, Neighbors(), n=2000 if "rings" in problem.name else 600))
        if problem.quadratic:
            trials.append(Trial(problem, Classifier("logistic", folds=3)))
            if problem.d <= 2:
                trials.append(Trial(problem, KDE(bandwidth="scott"), n=400))
    for name in ("shifted normals, d=1", "identical normals, d=5"):
        trials.append(Trial(BY_NAME[name], LipschitzCritic(width=16, steps=200, folds=2)))
    for name in ("shifted normals, d=1", "correlated normals, d=2"):
        trials.append(Trial(BY_NAME[name], KDE(integrate=True), n=400))
        trials.append(Trial(BY_NAME[name], Classifier("boosting", folds=2), n=2000))
    for name in ("shifted normals, d=1", "two bumps and one", "shifted normals, d=5"):
        trials.append(Trial(BY_NAME[name], Neural(folds=3, restarts=1)))
        trials.append(Trial(BY_NAME[name], Stacked()))
    return [trial for trial in trials if trial.definitions]


TRIALS = suited()


def contains(estimate: Estimate, truth: float) -> bool:
    low, high = estimate.interval(LEVEL)
    rounding = 1e-9 * max(1.0, abs(truth))
    return low - rounding <= truth <= high + rounding


@pytest.mark.parametrize(
    "trial", TRIALS, ids=[f"{trial.problem.name}: {trial.estimator!r}" for trial in TRIALS]
)
def test_estimates_hold_the_truth(trial):
    missed = [
        f"{estimate!r}, bias {estimate.bias:.3g}, truth {trial.problem.truth[definition]:.6g}"
        for definition, estimate in zip(trial.definitions, trial.estimates(0), strict=True)
        if not contains(estimate, trial.problem.truth[definition])
    ]
    assert not missed


def test_every_registered_method_is_tried():
    registered = {
        method for problem in PROBLEMS for d in problem.truth for method in methods_for(d)
    }
    ours = {method for method in registered if method.__module__.startswith("divergences.")}
    assert ours == {type(trial.estimator) for trial in TRIALS}


@pytest.mark.parametrize(
    "estimator",
    [
        KDE(), Neighbors(), Classifier(folds=3), ExactTransport(), Sliced(), EntropicTransport(),
        PairwiseKernel(), PairwiseKernel("biased"),
    ],
    ids=repr,
)  # fmt: skip
def test_a_wrong_truth_is_rejected(estimator):
    """The check has power: it tells a shift of 1 from one of 1.5."""
    trial = Trial(BY_NAME["shifted normals, d=1"], estimator, n=600)
    wrong = exact_values.shifted_normals(1, 1.5)
    for definition, estimate in zip(trial.definitions, trial.estimates(1), strict=True):
        if definition in (dv.KullbackLeibler(), dv.ReverseKL(), dv.ChiSquared()):
            continue  # A few points decide these; their error bars are wide.
        assert not contains(estimate, wrong[definition]), repr(estimate)


@pytest.mark.parametrize(
    "estimator",
    [
        KDE(bandwidth="scott"), Neighbors(), Classifier(folds=2), ExactTransport(), Sliced(),
        PairwiseKernel(), PairwiseKernel("biased"),
    ],
    ids=repr,
)  # fmt: skip
def test_errors_shrink_with_the_number_of_points(estimator):
    """Sixteen times the points: a quarter of the error, by n^(-1/2).

    Root mean squares over 12 seeds have a relative error of 20 %, so that their ratio stays
    below 0.6 in all but one of 500,000 runs if it is 0.25. chi² is left out: E_Q[u^4] is
    400 here, and the more points, the farther into that tail they see.
    """
    problem = BY_NAME["shifted normals, d=1"]
    errors = {
        n: np.array(
            [
                [
                    float(estimate) - problem.truth[definition]
                    for definition, estimate in zip(
                        trial.definitions, trial.estimates(seed), strict=True
                    )
                ]
                for seed in range(12)
            ]
        )
        for n in (100, 1600)
        for trial in [Trial(problem, estimator, n)]
    }
    kept = [d != dv.ChiSquared() for d in Trial(problem, estimator).definitions]
    few, many = (np.sqrt((errors[n][:, kept] ** 2).mean(axis=0)) for n in (100, 1600))
    assert (many < 0.6 * few).all(), (few, many)


@pytest.mark.slow
@pytest.mark.parametrize(
    "estimator",
    [
        KDE(), Neighbors(), Classifier(folds=3), ExactTransport(), Sliced(),
        PairwiseKernel(), PairwiseKernel("biased"),
    ],
    ids=repr,
)  # fmt: skip
@pytest.mark.parametrize("name", ["shifted normals, d=1", "scaled normals, d=1"])
def test_intervals_hold_the_truth_as_often_as_they_say(name, estimator):
    """95 % intervals over 100 seeds: at least 86 hold the truth.

    If the coverage is 95 %, fewer do in one of 6,000 runs. Left out: chi², which few points
    decide; and what neighbors read without a formula of their own, where noise and smoothing
    leave 66 to 82 of 100.
    """
    trial = Trial(BY_NAME[name], estimator, n=300)
    truths = [trial.problem.truth[definition] for definition in trial.definitions]
    held = np.zeros(len(truths))
    for seed in range(100):
        for i, estimate in enumerate(trial.estimates(1000 + seed)):
            low, high = estimate.interval()
            held[i] += low <= truths[i] <= high
    counts = dict(zip(trial.definitions, held, strict=True))
    counts.pop(dv.ChiSquared(), None)
    if isinstance(estimator, Neighbors):
        for definition in (dv.TotalVariation(), dv.ReverseKL(), exact_values.LE_CAM):
            counts.pop(definition)
    assert min(counts.values()) >= 86, counts


# The table itself.


def test_there_are_enough_problems_of_many_dimensions():
    assert len(PROBLEMS) >= 15
    assert {problem.d for problem in PROBLEMS} >= {1, 2, 5, 10, 20}
    assert len({problem.name for problem in PROBLEMS}) == len(PROBLEMS)
    assert all(problem.how for problem in PROBLEMS)


@pytest.mark.parametrize("problem", PROBLEMS, ids=[problem.name for problem in PROBLEMS])
def test_samplers_repeat_and_have_the_stated_shape(problem):
    for sampler in (problem.p, problem.q):
        points = sampler(7, np.random.default_rng(3))
        assert points.shape == (7, problem.d)
        np.testing.assert_array_equal(points, sampler(7, np.random.default_rng(3)))


@pytest.mark.parametrize("delta", [0.3, 1.0, 2.0])
def test_quadrature_and_formulas_of_the_table_agree(delta):
    from scipy.stats import norm

    x, weights = exact_values.line(-12.0, 14.0, (delta / 2,))
    found = exact_values.ratio_values(norm.pdf(x), norm.pdf(x, delta), weights)
    for definition, value in found.items():
        assert value == pytest.approx(exact_values.shifted_normals(1, delta)[definition], rel=1e-9)
    line = exact_values.on_the_line(norm(), norm(delta), -14.0, 14.0 + delta, (delta / 2,))
    formulas = exact_values.shifted_normals(1, delta)
    for definition in line:
        assert line[definition] == pytest.approx(formulas[definition], rel=1e-9)


def test_the_plane_agrees_with_the_line():
    """Independent coordinates of which one differs: the plane's f-divergences are the line's."""
    from scipy.stats import norm

    def p(x):
        return norm.pdf(x[:, 0]) * norm.pdf(x[:, 1])

    def q(x):
        return norm.pdf(x[:, 0], 1.0) * norm.pdf(x[:, 1])

    plane = exact_values.in_the_plane(p, q, 9.0, step=0.05)
    truth = exact_values.shifted_normals(1, 1.0)
    for definition in RATIO_DEFINITIONS:
        tolerance = 1e-3 if definition == dv.TotalVariation() else 1e-9
        assert plane[definition] == pytest.approx(truth[definition], rel=tolerance)


def test_correlated_normals_by_hand():
    values = BY_NAME["correlated normals, d=2"].truth
    cov = np.array([[1.0, 0.5], [0.5, 1.0]])
    inverse = np.linalg.inv(cov)
    kl = (np.trace(inverse) + np.ones(2) @ inverse @ np.ones(2) - 2 + math.log(0.75)) / 2
    assert values[dv.KullbackLeibler()] == pytest.approx(kl)
    reverse = (np.trace(cov) + 2 - 2 - math.log(0.75)) / 2
    assert values[dv.ReverseKL()] == pytest.approx(reverse, rel=1e-9)


EXACT = [
    (problem, definition)
    for problem in PROBLEMS
    if problem.known is not None
    for definition in problem.truth
]


@pytest.mark.parametrize(
    ("problem", "definition"), EXACT, ids=[f"{p.name}: {d.symbol}" for p, d in EXACT]
)
def test_closed_forms_agree_with_the_table(problem, definition):
    from divergences.errors import NoClosedFormError

    p, q = problem.known()
    try:
        reading, how = exact(definition, as_known(p), as_known(q), Run.create(0, progress=False))
    except NoClosedFormError:
        assert isinstance(definition, dv.Sinkhorn | dv.SlicedWasserstein | dv.Wasserstein)
        pytest.skip("no exact value is known")
    value, truth = definition.outer(reading.inner), problem.truth[definition]
    assert how
    if reading.stderr > 0:
        assert abs(reading.inner - truth) < 5 * reading.stderr
    elif truth == 0:
        assert abs(reading.inner) < 1e-12
    else:
        # The trapezoid rule in the plane meets the kink of |p - q|.
        rough = problem.d == 2 and definition == dv.TotalVariation()
        assert value == pytest.approx(truth, rel=1e-5 if rough else 1e-9)
