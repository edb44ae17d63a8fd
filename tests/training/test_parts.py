"""Schedules, history, latent measures, callbacks, handing over."""

from __future__ import annotations

import importlib
import shutil
import sys
import types
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from divergences.definitions import (
    Energy,
    JensenShannon,
    KullbackLeibler,
    RelativisticPairing,
    SlicedWasserstein,
    Wasserstein,
)
from divergences.estimators import KDE, PairwiseKernel, Sliced
from divergences.measures import Pushforward
from divergences.networks import ConvolutionalCritic, ConvolutionalGenerator, Perceptron
from divergences.training import (
    ConjugateCritic,
    Constant,
    Cosine,
    Geometric,
    HandOver,
    History,
    Linear,
    Moment,
    Monitor,
    PairingCritic,
    Row,
    TensorBoard,
    WeightsAndBiases,
    minimize,
)
from divergences.training.average import Average
from divergences.training.data import Latents, as_source
from divergences.training.held_out import default_divergence, default_method

PLANE = torch.distributions.Independent(torch.distributions.Normal(torch.zeros(2), 1.0), 1)
DATA = np.random.default_rng(0).normal(size=(100, 2))
LIKE = torch.zeros(0)
QUICK = {
    "steps": 10,
    "batch_size": 16,
    "monitor": Monitor(Energy(), points=20),
    "rng": 0,
    "progress": False,
}


def fresh(d: int = 2) -> Pushforward:
    torch.manual_seed(0)
    return Pushforward(Perceptron(2, d, width=8), PLANE)


# Schedules.


@pytest.mark.parametrize("schedule", [Linear(3.0, 1.0), Cosine(3.0, 1.0), Geometric(3.0, 1.0)])
def test_a_schedule_goes_from_start_to_end_and_stays_there(schedule):
    values = [schedule.at(t) for t in np.linspace(0, 1, 11)]
    assert values[0] == 3.0
    assert values[-1] == pytest.approx(1.0, abs=1e-12)
    assert all(a > b for a, b in pairwise(values))
    assert schedule.at(1.5) == pytest.approx(1.0, abs=1e-12)
    assert Constant(2.0).at(0.7) == 2.0


def test_learning_rates_follow_their_schedule():
    rates = []

    def remember(run, row):
        rates.append(run.trainer.optimizer.param_groups[0]["lr"])

    rate = Linear(0.01, 0.001)
    minimize(JensenShannon(), fresh(), DATA, learning_rate=rate, callbacks=[remember], **QUICK)
    assert rates == pytest.approx([rate.at(step / 9) for step in range(10)])


