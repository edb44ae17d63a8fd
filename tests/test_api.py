"""The everyday calls: what each measures, its keywords, what p and q may be."""

import inspect
import math

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from scipy import stats

import divergences as dv
from tests.exact_values import shifted_normals

RNG = np.random.default_rng(0)
X = RNG.normal(0.0, 1.0, size=(120, 1))
Y = RNG.normal(0.8, 1.2, size=(150, 1))

CALLS = {
    "js_divergence": (dv.js_divergence, {}, dv.JensenShannon()),
    "js_divergence, bits": (dv.js_divergence, {"base": 2}, dv.JensenShannon(2)),
    "js_distance": (dv.js_distance, {}, dv.JensenShannonDistance()),
    "js_distance, bits": (dv.js_distance, {"base": 2}, dv.JensenShannonDistance(2)),
    "kl_divergence": (dv.kl_divergence, {}, dv.KullbackLeibler()),
    "kl_divergence, bits": (dv.kl_divergence, {"base": 2}, dv.KullbackLeibler(2)),
    "total_variation": (dv.total_variation, {}, dv.TotalVariation()),
    "squared_hellinger": (dv.squared_hellinger, {}, dv.SquaredHellinger()),
    "chi2_divergence": (dv.chi2_divergence, {}, dv.ChiSquared()),
    "renyi_divergence": (dv.renyi_divergence, {"alpha": 0.3}, dv.Renyi(0.3)),
    "renyi_divergence, bits": (dv.renyi_divergence, {"alpha": 2, "base": 2}, dv.Renyi(2, 2)),
    "wasserstein_distance": (dv.wasserstein_distance, {}, dv.Wasserstein(1)),
    "wasserstein_distance, 2": (dv.wasserstein_distance, {"order": 2}, dv.Wasserstein(2)),
    "sliced_wasserstein_distance": (dv.sliced_wasserstein_distance, {}, dv.SlicedWasserstein(2)),
    "sinkhorn_divergence": (dv.sinkhorn_divergence, {"epsilon": 0.5}, dv.Sinkhorn(2, 0.5)),
    "mmd": (dv.mmd, {}, dv.MMD()),
    "mmd, kernel": (
        dv.mmd,
        {"kernel": dv.LaplacianKernel(2.0)},
        dv.MMD(dv.LaplacianKernel(2.0)),
    ),
    "squared_mmd": (dv.squared_mmd, {}, dv.MMD(squared=True)),
    "energy_distance": (dv.energy_distance, {}, dv.Energy()),
    "squared_energy_distance": (dv.squared_energy_distance, {}, dv.Energy(squared=True)),
}
SHARED = ["method", "weights_p", "weights_q", "nan_policy", "rng", "workers", "progress"]


@pytest.mark.parametrize(("call", "options", "definition"), CALLS.values(), ids=CALLS)
def test_each_call_is_divergence_of_its_definition(call, options, definition):
    found = call(X, Y, rng=3, **options)
    expected = dv.divergence(definition, X, Y, rng=3)
    assert isinstance(found, dv.Estimate)
    assert found.definition == definition
    assert float(found) == float(expected)
    assert found.interval() == expected.interval()
    assert (found.n, found.m, found.d) == (120, 150, 1)
    assert found.how.startswith("auto: ") or call is dv.sliced_wasserstein_distance


@pytest.mark.parametrize("name", sorted({call.__name__ for call, *_ in CALLS.values()}))
def test_signatures_show_the_shared_keywords(name):
    assert name in dv.__all__
    call = getattr(dv, name)
    parameters = inspect.signature(call).parameters
    assert list(parameters)[:2] == ["p", "q"]
    assert list(parameters)[-len(SHARED) :] == SHARED
    assert all(parameters[name].kind is inspect.Parameter.KEYWORD_ONLY for name in SHARED)
    for section in ("Parameters", "Returns", "Raises", "References", "Examples"):
        assert f"\n    {section}\n    ---" in call.__doc__


def test_f_divergence_takes_a_checked_phi():
    pearson = dv.FDivergence(lambda u: (u - 1) ** 2, lambda u: 2 * (u - 1), name="Pearson")
    found = dv.f_divergence(X, Y, phi=pearson, rng=0)
    assert found.definition is pearson
    assert repr(found).startswith("Pearson = ")


def test_positions_and_keywords_beyond_p_and_q():
    with pytest.raises(TypeError, match="positional argument"):
        dv.js_divergence(X, Y, "kde")
    with pytest.raises(TypeError, match=r"^js_divergence has no keyword 'bandwidth'\."):
        dv.js_divergence(X, Y, bandwidth=0.5)


