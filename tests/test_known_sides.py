"""One known measure facing samples: many draws, its own density, and the same keywords."""

import pickle

import numpy as np
import pytest
from scipy import stats

import divergences as dv
from divergences.estimation import MOST_PAIRS, _draws_for
from divergences.measures import as_samples
from divergences.measures.samples import Samples
from tests.closeness import assert_holds

X = np.random.default_rng(0).normal(size=400)


def of_shape(n, d):
    return Samples(np.broadcast_to(0.0, (n, d)))


@pytest.mark.parametrize(
    ("definition", "n", "d", "expected"),
    [
        (dv.JensenShannon(), 100, 3, 1_000),
        (dv.JensenShannon(), 10_000, 3, MOST_PAIRS // 10_000),
        (dv.JensenShannon(), 10**6, 3, 10**6),
        (dv.Wasserstein(1), 100, 1, 1_000),
        (dv.Wasserstein(1), 100, 2, 100),
        (dv.Sinkhorn(2), 100, 1, 100),
        (dv.SlicedWasserstein(2), 100, 4, 1_000),
        (dv.MMD(), 5_000, 4, 14_142),
        (dv.Energy(), 5_000, 1, 40_000),
    ],
)
def test_draws_vanish_beside_the_sample_as_far_as_time_allows(definition, n, d, expected):
    assert _draws_for(definition, of_shape(n, d)) == expected


@pytest.mark.parametrize("swap", [False, True])
def test_kernel_densities_use_the_known_one(swap):
    law, known = stats.beta(2, 2), stats.uniform()
    points = law.rvs(400, random_state=np.random.default_rng(0))
    measures = (known, points) if swap else (points, known)
    found = dv.js_divergence(*measures, method="kde", rng=0)
    name = "p" if swap else "q"
    assert f"The known density of {name} is used as it is." in found.notes
    truth = dv.js_divergence(law, known)
    assert_holds(found, truth, within=truth)
    # The critic knows the known density's edges, which no kernel shows.
    inside, outside = found.critic(np.array([0.999, 1.001]))
    assert (outside - inside) * (-1 if swap else 1) > 1


def test_a_known_density_is_blurred_like_the_other_where_that_contrasts_better():
    rng = np.random.default_rng(0)
    normal = stats.multivariate_normal(np.full(5, 0.5), np.eye(5))
    found = dv.js_divergence(rng.normal(size=(500, 5)), normal, method="kde", rng=0)
    assert not any("is used as it is" in note for note in found.notes)
    assert_holds(found, 0.13565, within=0.1)


def test_it_travels_and_keeps_no_measure_with_the_points():
    found = dv.js_divergence(X, stats.norm(1, 1), rng=0)
    again = pickle.loads(pickle.dumps(found))
    np.testing.assert_array_equal(again.critic(X[:5]), found.critic(X[:5]))
    assert found.samples[1].known is None


def test_a_value_does_not_depend_on_what_else_was_asked():
    asked = [dv.Wasserstein(1), dv.JensenShannon(), dv.Sinkhorn(2)]
    together = dv.compare(X, stats.norm(1, 1), divergences=asked, rng=3)
    for row in together:
        alone = dv.divergence(row.definition, X, stats.norm(1, 1), rng=3)
        assert (float(alone), alone.stderr) == (float(row), row.stderr)


def test_masses_are_no_densities():
    counts = np.random.default_rng(0).poisson(3.0, 300)
    found = dv.js_divergence(counts, stats.poisson(3.5), method="neighbors", rng=0)
    assert found.m == 3_000
    truth = dv.js_divergence(stats.poisson(3.0), stats.poisson(3.5))
    assert_holds(found, truth, within=0.03, extra=0.002)


def test_constant_columns_need_samples_alone():
    rng = np.random.default_rng(0)
    points = np.column_stack([rng.normal(size=200), np.zeros(200)])
    normal = stats.multivariate_normal(np.zeros(2), np.eye(2))
    with pytest.raises(ValueError, match=r"^p has no density in all the columns that span both"):
        dv.js_divergence(points, normal, method="kde", rng=0)


def test_weights_of_the_sample_count_and_those_of_the_measure_are_refused():
    wide = np.random.default_rng(0).normal(0, 2, 1_000)
    weights = stats.norm.pdf(wide) / stats.norm.pdf(wide, 0, 2)
    found = dv.js_divergence(wide, stats.norm(1, 1), weights_p=weights, method="kde", rng=0)
    assert_holds(found, 0.11142, within=0.05)
    with pytest.raises(ValueError, match=r"^weights_q must be left out, as q is a measure to draw"):
        dv.js_divergence(X, stats.norm(), weights_q=np.ones(400))


def test_features_must_agree():
    with pytest.raises(ValueError, match=r"^p and q must have the same number of features"):
        dv.js_divergence(np.zeros((5, 2)), stats.norm())


def test_selecting_a_feature_forgets_the_measure():
    sample = as_samples(np.zeros((3, 2)))
    assert Samples(sample.points, known=object()).select(0).known is None


@pytest.mark.parametrize("method", ["kde", dv.Classifier(folds=2), "neighbors"])
def test_every_method_takes_one_known_side(method):
    found = dv.js_divergence(X, stats.norm(1, 1), method=method, rng=0)
    assert (found.n, found.m) == (400, 4_000)
    assert_holds(found, 0.11142, within=0.07)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("p", "q"),
    [
        (stats.norm(), stats.norm(1, 1)),
        (stats.beta(2, 2), stats.uniform()),
        (stats.gamma(2), stats.lognorm(0.8)),
        (stats.multivariate_normal(np.zeros(2)), stats.multivariate_normal(np.ones(2))),
    ],
    ids=["normals", "beta", "gamma", "plane"],
)
def test_a_known_side_makes_no_estimate_worse(p, q):
    truth = float(dv.js_divergence(p, q))
    errors = []
    densities = dv.KDE(second_opinion=False)
    for seed in range(60):
        rng = np.random.default_rng(seed)
        x, y = (law.rvs(300, random_state=rng) for law in (p, q))
        errors.append(
            [dv.js_divergence(x, other, method=densities, rng=seed) - truth for other in (y, q)]
        )
    two_samples, one_known = np.sqrt(np.mean(np.square(errors), axis=0))
    # The two errors share x; their ratio scatters by 11 % of itself over 60 samples (bootstrap).
    assert one_known < 1.1 * two_samples
