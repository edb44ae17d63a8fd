"""Losses of two batches: the slope, the mean where the measures agree, and what is minimized."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from divergences.definitions import (
    Energy,
    JensenShannon,
    KullbackLeibler,
    SlicedWasserstein,
    Wasserstein,
)
from divergences.estimators import KDE
from divergences.measures import Pushforward
from divergences.training import (
    AnnealedKDE,
    DebiasedBatches,
    Linear,
    MaxSliced,
    Moment,
    Monitor,
    make_objective,
    minimize,
)
from tests.laws import directional_slopes

CASES = [
    (JensenShannon(), AnnealedKDE()),
    (KullbackLeibler(), AnnealedKDE(0.5)),
    (Wasserstein(2), DebiasedBatches()),
    (Wasserstein(1), DebiasedBatches()),
    (SlicedWasserstein(2), DebiasedBatches()),
    (SlicedWasserstein(2), MaxSliced(ascents=0)),
    (SlicedWasserstein(1), MaxSliced(ascents=0)),
]


def normals(seed: int, n: int, d: int) -> torch.Tensor:
    return torch.as_tensor(np.random.default_rng(seed).normal(size=(n, d)))


@pytest.mark.parametrize(("definition", "method"), CASES, ids=repr)
def test_slopes_agree_with_differences(definition, method):
    objective = make_objective(definition, normals(0, 4, 3), method=method)
    x = normals(1, 12, 3)
    if isinstance(method, AnnealedKDE):
        # The bandwidth follows the data's scale, which is held fixed: only y may move.
        def loss(_, y):
            return objective.loss(x, y, Moment(3, 10))
    else:

        def loss(x, y):
            # The batch of data has no gradient in training; here both sides take their turn.
            return method.loss(definition, x, y, Moment(3, 10))

    by_gradient, by_difference = directional_slopes(
        lambda a, b: loss(a, b) + 0 * a.sum(), x, normals(2, 12, 3) + 0.5, np.random.default_rng(0)
    )
    assert by_gradient == pytest.approx(by_difference, rel=1e-5, abs=1e-7)


def test_the_bandwidth_is_annealed_in_units_of_the_data():
    x, y = normals(0, 40, 2) * torch.tensor([1.0, 10.0]), normals(1, 40, 2)
    objective = make_objective(JensenShannon(), x, method=AnnealedKDE(Linear(2.0, 0.1)))
    for step, width in ((0, 2.0), (50, 1.05), (100, 0.1)):
        scales = tuple((width * x.std(dim=0)).tolist())
        expected = JensenShannon().loss(x, y, method=KDE(bandwidth=scales))
        assert float(objective.loss(x, y, Moment(step, 101))) == pytest.approx(float(expected))


@pytest.mark.parametrize("definition", [Wasserstein(2), SlicedWasserstein(2)], ids=repr)
def test_two_batches_of_one_measure_are_worth_nothing_once_debiased(definition):
    means = {}
    for method in ("auto", DebiasedBatches()):
        objective = make_objective(definition, normals(0, 4, 5), method=method)
        values = [
            float(objective.loss(normals(2 * i, 32, 5), normals(2 * i + 1, 32, 5)))
            for i in range(60)
        ]
        means[method] = np.mean(values), np.std(values) / np.sqrt(len(values))
    # Four standard errors: a false alarm in 16,000.
    assert means["auto"][0] > 4 * means["auto"][1]
    assert abs(means[DebiasedBatches()][0]) < 4 * means[DebiasedBatches()][1]


def test_debiased_batches_take_the_loss_of_the_method_asked_for():
    definition, x, y = JensenShannon(), normals(0, 32, 2), normals(1, 32, 2) + 0.5
    wide = KDE(bandwidth=2.0)

    def of_wide(one, other):
        return definition.loss(one, other, method=wide)

    (x1, x2), (y1, y2) = x.chunk(2), y.chunk(2)
    expected = (of_wide(x1, y1) + of_wide(x2, y2) - of_wide(x1, x2) - of_wide(y1, y2)) / 2
    found = DebiasedBatches(wide).loss(definition, x, y, Moment())
    assert float(found) == pytest.approx(float(expected), rel=1e-12)
    assert float(found) != pytest.approx(
        float(DebiasedBatches().loss(definition, x, y, Moment())), rel=0.1
    )


def test_debiased_batches_do_not_shrink_the_generator():
    d = 8
    spreads = {}
    for method in ("auto", DebiasedBatches()):
        g = nn.Linear(d, d, bias=False)
        with torch.no_grad():
            g.weight.copy_(torch.eye(d))
        mu = torch.distributions.Normal(torch.zeros(d), 1.0)
        minimize(
            Wasserstein(2),
            Pushforward(g, mu),
            torch.distributions.MultivariateNormal(torch.zeros(d), torch.eye(d)),
            method=method,
            steps=80,
            batch_size=24,
            learning_rate=0.015,
            monitor=Monitor(Energy(), points=20, every=80),
            record_every=80,
            rng=0,
            progress=False,
        )
        spreads[method] = float(g.weight.detach().square().sum() / d) ** 0.5
    assert spreads["auto"] < 0.85
    assert 0.93 < spreads[DebiasedBatches()] < 1.1


def test_the_direction_that_shows_most_is_found():
    x, y = normals(0, 400, 20), normals(1, 400, 20)
    y[:, 3] += 2
    loss = MaxSliced(ascents=60).loss(SlicedWasserstein(2), x, y, Moment())
    # Along that axis W2² is 4 and a little; along random directions, 4/20 on average.
    assert 3.5 < float(loss) < 6
    average = SlicedWasserstein(2).loss(x, y, rng=0) ** 2
    assert float(average) < 1


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: AnnealedKDE(-1.0), "bandwidth must be a number of at least 0"),
        (lambda: MaxSliced(directions=0), "directions must be a whole number of at least 1"),
        (lambda: MaxSliced(ascents=-1), "ascents must be a whole number of at least 0"),
    ],
)
def test_settings_out_of_range_are_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
