"""Stacks of methods that the user names, and of kernel densities where a density is known."""

import math
import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import norm, uniform

import divergences as dv

RNG = np.random.default_rng(0)
X, Y = RNG.normal(0.6, 1, (300, 2)), RNG.normal(0, 1, (300, 2))
# Shift 0.6 in two features: |shift| = 0.85; by quadrature over the line of the shift.
TRUTH = float(dv.js_divergence(norm(0.6 * math.sqrt(2), 1), norm(0, 1)))


def comb(shift):
    """Equal normals side by side, too narrow for any critic of the library."""
    law = torch.distributions
    centers = torch.arange(40).double() + shift
    return law.MixtureSameFamily(
        law.Categorical(torch.ones(40).double()), law.Normal(centers, 0.03 + 0 * centers)
    )


def comb_points(n, rng):
    return rng.integers(0, 40, n) + 0.03 * rng.standard_normal(n)


def test_only_the_methods_that_are_named_are_combined():
    stacked = dv.Stacked([dv.KDE(), "neighbors", dv.Classifier("boosting")])
    est = dv.js_divergence(X, Y, method=stacked, rng=0)
    names = list(est.diagnostics["critics"])
    assert names == [
        "gaussian kernel densities", "5 nearest neighbors", "boosted trees, 5-fold"
    ]  # fmt: skip
    low, high = est.interval()
    assert low < TRUTH < high
    assert "stacked gaussian kernel densities, 5 nearest neighbors" in repr(est)
    assert est.lower_bound(0.95) < TRUTH


def test_auto_among_methods_is_the_library():
    alone = dv.js_divergence(X, Y, method=dv.Stacked(effort=0.3), rng=0)
    both = dv.js_divergence(X, Y, method=dv.Stacked(["auto", dv.KDE()], effort=0.3), rng=0)
    assert set(both.diagnostics["critics"]) == {
        *alone.diagnostics["critics"], "gaussian kernel densities"
    }  # fmt: skip
    assert alone.method == dv.Stacked(["auto"], effort=0.3)


def test_a_method_that_sees_more_gets_the_weight():
    stacked = dv.Stacked([dv.KDE(), dv.KDE(bandwidth=40.0)])
    critics = dv.js_divergence(X, Y, method=stacked, rng=0).diagnostics["critics"]
    first, second = critics.values()
    assert list(critics) == ["gaussian kernel densities (1)", "gaussian kernel densities (2)"]
    assert first["held_out_js"] > second["held_out_js"]
    assert first["weight"] > 0


def test_stacks_of_methods_take_weights_repeat_and_pickle():
    weights = np.random.default_rng(1).uniform(0.5, 1.5, 300)
    stacked = dv.Stacked([dv.KDE(), dv.Classifier("logistic")])
    one, two = (
        dv.js_divergence(X, Y, method=stacked, weights_p=weights, rng=3, workers=count)
        for count in (1, 2)
    )
    assert one == two
    critic = pickle.loads(pickle.dumps(one)).critic
    np.testing.assert_allclose(critic(X[:5]), one.critic(X[:5]))
    assert hash(stacked) == hash(dv.Stacked((dv.KDE(), dv.Classifier("logistic"))))


def test_a_known_density_lets_kernel_densities_join():
    rng = np.random.default_rng(2)
    other = comb(0.06)
    truth = float(dv.js_divergence(comb(0.0), other))
    est = dv.js_divergence(comb_points(300, rng), other, rng=0)
    low, high = est.interval()
    assert low < truth < high
    assert abs(est - truth) < 4 * est.stderr
    # The teeth are seen by no other critic but that of oscillations.
    shown = {name: each["held_out_js"] for name, each in est.diagnostics["critics"].items()}
    del shown["chosen cycles"]
    assert max(shown, key=shown.get) == "kernel and known densities"
    assert shown["kernel and known densities"] > 0.5 * truth
    sampled = dv.js_divergence(rng.normal(size=200), rng.normal(size=200), rng=0)
    assert "kernel and known densities" not in sampled.diagnostics["critics"]


def test_levels_need_methods_that_read_them():
    frame = pd.DataFrame({"size": RNG.normal(size=60), "color": ["red", "blue"] * 30})
    refused = (
        r"^methods must all read categories, which p and q hold in 'color', but KDE reads only "
        r"numbers\. Leave that method out, or drop or encode the columns of categories\.$"
    )
    with pytest.raises(ValueError, match=refused):
        dv.js_divergence(frame, frame, method=dv.Stacked([dv.KDE()]))
    reading = dv.Stacked([dv.Classifier("boosting"), dv.Classifier("logistic")])
    assert math.isfinite(dv.js_divergence(frame, frame.iloc[::-1], method=reading, rng=0))


@pytest.mark.parametrize(
    ("methods", "error", "message"),
    [
        ("kde", TypeError, r"methods must be a list such as \[KDE.*not 'kde'"),
        (dv.KDE(), TypeError, r"methods must be a list such as .*not KDE"),
        (3, TypeError, r"methods must be a list such as .*not 3"),
        (["kd"], TypeError, r"methods must hold density-ratio methods.*not 'kd'"),
        ([dv.ExactTransport()], TypeError, r"methods must hold density-ratio .*ExactTransport"),
        ([], ValueError, r"methods must hold at least one method.*\[\"auto\"\]"),
    ],
)
def test_bad_methods(methods, error, message):
    with pytest.raises(error, match=message):
        dv.Stacked(methods)


def test_the_library_and_a_known_support():
    # Within the unit interval both are uniform; half of Q is beyond.
    x = np.random.default_rng(4).uniform(size=400)
    est = dv.js_divergence(x, uniform(0, 2), rng=0)
    truth = float(dv.js_divergence(uniform(0, 1), uniform(0, 2)))
    low, high = est.interval()
    assert low < truth < high
