"""Odd data: every method gives an ordered, finite answer or names what it cannot do."""

import json
import math

import numpy as np
import pytest
import scipy.stats

import divergences as dv
from divergences.errors import ConvergenceError
from tests.laws import ROWS, methods_for


def normal(*shape):
    return np.random.default_rng(shape).normal(size=shape)


def whole(high, *shape):
    return np.random.default_rng((high, *shape)).integers(0, high, size=shape).astype(float)


DATA = {
    "two points": (normal(2, 1), normal(2, 1) + 0.1),
    "three points": (normal(3, 1), normal(3, 1) + 0.1),
    "few points, two features": (normal(4, 2), normal(5, 2)),
    "all equal": (np.ones((20, 1)), np.ones((25, 1))),
    "two constants": (np.zeros((20, 1)), np.ones((20, 1))),
    "one side constant": (np.zeros((20, 2)), normal(20, 2)),
    "far from the origin": (1e9 + normal(30, 1), 1e9 + 1 + normal(31, 1)),
    "very far from the origin": (1e12 + normal(30, 2), 1e12 + normal(31, 2)),
    "huge": (1e60 * normal(30, 1), 1e60 * normal(31, 1)),
    "tiny": (1e-60 * normal(30, 2), 1e-60 * normal(31, 2)),
    "far apart": (normal(30, 1), 1e4 + normal(31, 1)),
    "unlike units": (normal(40, 2) * [1.0, 1e8], normal(41, 2) * [1.0, 1e8]),
    "counts": (whole(3, 50, 1), whole(4, 50, 1)),
    "binary features": (whole(2, 60, 3), whole(2, 61, 3)),
    "ties": (np.repeat(normal(5, 1), 6, axis=0), np.repeat(normal(6, 1), 6, axis=0)),
    "collinear": (normal(40, 1) * np.ones(3), normal(41, 1) * np.ones(3)),
    "unequal sizes": (normal(3, 1), normal(400, 1)),
    "more features than points": (normal(10, 40), normal(12, 40)),
    "the same points": (normal(30, 2), normal(30, 2)),
    "one outlier": (np.vstack([normal(50, 1), [[1e15]]]), normal(51, 1)),
    "heavy tails": (np.tan(1.5 * normal(100, 1)), np.tan(1.5 * normal(101, 1))),
}
DEFINITIONS = [
    dv.JensenShannon(), dv.KullbackLeibler(), dv.TotalVariation(), dv.Wasserstein(1),
    dv.Wasserstein(2), dv.SlicedWasserstein(2), dv.Sinkhorn(2), dv.MMD(), dv.Energy(),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=[repr(row.estimator) for row in ROWS])
@pytest.mark.parametrize("name", DATA)
def test_answers_are_finite_or_refused_in_words(name, row):
    x, y = DATA[name]
    refusals: list[str] = []
    valid = [d for d in DEFINITIONS if type(row.estimator) in methods_for(d)]
    for definition in valid[:1] if row.slow else valid:
        try:
            estimate = dv.divergence(definition, x, y, method=row.estimator, rng=0)
        except (ValueError, ConvergenceError) as caught:
            refusals.append(str(caught))
            continue
        low, high = estimate.interval()
        assert math.isfinite(estimate)
        assert math.isfinite(estimate.stderr)
        assert low <= estimate <= high
        json.dumps(estimate.to_dict(), allow_nan=False)
    for refusal in refusals:
        assert any(word in refusal for word in ("must", "Use", "Drop", "Rescale")), refusal


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("row", ROWS, ids=[repr(row.estimator) for row in ROWS])
def test_critics_at_odd_points_are_finite_or_refuse_in_the_same_words(row):
    x, y = normal(60, 2), normal(50, 2) + 0.5
    definition = next(d for d in DEFINITIONS if type(row.estimator) in methods_for(d))
    found = dv.divergence(definition, x, y, method=row.estimator, rng=0)
    assert found.has_critic
    assert found.critic(np.empty((0, 2))).shape == (0,)
    far = found.critic([[1e200, -1e200], [0.0, -1e308], [1e13, 1e13]])
    assert np.isfinite(far).all()
    for value in (math.nan, math.inf):
        points = [[0.0, 1.0], [value, 0.0], [value, -math.inf]]
        with pytest.raises(ValueError, match=r"^points must be finite.* but \d of 3 rows have .*"):
            found.critic(points)


