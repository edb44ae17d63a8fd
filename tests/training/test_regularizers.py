"""Each regularizer does what it says."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from divergences.definitions import (
    Energy,
    JensenShannon,
    KullbackLeibler,
    RelativisticPairing,
    Wasserstein,
)
from divergences.measures import Pushforward
from divergences.networks.constraints import lipschitz_bound
from divergences.networks.fourier import FourierFeatures
from divergences.networks.perceptron import Perceptron
from divergences.networks.seeds import seeded
from divergences.training import (
    R1,
    R2,
    ConjugateCritic,
    GradientPenalty,
    InstanceNoise,
    Linear,
    Moment,
    Monitor,
    Objective,
    Packing,
    RandomFourier,
    SpectralNorm,
    TopK,
    WeightClipping,
    make_objective,
    minimize,
)

X = torch.as_tensor(np.random.default_rng(0).normal(size=(64, 2)), dtype=torch.float32)
Y = X.flip(0) * 0.5 + 1


def slope_of(weight: float) -> nn.Linear:
    """A critic w (x1 + x2): its squared slope is 2 w² everywhere."""
    critic = nn.Linear(2, 1)
    with torch.no_grad():
        critic.weight.fill_(weight)
        critic.bias.zero_()
    return critic


def gradient_of_step(critic: nn.Module, *regularizers) -> torch.Tensor:
    """What one step of the critic goes down, without moving it."""
    objective = make_objective(
        JensenShannon(), X, critic=critic, regularizers=regularizers, learning_rate=0.0, rng=0
    )
    objective.step(X, Y)
    return critic.weight.grad.clone()


@pytest.mark.parametrize("penalty", [R1, R2])
def test_zero_centered_penalties_add_their_slope(penalty):
    plain = gradient_of_step(slope_of(1.5))
    # gamma/2 |w|² has the slope gamma w in each weight.
    penalized = gradient_of_step(slope_of(1.5), penalty(0.4))
    torch.testing.assert_close(penalized - plain, torch.full((1, 2), 0.4 * 1.5))


def test_each_penalty_looks_at_its_own_points():
    class Bent(nn.Module):
        # Slope 1 in the first feature where it is positive, 0 where it is negative.
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(1))

        def forward(self, points):
            return self.weight * points[:, 0].relu()

    x, y = torch.full((8, 2), 2.0), torch.full((8, 2), -2.0)
    found = {}
    for penalty in (R1, R2):
        critic = Bent()
        objective = make_objective(
            JensenShannon(), x, critic=critic, regularizers=[penalty(1.0)], learning_rate=0.0
        )
        objective.step(x, y)
        found[penalty] = critic.weight.grad.clone()
    assert float(found[R1] - found[R2]) == pytest.approx(1.0, abs=1e-6)


def test_a_gradient_penalty_draws_the_slope_to_one():
    critic = slope_of(3.0)
    objective = make_objective(
        Wasserstein(1),
        X,
        method="adversarial",
        critic=critic,
        regularizers=[GradientPenalty(1000.0)],
        learning_rate=0.02,
    )
    for _ in range(300):
        objective.step(X, Y)
    assert critic.weight.detach().norm().item() == pytest.approx(1.0, abs=0.05)


def test_spectral_norm_bounds_the_slope():
    with seeded(np.random.default_rng(0)):
        critic = Perceptron(2, 1, width=32, activation="relu")
    objective = make_objective(
        Wasserstein(1), X, method="adversarial", critic=critic, regularizers=[SpectralNorm()], rng=0
    )
    for _ in range(100):
        objective.step(X, Y)
    # The power iteration lags behind the weights: of forty seeds five were above 1.1, at most 1.21.
    assert lipschitz_bound(critic) < 1.1
    for _ in range(50):
        critic(X)
    # It has caught up with weights that stay.
    assert lipschitz_bound(critic) < 1.001


def test_weights_are_clipped_after_each_step():
    critic = Perceptron(2, 1)
    objective = make_objective(
        Wasserstein(1), X, method="adversarial", critic=critic, regularizers=[WeightClipping(0.05)]
    )
    objective.step(X, Y)
    assert max(float(p.detach().abs().max()) for p in critic.parameters()) <= 0.05 + 1e-6


class Seen(nn.Module):
    """Remembers what it was shown."""

    def __init__(self, d: int) -> None:
        super().__init__()
        self.layer = nn.Linear(d, 1)
        self.points = torch.empty(0)

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        self.points = points.detach()
        return self.layer(points)


START = Moment()


def shown(d: int, *regularizers, now: Moment = START) -> tuple[Objective, Seen]:
    critic = Seen(d)
    objective = make_objective(JensenShannon(), X, critic=critic, regularizers=regularizers, rng=0)
    objective.step(X, Y, now)
    return objective, critic


def test_instance_noise_blurs_both_batches_by_its_schedule():
    torch.manual_seed(0)
    for step, scale in ((0, 2.0), (50, 1.0), (100, 0.0)):
        now = Moment(step, 101)
        _, critic = shown(2, InstanceNoise(Linear(2.0, 0.0)), now=now)
        noise = critic.points - torch.cat([X, Y])
        for part in noise.split(len(X)):
            # The deviation of 128 draws has a standard error of 6 % of it.
            assert float(part.std()) == pytest.approx(scale, rel=0.3, abs=1e-6)


def test_a_pack_joins_points_of_one_side():
    _, critic = shown(4, Packing(2))
    expected = torch.cat([X, Y]).reshape(len(X), 4)
    torch.testing.assert_close(critic.points, expected)


def test_a_pack_that_does_not_divide_the_batch_is_refused():
    with pytest.raises(ValueError, match="batch_size must be a multiple of the pack's size 5"):
        shown(10, Packing(5))


def test_a_pack_sees_a_repetition_that_a_single_point_does_not():
    rng = np.random.default_rng(0)
    x = torch.as_tensor(rng.normal(size=(256, 1)), dtype=torch.float32)
    # Q repeats each of its points, so that its single points have the right law.
    y = torch.as_tensor(rng.normal(size=(128, 1)), dtype=torch.float32).repeat_interleave(2, dim=0)
    reached = {}
    for size in (1, 2):
        regularizers = [Packing(2)] if size == 2 else []
        objective = make_objective(JensenShannon(), x, regularizers=regularizers, rng=0)
        for _ in range(60):
            report = objective.step(x, y)
        reached[size] = float(report.objective)
    assert reached[2] > reached[1] + 0.2


def test_random_waves_are_appended_to_the_points():
    _, critic = shown(2 + 10, RandomFourier(5, scale=0.5))
    torch.testing.assert_close(critic.points[:, :2], torch.cat([X, Y]))
    waves = critic.points[:, 2:]
    torch.testing.assert_close(waves[:, :5] ** 2 + waves[:, 5:] ** 2, torch.ones(128, 5))


def test_waves_let_a_critic_see_fine_structure():
    rng = np.random.default_rng(0)
    x = torch.as_tensor(rng.uniform(-1, 1, size=(512, 1)), dtype=torch.float32)
    # The same, with one of every two short intervals empty: JS is that of densities 1/2 and 1, 0.
    y = torch.as_tensor(np.floor(rng.uniform(-1, 1, size=(512, 1)) * 8) / 8, dtype=torch.float32)
    y = y + torch.as_tensor(rng.uniform(0, 1 / 16, size=(512, 1)), dtype=torch.float32)
    reached = {}
    for name, regularizers in (("plain", []), ("waves", [RandomFourier(32, scale=3.0)])):
        objective = make_objective(
            JensenShannon(), x, regularizers=regularizers, learning_rate=2e-3, rng=0
        )
        for _ in range(150):
            report = objective.step(x, y)
        reached[name] = float(report.objective)
    assert reached["waves"] > reached["plain"] + 0.05


def test_only_the_best_points_have_a_slope_under_top_k():
    objective, critic = shown(2, TopK(0.25))
    y = Y.clone().requires_grad_()
    objective.loss(X, y).backward()
    moved = y.grad.abs().sum(dim=1) > 0
    assert int(moved.sum()) == 16
    best = critic.layer(Y).reshape(-1).topk(16).indices
    assert set(moved.nonzero().reshape(-1).tolist()) == set(best.tolist())


def test_regularizers_compose():
    g = Pushforward(Perceptron(2, 2, width=16), torch.distributions.Normal(torch.zeros(2), 1.0))
    for definition, method in (
        (RelativisticPairing(), "auto"),
        (KullbackLeibler(), ConjugateCritic(steps=2)),
    ):
        run = minimize(
            definition,
            g,
            X.numpy(),
            method=method,
            regularizers=[
                InstanceNoise(), Packing(2), RandomFourier(8), SpectralNorm(), R1(), R2(),
                GradientPenalty(0.1), WeightClipping(5.0), TopK(0.8),
            ],
            steps=5,
            batch_size=16,
            monitor=Monitor(Energy(), points=20),
            clip=1.0,
            rng=0,
            progress=False,
        )  # fmt: skip
        assert np.isfinite(run.history["generator_objective"]).all()


def test_clipping_holds_the_step_of_both_networks():
    g = Perceptron(2, 2, width=16)
    start = {name: value.clone() for name, value in g.state_dict().items()}
    run = minimize(
        JensenShannon(),
        Pushforward(g, torch.distributions.Normal(torch.zeros(2), 1.0)),
        X.numpy(),
        optimizer=lambda parameters: torch.optim.SGD(parameters, lr=1.0),
        learning_rate=1.0,
        critic_learning_rate=1.0,
        clip=1e-3,
        steps=1,
        batch_size=16,
        monitor=Monitor(Energy(), points=20),
        rng=0,
        progress=False,
    )
    squares = [(value - start[name]).square().sum() for name, value in g.state_dict().items()]
    moved = float(sum(squares))
    assert run.history[0].generator_gradient_norm > 1e-3
    assert moved**0.5 == pytest.approx(1e-3, rel=1e-3)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: R1(-1.0), "gamma must be a number of at least 0"),
        (lambda: R2(Linear(1.0, -1.0)), "gamma at progress 1 must be a number of at least 0"),
        (lambda: GradientPenalty(-1.0), "weight must be a number of at least 0"),
        (lambda: WeightClipping(0.0), "bound must be a number above 0"),
        (lambda: InstanceNoise(-0.1), "scale must be a number of at least 0"),
        (lambda: Packing(1), "size must be a whole number of at least 2"),
        (lambda: RandomFourier(0), "count must be a whole number of at least 1"),
        (lambda: TopK(1.5), "share must be a number above 0 and of at most 1"),
    ],
)
def test_settings_out_of_range_are_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_a_regularizer_must_be_one():
    g = Pushforward(nn.Linear(2, 2), torch.distributions.Normal(torch.zeros(2), 1.0))
    with pytest.raises(TypeError, match=r"regularizers must be objects such as R1\(\)"):
        minimize(JensenShannon(), g, X.numpy(), regularizers=["r1"])


@pytest.mark.parametrize("d", [1, 2, 10, 200])
def test_default_waves_tell_far_points_apart_and_near_ones_not(d):
    # Waves of frequency b at points apart by delta have the correlation E cos(2 pi b delta).
    x, y = torch.as_tensor(np.random.default_rng(0).normal(size=(2, 500, d))).float()
    objective = make_objective(RelativisticPairing(), x, rng=0)
    layer = next(m for m in objective.modules["critic"] if isinstance(m, FourierFeatures))

    def correlation(other: torch.Tensor) -> float:
        one, two = (layer(points)[:, d:] for points in (x, other))
        return float((one * two).sum(dim=1).mean() / (one.shape[1] / 2))

    # exp(-2 pi² |delta|² scale²), which is exp(-0.1) or less far from 1 and exp(-8 pi²), over 32
    # frequencies; the waves of one seed are seen, so the bounds are wide.
    assert correlation(x + 0.05 * y) > 0.8
    assert abs(correlation(y)) < 0.15