@pytest.mark.parametrize(
    ("data", "columns"),
    [
        (X.tolist(), None),
        (X.ravel(), None),
        (torch.as_tensor(X), None),
        (torch.as_tensor(X, dtype=torch.float64).requires_grad_(), None),
        (pd.DataFrame(X, columns=["a"]), ("a",)),
        (pd.Series(X.ravel(), name="a"), None),
        (pl.DataFrame({"a": X.ravel()}), ("a",)),
    ],
    ids=["list", "1-d", "tensor", "tensor with gradient", "pandas", "Series", "polars"],
)
def test_every_kind_of_data_gives_the_same_value(data, columns):
    found = dv.wasserstein_distance(data, Y, rng=0)
    assert float(found) == float(dv.wasserstein_distance(X, Y, rng=0))
    assert found.samples[0].columns == columns


def test_kl_is_of_p_from_q():
    p, q = stats.norm(0, 1), stats.norm(0, 2)
    assert dv.kl_divergence(p, q) == pytest.approx(math.log(2) + 1 / 8 - 1 / 2)
    assert dv.kl_divergence(q, p) == pytest.approx(-math.log(2) + 2 - 1 / 2)


def test_two_known_measures_give_the_exact_value():
    found = dv.js_divergence(stats.norm(0, 1), torch.distributions.Normal(1.0, 1.0))
    assert found == pytest.approx(shifted_normals(1, 1.0)[dv.JensenShannon()], rel=1e-9)
    assert found.stderr == 0
    assert (found.n, found.m, found.d) == (None, None, 1)
    assert found.interval() == (float(found), float(found))
    assert found.how


@pytest.mark.parametrize(
    ("measure", "draws"),
    [
        (stats.norm(0.8, 1.2), 1_200),
        (torch.distributions.Normal(0.8, 1.2), 1_200),
        (dv.Pushforward(lambda z: 0.8 + 1.2 * z, stats.norm()), 120),
        (dv.Pushforward(torch.nn.Identity(), torch.distributions.Normal(0.8, 1.2)), 120),
    ],
    ids=["scipy", "torch", "pushforward", "module"],
)
def test_a_measure_that_faces_a_sample_is_drawn_from(measure, draws):
    found = dv.wasserstein_distance(X, measure, rng=5)
    again = dv.wasserstein_distance(X, measure, rng=5)
    assert float(found) == float(again)
    assert (found.n, found.m) == (120, draws)
    assert f"{draws:,} points were drawn from q." in found.notes
    low, high = found.interval(0.9999)
    assert low < exact_w1(0.8, 1.2) < high
    swapped = dv.wasserstein_distance(measure, X, rng=5)
    assert f"{draws:,} points were drawn from p." in swapped.notes


def exact_w1(shift, scale):
    return float(dv.wasserstein_distance(stats.norm(0, 1), stats.norm(shift, scale)))


def test_two_pushforwards_can_be_compared():
    double = dv.Pushforward(lambda z: 2 * z, stats.norm())
    found = dv.wasserstein_distance(double, stats.norm(), rng=0)
    assert found.n == found.m == 10_000
    low, high = found.interval(0.9999)
    assert low < exact_w1(0, 2) < high


def test_a_named_method_on_known_measures_samples_them():
    found = dv.wasserstein_distance(stats.norm(), stats.norm(1), method="exact", rng=0)
    assert found.n == 10_000
    assert found.stderr > 0


def test_weights_and_omitted_rows_reach_the_answer():
    x = np.array([0.0, 1.0, np.nan, 5.0])
    y = np.array([0.0, 1.0, 2.0])
    found = dv.wasserstein_distance(
        x, y, weights_p=[1, 1, 7, 2], weights_q=[2, 1, 1], nan_policy="omit", rng=0
    )
    # (0, 1, 5, 5)/4 against (0, 0, 1, 2)/4: 0 + 1 + 4 + 3 over 4.
    assert found == pytest.approx(2.0)
    assert "1 of 4 rows of p were left out: NaN or infinite values." in found.notes


@pytest.mark.parametrize("method", ["kde", dv.KDE(), "neighbors", "classifier"], ids=str)
def test_shorthands_and_objects_name_the_same_method(method):
    found = dv.js_divergence(X, Y, method=method, rng=0)
    kinds = {"kde": dv.KDE, "neighbors": dv.Neighbors, "classifier": dv.Classifier}
    assert isinstance(
        found.method, kinds.get(method, dv.KDE) if isinstance(method, str) else dv.KDE
    )
    assert not found.how.startswith("auto")


def test_auto_says_what_it_chose():
    for method in ("auto", dv.Auto()):
        found = dv.js_divergence(X, Y, method=method, rng=0)
        assert found.how.startswith("auto: ")
        assert isinstance(found.method, dv.Estimator)
        assert not isinstance(found.method, dv.Auto)


@pytest.mark.parametrize("method", ["auto", dv.Auto()])
def test_the_number_of_projections_is_kept_where_the_method_is_chosen(method):
    x, y = np.random.default_rng(1).normal(size=(2, 60, 3))
    found = dv.sliced_wasserstein_distance(x, y, projections=7, method=method, rng=0)
    assert found.method == dv.Sliced(7)


