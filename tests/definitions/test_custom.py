"""A user's own phi: checked at construction, held where double precision ends."""

import math

import numpy as np
import pytest
import torch

from divergences.definitions import (
    ChiSquared,
    FDivergence,
    JensenShannon,
    KullbackLeibler,
    ReverseKL,
    SquaredHellinger,
    TotalVariation,
)


def log(u):
    return torch.log(u) if isinstance(u, torch.Tensor) else np.log(u)


def kl(u):
    return u * log(u) - u + 1


def js(u):
    return (u * log(u) - (1 + u) * log((1 + u) / 2)) / 2


def js_slope(u):
    return log(2 * u / (1 + u)) / 2


TWINS = {
    "KL": (FDivergence(kl, log), KullbackLeibler()),
    "reverse KL": (FDivergence(lambda u: u - 1 - log(u), lambda u: 1 - 1 / u), ReverseKL()),
    "JS": (FDivergence(js, js_slope), JensenShannon()),
    "TV": (
        FDivergence(lambda u: abs(u - 1) / 2, lambda u: (u > 1) * 0.5 - (u < 1) * 0.5),
        TotalVariation(),
    ),
    "H2": (
        FDivergence(lambda u: (u**0.5 - 1) ** 2 / 2, lambda u: (1 - u**-0.5) / 2),
        SquaredHellinger(),
    ),
    "chi2": (FDivergence(lambda u: (u - 1) ** 2, lambda u: 2 * (u - 1)), ChiSquared()),
}


@pytest.mark.parametrize(("own", "built_in"), TWINS.values(), ids=TWINS)
def test_a_custom_twin_computes_what_the_catalogue_does(own, built_in):
    log_ratio = np.linspace(-12, 12, 49)
    for part in ("critic_p", "critic_q"):
        expected = getattr(built_in, part)(log_ratio)
        np.testing.assert_allclose(getattr(own, part)(log_ratio), expected, rtol=1e-6, atol=1e-9)
        tensor = getattr(own, part)(torch.as_tensor(log_ratio))
        np.testing.assert_allclose(tensor, expected, rtol=1e-6, atol=1e-9)


def test_gradients_pass_through():
    own, built_in = TWINS["chi2"]
    for part in ("critic_p", "critic_q"):
        slopes = []
        for definition in (own, built_in):
            at = torch.linspace(-2, 2, 5, dtype=torch.float64, requires_grad=True)
            getattr(definition, part)(at).sum().backward()
            slopes.append(at.grad)
        torch.testing.assert_close(*slopes)


def test_the_critic_is_held_where_rounding_would_hide_it():
    own, _ = TWINS["JS"]
    with pytest.warns(RuntimeWarning, match=r"double precision resolves phi for log-ratios from"):
        held = own.critic_q(np.array([0.0, 40.0, 300.0]))
    assert held[1] == held[2]
    # The exact term at the log-ratio where it is held, as JensenShannon has it.
    low, high = own._held
    assert low < -500 < 15 < high < 40
    assert held[1] == pytest.approx(JensenShannon().critic_q(np.array([high]))[0], rel=1e-5)


def test_no_warning_where_holding_changes_nothing():
    own, built_in = TWINS["TV"]
    far = np.array([-900.0, -np.inf, 900.0, np.inf])
    np.testing.assert_allclose(own.critic_p(far), built_in.critic_p(far))
    np.testing.assert_allclose(own.critic_q(far), built_in.critic_q(far))
    js_own, js_built_in = TWINS["JS"]
    np.testing.assert_allclose(js_own.critic_p(far[2:]), js_built_in.critic_p(far[2:]))


@pytest.mark.parametrize("name", ["KL", "reverse KL", "chi2"])
def test_infinite_ratios_stay_infinite(name):
    own, built_in = TWINS[name]
    ends = np.array([-np.inf, np.inf])
    with np.errstate(over="ignore"):
        np.testing.assert_allclose(own.critic_p(ends), built_in.critic_p(ends), atol=1e-9)
        np.testing.assert_allclose(own.critic_q(ends), built_in.critic_q(ends), atol=1e-9)