def test_the_average_follows_the_weights():
    module = nn.Linear(1, 1, bias=False)
    average = Average(module, decay=0.9)
    expected = module.weight.item()
    for step in range(40):
        with torch.no_grad():
            module.weight.fill_(float(step))
        average.follow(step)
        decay = min(0.9, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * step
    assert average.module.weight.item() == pytest.approx(expected, rel=1e-5)
    last = Average(module, decay=0.0)
    with torch.no_grad():
        module.weight.fill_(5.0)
    last.follow(100)
    assert last.module.weight.item() == 5.0


# History.


def test_a_history_is_a_table():
    rows = (
        Row(1, 0.5, 0.1, 0.2, None, None, 1.0, 2.0, 0.3),
        Row(2, 1.0, None, 0.3, 0.05, 0.01, None, 2.5, None, ("odd",)),
    )
    history = History(rows)
    np.testing.assert_array_equal(history["critic_objective"], [0.1, np.nan])
    assert list(history["notes"]) == ["", "odd"]
    assert history.measured().rows == rows[1:]
    assert History.from_jsonl(history.to_jsonl().splitlines()) == history
    frame = history.to_frame()
    assert isinstance(frame, pd.DataFrame)
    assert frame.shape == (2, 10)
    assert "0.0500 ± 0.0100" in str(history)
    assert history[0] == rows[0]
    with pytest.raises(KeyError, match="history has the columns step, seconds"):
        history["loss"]


# Latent measures, and images.


@pytest.mark.parametrize(
    "mu",
    [
        PLANE,
        lambda n: torch.randn(n, 2),
        lambda n, rng: rng.normal(size=(n, 2)),
        torch.distributions.Normal(torch.zeros(2), torch.ones(2)),
    ],
    ids=["distribution", "torch function", "numpy function", "batch of distributions"],
)
def test_any_latent_measure_will_do(mu):
    pushforward = Pushforward(nn.Linear(2, 2), mu)
    torch.manual_seed(0)
    assert Latents(pushforward, LIKE).draw(7, Moment()).shape == (7, 2)
    assert minimize(SlicedWasserstein(), pushforward, DATA, **QUICK).step == 10


def test_images_keep_their_shape():
    shapes = []

    class Critic(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(16, 1)

        def forward(self, images):
            shapes.append(tuple(images.shape))
            return self.layer(images.flatten(1))

    images = torch.rand(60, 1, 4, 4)
    minimize(JensenShannon(), fresh(16), images, critic=Critic(), **QUICK)
    assert set(shapes[::2]) == {(32, 1, 4, 4)}
    assert minimize(Energy(), fresh(16), images, **QUICK).step == 10


# Held-out data.


def test_what_is_measured_by_default():
    assert default_divergence(RelativisticPairing(), 2) == JensenShannon()
    assert default_divergence(KullbackLeibler(), 2) == KullbackLeibler()
    assert default_divergence(KullbackLeibler(), 64) == Energy(squared=True)
    assert isinstance(default_method(JensenShannon(), 2), KDE)
    assert isinstance(default_method(Energy(), 2), PairwiseKernel)


def test_held_out_data_may_be_given():
    run = minimize(SlicedWasserstein(), fresh(), DATA, held_out=DATA[:30] + 5, **QUICK)
    assert len(run.held_out) == 30
    assert run.estimate.n == 20
    assert run.trainer.data.n == len(DATA)


# Callbacks.


def test_a_callback_sees_each_row_and_may_stop():
    steps = []

    def callback(run, row):
        steps.append(row.step)
        if row.step == 4:
            run.stop("enough")

    run = minimize(JensenShannon(), fresh(), DATA, callbacks=[callback], **QUICK)
    assert steps == [1, 2, 3, 4]
    assert run.stopped == "enough"
    assert "stopped: enough" in repr(run)


class Writer:
    """Stands in for TensorBoard's writer and for a run of Weights & Biases."""

    def __init__(self, *arguments, **options):
        self.options, self.logged = options, []

    def add_scalar(self, name, value, step):
        self.logged.append((name, value, step))

    def log(self, numbers, step):
        self.logged += [(name, value, step) for name, value in numbers.items()]

    def add_text(self, *arguments):
        pass

    def flush(self):
        pass


@pytest.mark.parametrize("kind", ["tensorboard", "wandb"])
def test_rows_are_logged_elsewhere(kind, monkeypatch, tmp_path):
    writer = Writer()
    if kind == "tensorboard":
        module = types.SimpleNamespace(SummaryWriter=lambda folder: writer)
        monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
        callback = TensorBoard(tmp_path)
    else:
        module = types.SimpleNamespace(init=lambda **options: writer)
        monkeypatch.setitem(sys.modules, "wandb", module)
        callback = WeightsAndBiases(project="p")
    run = minimize(JensenShannon(), fresh(), DATA, callbacks=[callback], **QUICK)
    assert ("held_out", run.history[-1].held_out, 10) in writer.logged
    assert {name for name, _, _ in writer.logged} >= {"critic_objective", "seconds"}


@pytest.mark.parametrize(
    ("module", "make"),
    [
        ("torch.utils.tensorboard", lambda: TensorBoard("here")),
        ("wandb", lambda: WeightsAndBiases(project="p")),
    ],
)
def test_what_is_not_installed_is_named(module, make, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    importlib.invalidate_caches()
    with pytest.raises(ImportError, match=f"Install it with: pip install {module.split('.')[-1]}"):
        make()


# Handing over.


def test_one_divergence_hands_over_to_another():
    plan = HandOver(SlicedWasserstein(), JensenShannon(), at=0.4)
    run = minimize(plan, fresh(), DATA, **QUICK)
    assert np.isnan(run.history["critic_objective"]).tolist() == [True] * 4 + [False] * 6
    assert repr(run).startswith("TrainingRun(SW2, then JS by")
    assert run.critic is not None


def test_two_critics_may_follow_each_other():
    plan = HandOver(Wasserstein(1), RelativisticPairing(), method="adversarial")
    assert plan.then_method == PairingCritic()
    run = minimize(plan, fresh(), DATA, **QUICK)
    assert set(run.trainer.objective.optimizers) == {"first critic", "critic"}
    assert np.isfinite(run.history["critic_objective"]).all()


def test_each_of_the_two_may_have_its_method():
    plan = HandOver(SlicedWasserstein(), JensenShannon(), then_method=ConjugateCritic(steps=2))
    run = minimize(plan, fresh(), DATA, **QUICK)
    assert run.trainer.objective.objectives[1].method == ConjugateCritic(steps=2)
    assert run.trainer.objective.critic_steps(Moment(9, 10)) == 2
    formula = HandOver(SlicedWasserstein(), JensenShannon(), then_method="kde")
    assert minimize(formula, fresh(), DATA, **QUICK).critic is None


def test_the_method_of_a_monitor_measures():
    few = Sliced(7)
    assert few != default_method(SlicedWasserstein(), 2)
    monitor = Monitor(SlicedWasserstein(), few, points=20)
    run = minimize(Energy(), fresh(), DATA, **{**QUICK, "monitor": monitor})
    assert run.estimate.method == few


# Messages.


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda: minimize("JS", fresh(), DATA), TypeError, r"JensenShannon\(\) or HandOver"),
        (lambda: minimize(Energy(), Perceptron(2, 2), DATA), TypeError, r"Pushforward\(g, mu\)"),
        (
            lambda: minimize(Energy(), Pushforward(lambda z: z, PLANE), DATA),
            TypeError,
            r"g must be a torch.nn.Module with parameters.*Perceptron\(2, 2\), not function",
        ),
        (
            lambda: minimize(Energy(), fresh(3), DATA, **QUICK),
            ValueError,
            r"g must return points of the data's shape \(2,\)",
        ),
        (lambda: minimize(Energy(), fresh(), [[1.0, np.nan]] * 9), ValueError, "nu"),
        (lambda: minimize(Energy(), fresh(), DATA[:3]), ValueError, "nu must have at least 4"),
        (lambda: minimize(Energy(), fresh(), DATA, steps=0), ValueError, "steps must be a whole"),
        (lambda: minimize(Energy(), fresh(), DATA, batch_size=1), ValueError, "batch_size must be"),
        (lambda: minimize(Energy(), fresh(), DATA, average=1.0), ValueError, "average must be"),
        (lambda: minimize(Energy(), fresh(), DATA, clip=0.0), ValueError, "clip must be"),
        (
            lambda: minimize(Energy(), fresh(), DATA, learning_rate="fast"),
            TypeError,
            r"learning_rate must be a number.*Or use a schedule such as Cosine",
        ),
        (
            lambda: minimize(Energy(), fresh(), DATA, precision="float16"),
            ValueError,
            "precision must be one of 'float32', 'bfloat16'",
        ),
        (lambda: minimize(Energy(), fresh(), DATA, record_every=0), ValueError, "record_every"),
        (
            lambda: minimize(HandOver(Energy(), Energy()), fresh(), DATA, method="kde"),
            ValueError,
            "method must be left out with a HandOver",
        ),
        (lambda: HandOver("SW", Energy()), TypeError, "first must be a divergence such as"),
        (lambda: HandOver(Energy(), Energy(), at=1.0), ValueError, "at must be a number above 0"),
        (
            lambda: as_source(DataLoader([["a"]]), 0, LIKE).draw(1, Moment()),
            TypeError,
            "DataLoader must hand out tensors",
        ),
        (
            lambda: as_source(
                DataLoader(TensorDataset(torch.zeros(3, 1)), batch_size=4, drop_last=True), 0, LIKE
            ).draw(1, Moment()),
            ValueError,
            "the DataLoader ended without one",
        ),
    ],
)
def test_bad_input_is_answered_in_words(call, kind, words):
    with pytest.raises(kind, match=words):
        call()