def test_critics_say_how_many_points_are_not_finite_and_what_to_do():
    exact = dv.js_divergence(scipy.stats.norm(0, 1), scipy.stats.norm(1, 1))
    for found in (exact, dv.js_divergence(normal(30, 1), normal(31, 1), method="kde")):
        message = (
            r"^points must be finite, but 2 of 3 rows have NaN or infinite values\. Leave those "
            r"rows out, as in points\[numpy\.isfinite\(points\)\.all\(axis=1\)\]\.$"
        )
        with pytest.raises(ValueError, match=message):
            found.critic([0.0, math.nan, math.inf])


def test_critics_that_read_missing_values_refuse_infinite_ones_only():
    found = dv.js_divergence(normal(60, 2), normal(50, 2), method=dv.Classifier("boosting"), rng=0)
    assert np.isfinite(found.critic([[math.nan, 0.0]])).all()
    message = r"^points must be finite or missing \(NaN\), but 1 of 2 rows have infinite values\."
    with pytest.raises(ValueError, match=message):
        found.critic([[math.nan, 0.0], [math.inf, 0.0]])


def test_most_odd_data_are_answered_by_default():
    refused = []
    for name, (x, y) in DATA.items():
        for definition in DEFINITIONS:
            try:
                dv.divergence(definition, x, y, rng=0)
            except (ValueError, ConvergenceError):
                refused.append((name, definition.symbol))
    assert {name for name, _ in refused} <= {"two points", "two constants", "one side constant"}


def test_the_default_does_not_depend_on_the_unit_up_to_1e300():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(150, 6)), rng.normal(0.3, 1.2, size=(150, 6))
    plain = dv.js_divergence(x, y, rng=0)
    for unit in (1e-300, 1e300):
        assert dv.js_divergence(unit * x, unit * y, rng=0) == pytest.approx(plain, abs=1e-6)


UNITS = (1e-300, 1e-170, 1e160, 1e300)


def in_units(unit):
    rng = np.random.default_rng(0)
    return unit * rng.normal(size=(80, 2)), unit * rng.normal(0.5, 1, (80, 2))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("method", ["classifier", "kde", "neighbors"])
def test_no_unit_makes_a_difference_to_density_ratios(method):
    x, y = in_units(1.0)
    plain = dv.js_divergence(x, y, method=method, rng=0)
    for unit in UNITS:
        found = dv.js_divergence(*in_units(unit), method=method, rng=0)
        assert found == pytest.approx(plain, abs=1e-6)
        assert found.critic(unit * x) == pytest.approx(plain.critic(x), abs=1e-6)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("columns", [1, 2])
@pytest.mark.parametrize("definition", [dv.MMD(), dv.Energy(squared=True)], ids=str)
def test_kernel_distances_follow_the_unit(definition, columns):
    x, y = (side[:, :columns] for side in in_units(1.0))
    plain = dv.divergence(definition, x, y, rng=0)
    for unit in UNITS:
        factor = unit if definition.scaling else 1.0
        found = dv.divergence(definition, unit * x, unit * y, rng=0)
        assert found / factor == pytest.approx(plain, rel=1e-6)
        assert found.stderr / factor == pytest.approx(plain.stderr, rel=1e-6)
        assert found.critic(unit * x) / factor == pytest.approx(plain.critic(x), rel=1e-6)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "definition", [dv.JensenShannon(), dv.MMD(), dv.Energy(squared=True)], ids=str
)
def test_no_unit_makes_a_difference_to_a_test_of_equality(definition):
    plain = dv.two_sample_test(*in_units(1.0), definition, rng=0, permutations=19)
    for unit in UNITS:
        found = dv.two_sample_test(*in_units(unit), definition, rng=0, permutations=19)
        factor = unit if definition.scaling else 1.0
        assert found.p_value == plain.p_value
        assert found.statistic / factor == pytest.approx(plain.statistic, rel=1e-6)


def test_a_distance_beyond_all_floats_is_refused():
    x, y = (0.9e308 * side for side in (np.ones((9, 1)), -np.ones((9, 1))))
    message = (
        r"^p and q must have distances that are finite numbers, .* Scale the features first\.$"
    )
    with pytest.raises(OverflowError, match=message):
        dv.energy_distance(x, y)