def test_a_generator_moves_on_and_a_seed_repeats():
    x, y = np.random.default_rng(1).normal(size=(2, 60, 3))
    rng = np.random.default_rng(0)
    values = [float(dv.sliced_wasserstein_distance(x, y, rng=r)) for r in (rng, rng, 7, 7)]
    assert values[0] != values[1]
    assert values[2] == values[3]


def test_compare_shares_fits_and_keeps_each_value():
    asked = [dv.JensenShannon(), dv.TotalVariation(), dv.Wasserstein(1), dv.MMD()]
    found = dv.compare(X, Y, divergences=asked, rng=2, progress=False)
    assert [estimate.definition for estimate in found] == asked
    assert len(found) == 4
    assert found["W1"] is found[2]
    for definition, estimate in zip(asked, found, strict=True):
        assert float(estimate) == float(dv.divergence(definition, X, Y, rng=2))


def test_compare_without_a_list_is_the_whole_catalogue():
    found = dv.compare(X, Y, rng=0, progress=False)
    symbols = [estimate.definition.symbol for estimate in found]
    assert {"JS", "KL", "TV", "H²", "chi²", "W1", "W2", "SW2", "MMD", "energy"} <= set(symbols)
    assert len(symbols) == len(set(symbols))
    assert all(math.isfinite(estimate) and estimate.stderr > 0 for estimate in found)


def test_names_are_what_the_stub_lists():
    for name in dv.__all__:
        assert getattr(dv, name) is not None
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = dv.no_such_name
    assert dv.__version__


@pytest.mark.parametrize("base", [math.e, 2])
def test_bits_are_nats_over_ln_two(base):
    nats = dv.js_divergence(X, Y, rng=0)
    found = dv.js_divergence(X, Y, base=base, rng=0)
    assert found == pytest.approx(nats / math.log(base))
    assert found.interval()[1] == pytest.approx(nats.interval()[1] / math.log(base))
    assert found.unit == ("bits" if base == 2 else "nats")


def test_training_batches_may_be_the_everyday_data_too():
    x, y = torch.as_tensor(X), torch.as_tensor(Y)
    loss = dv.Wasserstein(2).loss(x, y, method="exact")
    assert float(loss) == pytest.approx(float(dv.wasserstein_distance(x, y, order=2, rng=0)))


def test_compare_of_known_measures_estimates_what_has_no_exact_value():
    result = dv.compare(stats.norm(0, 1), stats.norm(1, 2), rng=0)
    assert result["KL"].stderr == 0
    assert result["Sinkhorn2"].n == 2_000
    single = dv.sinkhorn_divergence(stats.norm(0, 1), stats.norm(1, 2), rng=0)
    for found in (result["Sinkhorn2"], single):
        assert found.notes[:2] == ("No exact value is known.", "2,000 points were drawn from p.")
    assert single.stderr > 0


WEIGHTED_AS_REPEATED = [
    (dv.JensenShannon(), dv.KDE()),
    (dv.Wasserstein(1), dv.ExactTransport()),
    (dv.Wasserstein(2), dv.ExactTransport()),
    (dv.SlicedWasserstein(2), dv.Sliced(20, statistic="plug-in")),
    (dv.Sinkhorn(2), dv.EntropicTransport()),
    (dv.MMD(dv.GaussianKernel(1.0)), dv.PairwiseKernel(statistic="biased")),
    (dv.Energy(), dv.PairwiseKernel(statistic="biased")),
]


@pytest.mark.parametrize(("definition", "method"), WEIGHTED_AS_REPEATED, ids=str)
def test_whole_weights_are_repeated_points_for_the_methods_that_the_docs_name(definition, method):
    rng = np.random.default_rng(3)
    x, y, weights = rng.normal(size=(60, 2)), rng.normal(size=(50, 2)), rng.integers(1, 4, 60)
    weighted = dv.divergence(definition, x, y, method=method, weights_p=weights, rng=0)
    repeated = dv.divergence(definition, np.repeat(x, weights, 0), y, method=method, rng=0)
    assert float(weighted) == pytest.approx(float(repeated), abs=1e-9)


@pytest.mark.parametrize("method", ["neighbors", "kde", "classifier"])
def test_equal_weights_are_none(method):
    x, y = np.random.default_rng(4).normal(size=(2, 40, 2))
    plain = dv.js_divergence(x, y, method=method, rng=0)
    equal = dv.js_divergence(x, y, method=method, weights_p=np.full(40, 0.3), rng=0)
    assert (equal.value, equal.stderr) == (plain.value, plain.stderr)


def test_one_direction_is_no_directions():
    found = dv.sliced_wasserstein_distance(X, Y, projections=1, rng=0)
    assert found.how == "sliced, 1 direction"


def test_progress_may_be_a_bool_of_numpy():
    assert dv.js_divergence(X, Y, method="kde", progress=np.False_) == dv.js_divergence(
        X, Y, method="kde"
    )