# Precision, and images.


@pytest.mark.parametrize("definition", [JensenShannon(), SlicedWasserstein()], ids=repr)
def test_half_precision_trains_nearly_the_same(definition):
    ends = {}
    for precision in ("float32", "bfloat16"):
        g_mu = fresh()
        run = minimize(definition, g_mu, DATA, precision=precision, **QUICK)
        assert {p.dtype for p in g_mu.g.parameters()} == {torch.float32}
        ends[precision] = run.pushforward.sample(200, rng=0).mean(dim=0)
    assert not torch.equal(*ends.values())
    # Eight bits of mantissa, over ten steps.
    torch.testing.assert_close(*ends.values(), rtol=0.1, atol=0.1)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a compiler")
def test_a_compiled_generator_trains_the_same():
    weights = []
    for compiled in (False, True):
        g_mu = fresh()
        minimize(JensenShannon(), g_mu, DATA, compiled=compiled, **QUICK)
        weights.append(g_mu.g.last.weight)
    torch.testing.assert_close(*weights, rtol=1e-3, atol=1e-4)


def test_convolutional_networks_train():
    images = torch.rand(60, 1, 8, 8) * 2 - 1
    g_mu = Pushforward(ConvolutionalGenerator(2, size=8, width=4), PLANE)
    critic = ConvolutionalCritic(size=8, width=4)
    run = minimize(JensenShannon(), g_mu, images, critic=critic, **QUICK)
    assert run.critic is critic
    assert np.isfinite(run.history["critic_objective"]).all()