def test_a_right_conjugate_is_accepted():
    FDivergence(kl, log, conjugate=np.expm1)
    FDivergence(lambda u: (u - 1) ** 2, lambda u: 2 * (u - 1), conjugate=lambda t: t + t * t / 4)


def test_it_is_a_value_with_a_name():
    own = FDivergence(kl, log, name="my KL")
    assert own.symbol == "my KL"
    assert own == FDivergence(kl, log, name="my KL")
    assert hash(own) == hash(FDivergence(kl, log, name="my KL"))
    assert not own.symmetric


def chi2(u):
    return (u - 1) ** 2


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        (
            {"phi": 3, "derivative": log},
            TypeError,
            r"^phi must be callable, not 3\.$",
        ),
        (
            {"phi": kl, "derivative": None},
            TypeError,
            r"^derivative must be callable, not None\.$",
        ),
        (
            {"phi": kl, "derivative": log, "name": 7},
            TypeError,
            r"^name must be a string, not 7\.$",
        ),
        (
            {"phi": kl, "derivative": log, "conjugate": 7},
            TypeError,
            r"^conjugate must be callable, not 7\.$",
        ),
        (
            {"phi": lambda u: chi2(u) + 1, "derivative": lambda u: 2 * (u - 1)},
            ValueError,
            r"^phi\(1\) must be 0, but it is 1\. Subtract it from phi\.$",
        ),
        (
            {"phi": lambda u: -chi2(u), "derivative": lambda u: 2 - 2 * u},
            ValueError,
            r"^phi must be convex, but its slope falls near u = 49\.4\.$",
        ),
        (
            {"phi": np.sin, "derivative": np.cos},
            ValueError,
            r"^phi\(1\) must be 0, but it is 0\.841471\. Subtract it from phi\.$",
        ),
        (
            {"phi": chi2, "derivative": lambda u: u - 1},
            ValueError,
            r"^derivative does not match phi: at u = 0\.0183 it is -0\.981684, while phi's slope "
            r"there is -1\.96337\.$",
        ),
        (
            {"phi": chi2, "derivative": lambda u: 2 * (u - 1), "conjugate": lambda t: t * t / 4},
            ValueError,
            r"^conjugate does not match phi: at t = -1\.96337 it is 0\.963704, while "
            r"u t - phi\(u\) is -0\.999665\.$",
        ),
        (
            {"phi": chi2, "derivative": lambda u: 2 * (u - 1), "conjugate": lambda t: 0.0},
            ValueError,
            r"^conjugate must return one number for each t; for shape \(81,\) it returned "
            r"shape \(\)\.$",
        ),
        (
            {"phi": chi2, "derivative": lambda u: 2 * (u - 1), "conjugate": lambda t: t.nope},
            ValueError,
            r"^conjugate must accept a numpy array; it raised AttributeError\(.*$",
        ),
        (
            {"phi": lambda u: math.log(u), "derivative": log},
            ValueError,
            r"^phi must accept a numpy array of positive ratios; it raised TypeError\(.*$",
        ),
        (
            {"phi": lambda u: u[:3], "derivative": log},
            ValueError,
            r"^phi must return one finite number for each positive ratio; for 81 ratios between "
            r"e\^-4 and e\^4 it returned shape \(3,\)\.$",
        ),
        (
            {
                "phi": lambda u: np.where(u > 50, np.inf, chi2(u)),
                "derivative": lambda u: 2 * (u - 1),
            },
            ValueError,
            r"^phi must return one finite number for each positive ratio; for 81 ratios between "
            r"e\^-4 and e\^4 it returned 1 that are not finite\.$",
        ),
    ],
)
def test_what_is_refused(settings, error, message):
    with pytest.raises(error, match=message):
        FDivergence(**settings)
