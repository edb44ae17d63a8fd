"""The games' formulas: dual values, the generator's slopes, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.stats import norm

from divergences.definitions import (
    ChiSquared,
    Energy,
    FDivergence,
    JensenShannon,
    JensenShannonDistance,
    KullbackLeibler,
    RelativisticPairing,
    Renyi,
    ReverseKL,
    SoftenedReverseKL,
    SquaredHellinger,
    TotalVariation,
    Wasserstein,
)
from divergences.errors import InvalidPairError
from divergences.measures import Pushforward
from divergences.training import (
    AnnealedKDE,
    ConjugateCritic,
    LogisticCritic,
    Monitor,
    PairingCritic,
    WassersteinCritic,
    make_objective,
    minimize,
)
from tests.exact_values import LE_CAM

RATIOS = (
    JensenShannon(),
    JensenShannonDistance(),
    KullbackLeibler(),
    ReverseKL(),
    SquaredHellinger(),
    ChiSquared(),
    Renyi(0.5),
    Renyi(2.0),
    SoftenedReverseKL(),
    LE_CAM,
    FDivergence(phi=lambda u: (u - 1) ** 2, derivative=lambda u: 2 * (u - 1)),
)
X = torch.linspace(-2, 2, 9, dtype=torch.float64)


def values(seed: int = 0) -> torch.Tensor:
    return torch.as_tensor(np.random.default_rng(seed).normal(size=12), dtype=torch.float64)


def slopes(function, at: torch.Tensor) -> torch.Tensor:
    at = at.detach().requires_grad_()
    return torch.autograd.grad(function(at).sum(), at)[0]


def differences(function, at: torch.Tensor, step: float = 1e-6) -> torch.Tensor:
    return (function(at + step) - function(at - step)) / (2 * step)


@pytest.mark.parametrize("definition", RATIOS, ids=lambda d: d.symbol)
def test_a_free_logistic_critic_has_the_slope_of_the_divergence(definition):
    game = LogisticCritic(floor=0.0, ceiling=math.inf)
    at = values()
    by_gradient = slopes(lambda at: game.terms(definition, X, at), at)
    torch.testing.assert_close(
        by_gradient, differences(definition.critic_q, at), rtol=1e-6, atol=1e-8
    )
    torch.testing.assert_close(game.terms(definition, X, at), definition.critic_q(at))


@pytest.mark.parametrize("definition", RATIOS, ids=lambda d: d.symbol)
def test_the_bounds_hold_the_weight_of_a_point(definition):
    at = torch.tensor([-40.0, -3.0, 0.0, 3.0, 40.0])
    weights = slopes(lambda at: LogisticCritic(0.1, 5.0).terms(definition, X, at), at)
    relative = weights / weights[2]
    assert ((relative >= 0.1 - 1e-6) & (relative <= 5.0 + 1e-6)).all()
    assert torch.isfinite(LogisticCritic().terms(definition, X, at)).all()


def test_total_variation_is_minimized_through_tanh():
    at = values()
    game = LogisticCritic(0.0, math.inf)
    by_gradient = slopes(lambda at: game.terms(TotalVariation(), X, at), at)
    torch.testing.assert_close(by_gradient, slopes(lambda at: -torch.tanh(at / 2) / 2, at))


def test_softened_reverse_kl_is_what_the_nonsaturating_loss_minimizes():
    at = values()
    loss = LogisticCritic(0.0, math.inf).terms(SoftenedReverseKL(), X, at)
    nonsaturating = -2 * torch.nn.functional.logsigmoid(at) - 2 * math.log(2)
    torch.testing.assert_close(loss, nonsaturating)


def test_softened_reverse_kl_is_four_kl_to_the_middle():
    p, q = norm(0, 1), norm(0.7, 1.3)
    grid = np.linspace(-12, 14, 200_001)
    step = grid[1] - grid[0]
    at = p.logpdf(grid) - q.logpdf(grid)
    soft = SoftenedReverseKL()
    middle = (p.pdf(grid) + q.pdf(grid)) / 2
    truth = 4 * np.sum(middle * np.log(middle / p.pdf(grid))) * step
    dual = np.sum(p.pdf(grid) * soft.critic_p(at) + q.pdf(grid) * soft.critic_q(at)) * step
    primal = np.sum(q.pdf(grid) * soft.generator(np.exp(at))) * step
    assert dual == pytest.approx(truth, rel=1e-9)
    assert primal == pytest.approx(truth, rel=1e-9)


@pytest.mark.parametrize(
    "definition", [*RATIOS, TotalVariation()], ids=lambda definition: definition.symbol
)
def test_the_conjugate_objective_is_the_dual_at_its_activation(definition):
    game = ConjugateCritic(bound=4.0)
    at_x, at_y = values(1), values(2)
    if isinstance(definition, ChiSquared):
        # T(v) = v stands for 2 (e^l - 1).
        ratio_x, ratio_y = at_x.exp(), at_y.exp()
        found = game.objective(definition, 2 * (ratio_x - 1), 2 * (ratio_y - 1))
    elif isinstance(definition, TotalVariation):
        # tanh at infinity is the sign.
        found = game.objective(definition, 1e6 * at_x, 1e6 * at_y)
    else:
        found = game.objective(definition, at_x, at_y)
    expected = definition.critic_p(at_x).mean() + definition.critic_q(at_y).mean()
    assert float(found) == pytest.approx(float(expected), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("definition", [KullbackLeibler(), ReverseKL(), SquaredHellinger()])
def test_beyond_its_bound_a_conjugate_critic_goes_on_in_a_straight_line(definition):
    game = ConjugateCritic(bound=2.0)
    for far in (-9.0, 9.0):
        at = torch.tensor([far / 9 * 2, far, 2 * far], dtype=torch.float64)
        weights = slopes(lambda at: game.terms(definition, X, at), at)
        torch.testing.assert_close(weights, weights[:1].expand(3))


GAMES = [
    *[(definition, LogisticCritic()) for definition in (JensenShannon(), KullbackLeibler())],
    *[(definition, ConjugateCritic()) for definition in (*RATIOS, TotalVariation())],
    (RelativisticPairing(), PairingCritic()),
    (Wasserstein(1), WassersteinCritic()),
]


@pytest.mark.parametrize(("definition", "game"), GAMES, ids=repr)
def test_a_constant_critic_is_worth_nothing(definition, game):
    nothing = torch.zeros(5, dtype=torch.float64)
    assert float(game.objective(definition, nothing, nothing)) == pytest.approx(0, abs=1e-12)
    assert game.terms(definition, nothing, nothing).abs().max() < 1e-12


@pytest.mark.parametrize(("definition", "game"), GAMES, ids=repr)
def test_the_objective_and_the_terms_have_the_slopes_that_differences_show(definition, game):
    at_x, at_y = values(3), values(4)
    free = LogisticCritic(0.0, math.inf) if isinstance(game, LogisticCritic) else game
    for function in (
        lambda at: free.objective(definition, at_x + at, at_y - at).reshape(1),
        lambda at: free.terms(definition, at_x, at).mean().reshape(1),
    ):
        direction = values(5)
        leaf = at_y.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(function(leaf).sum(), leaf)
        step = 1e-6
        moved = function(at_y + step * direction) - function(at_y - step * direction)
        by_difference = float(moved) / (2 * step)
        assert float(gradient @ direction) == pytest.approx(by_difference, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(
    ("definition", "method"),
    [
        (JensenShannon(), "auto"),
        (KullbackLeibler(), ConjugateCritic()),
        (RelativisticPairing(), "auto"),
        (Wasserstein(1), "adversarial"),
        (JensenShannon(), AnnealedKDE()),
        (Energy(), "auto"),
        (Wasserstein(2), "auto"),
    ],
    ids=repr,
)
def test_the_loss_reaches_every_parameter_of_g_and_none_of_the_critic(definition, method):
    torch.manual_seed(0)
    g = torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.Tanh(), torch.nn.Linear(8, 2))
    x = torch.randn(64, 2) + 1
    objective = make_objective(definition, x, method=method, rng=0)
    y = g(torch.randn(64, 3))
    objective.step(x, y.detach())
    before = [p.clone() for module in objective.modules.values() for p in module.parameters()]
    objective.loss(x, y).backward()
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in g.parameters())
    after = [p for module in objective.modules.values() for p in module.parameters()]
    assert all(torch.equal(p, q) and p.requires_grad for p, q in zip(after, before, strict=True))


def test_a_critic_of_ones_own_learns_by_step():
    x, y = torch.randn(256, 1) + 2, torch.randn(256, 1)
    critic = torch.nn.Linear(1, 1)
    objective = make_objective(
        JensenShannon(), x, critic=critic, regularizers=[], learning_rate=0.05, rng=0
    )
    first = objective.step(x, y).objective
    for _ in range(300):
        last = objective.step(x, y).objective
    # A linear critic attains JS(N(2, 1), N(0, 1)) = 0.337 nats; 512 points have an error of 0.02.
    assert first < 0.1
    assert 0.25 < last < 0.41


def test_lipschitz_values_are_in_units_of_the_data():
    x, y = 100 * torch.randn(512, 2), 100 * torch.randn(512, 2)
    x[:, 0] += 300
    objective = make_objective(Wasserstein(1), x, method="adversarial", rng=0)
    for _ in range(150):
        report = objective.step(x, y)
    # W1 is 300; the critic's objective is a lower bound up to the noise of 512 points.
    assert 270 < float(report.objective) < 320


# What is refused.


def pushforward() -> Pushforward:
    mu = torch.distributions.Normal(0.0, 1.0)
    return Pushforward(torch.nn.Linear(1, 1), mu)


@pytest.mark.parametrize(
    ("definition", "method", "words"),
    [
        (Wasserstein(2), LogisticCritic(), r'LogisticCritic does not minimize.*"exact"'),
        (Energy(), "adversarial", r"No critic network minimizes the energy distance"),
        (Energy(), AnnealedKDE(), r"AnnealedKDE does not minimize the energy distance"),
        (RelativisticPairing(), "kde", r'method=\'kde\' does not minimize.*"adversarial"'),
        (JensenShannon(), WassersteinCritic(), r"does not minimize the Jensen–Shannon"),
    ],
)
def test_a_method_that_does_not_fit_is_refused_with_those_that_do(definition, method, words):
    with pytest.raises(InvalidPairError, match=words):
        minimize(definition, pushforward(), [1.0, 2.0, 3.0, 4.0], method=method)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"critic": torch.nn.Linear(1, 1)}, "critic must be left out, because energy by 'auto'"),
        ({"regularizers": []}, "regularizers must be left out, because energy"),
    ],
)
def test_an_unused_setting_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        minimize(Energy(), pushforward(), [1.0, 2.0, 3.0, 4.0], **options)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            lambda: LogisticCritic(floor=2.0),
            "floor must be a number of at least 0 and of at most 1",
        ),
        (lambda: LogisticCritic(ceiling=0.5), "ceiling must be a number of at least 1.*math.inf"),
        (lambda: ConjugateCritic(bound=0.0), "bound must be a number above 0"),
        (lambda: PairingCritic(steps=0), "steps must be a whole number of at least 1"),
        (lambda: WassersteinCritic(steps=0), "steps must be a whole number of at least 1"),
        (lambda: Monitor(points=3), "points must be a whole number of at least 20"),
    ],
)
def test_settings_out_of_range_are_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_a_critic_with_several_values_a_point_is_refused():
    x = torch.zeros(8, 2)
    objective = make_objective(JensenShannon(), x, critic=torch.nn.Linear(2, 3), rng=0)
    with pytest.raises(ValueError, match=r"critic must return one value for each point.*\(16, 3\)"):
        objective.step(x, x)
