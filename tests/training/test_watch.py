"""What goes wrong is seen, said in words with a remedy, and costs no good state."""

from __future__ import annotations

import os
import signal
import threading

import numpy as np
import pytest
import torch
from torch import nn

from divergences.definitions import Energy, JensenShannon, SlicedWasserstein, Wasserstein
from divergences.measures import Pushforward
from divergences.networks.perceptron import Perceptron
from divergences.training import (
    AnnealedKDE,
    History,
    LogisticCritic,
    Monitor,
    Row,
    minimize,
    resume,
)
from divergences.training.watch import COLLAPSED, VANISHED, doubts

PLANE = torch.distributions.Independent(torch.distributions.Normal(torch.zeros(2), 1.0), 1)
DATA = np.random.default_rng(0).normal(size=(200, 2))
QUICK = {
    "steps": 20,
    "batch_size": 16,
    "monitor": Monitor(Energy(), points=20),
    "record_every": 1,
    "rng": 0,
    "progress": False,
}


class Breaks(nn.Module):
    """A generator whose output is NaN from some call on."""

    def __init__(self, calls: int) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 2)
        self.calls, self.count = calls, 0

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        self.count += self.training
        output: torch.Tensor = self.layer(points)
        return output * (float("nan") if self.count > self.calls else 1.0)


@pytest.mark.parametrize(
    "definition", [JensenShannon(), SlicedWasserstein()], ids=["critic network", "direct"]
)
def test_nan_ends_the_training_at_its_last_good_state(definition, tmp_path):
    g = Breaks(11)
    with pytest.warns(RuntimeWarning, match=r"Training diverged: .* Try a lower learning_rate"):
        run = minimize(definition, Pushforward(g, PLANE), DATA, folder=tmp_path, **QUICK)
    # Measured at every second step: step 10 was the last that was known to be finite.
    assert run.step == 10
    assert len(run.history) == 10
    assert "The state of step 10" in run.stopped
    assert run.notes[-1] == run.stopped
    assert all(torch.isfinite(p).all() for p in run.generator.parameters())
    assert all(torch.isfinite(p).all() for p in run.pushforward.g.parameters())
    again = resume(tmp_path, Pushforward(Breaks(10**9), PLANE), DATA, progress=False)
    assert again.step == 20


class Dead(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        return self.weight * points[:, 0] * 0


def test_a_dead_critic_is_told_once():
    g_mu = Pushforward(Perceptron(2, 2, width=8), PLANE)
    with pytest.warns(RuntimeWarning, match="The critic collapsed.*critic_learning_rate") as told:
        run = minimize(JensenShannon(), g_mu, DATA, critic=Dead(), regularizers=[], **QUICK)
    assert len([w for w in told if "collapsed" in str(w.message)]) == 1
    assert [row.step for row in run.history if COLLAPSED in row.notes] == [5]
    assert run.step == 20


def test_a_vanished_gradient_is_told():
    far = Pushforward(nn.Linear(2, 2), PLANE)
    with pytest.warns(RuntimeWarning, match=r"gradient of g vanished.*SlicedWasserstein\(\)"):
        run = minimize(
            JensenShannon(),
            far,
            DATA + 1000.0,
            method=LogisticCritic(0.0),
            regularizers=[],
            critic_learning_rate=0.1,
            **{**QUICK, "steps": 150},
        )
    assert VANISHED in run.notes


def test_a_training_that_goes_well_is_not_doubted():
    for definition, method in (
        (JensenShannon(), "auto"),
        (JensenShannon(), AnnealedKDE()),
        (Wasserstein(1), "adversarial"),
    ):
        g_mu = Pushforward(Perceptron(2, 2, width=16), PLANE)
        run = minimize(definition, g_mu, DATA, method=method, **QUICK)
        assert run.notes == ()


def test_doubts_wait_for_a_few_rows():
    row = Row(1, 0.0, 0.69, 0.0, None, None, 1.0, 1.0, 1.0)
    calm = Row(2, 0.0, 0.69, 0.0, None, None, 1.0, 0.0, 0.0)
    history = History((row, *[calm] * 4))
    assert doubts(history, 0.693) == ()
    assert doubts(history.with_row(calm), 0.693) == (COLLAPSED, VANISHED)
    assert doubts(history.with_row(calm), 10.0) == (COLLAPSED,)


def interrupt_at(step: int, times: int = 1):
    def callback(run, row):
        if row.step == step:
            for _ in range(times):
                os.kill(os.getpid(), signal.SIGINT)

    return callback


def test_control_c_ends_after_the_step_with_the_state_saved(tmp_path):
    handler = signal.getsignal(signal.SIGINT)
    g_mu = Pushforward(Perceptron(2, 2, width=8), PLANE)
    run = minimize(
        JensenShannon(), g_mu, DATA, folder=tmp_path, callbacks=[interrupt_at(7)], **QUICK
    )
    assert run.stopped == "interrupted after step 7"
    assert run.step == 7
    assert signal.getsignal(signal.SIGINT) is handler
    assert list(tmp_path.glob("checkpoint-*7"))
    again = resume(tmp_path, g_mu, DATA, progress=False)
    assert again.step == 20
    assert again.stopped is None


def test_a_second_control_c_ends_at_once():
    handler = signal.getsignal(signal.SIGINT)
    g_mu = Pushforward(Perceptron(2, 2, width=8), PLANE)
    before = torch.get_rng_state()
    with pytest.raises(KeyboardInterrupt):
        minimize(JensenShannon(), g_mu, DATA, callbacks=[interrupt_at(3, times=2)], **QUICK)
    assert signal.getsignal(signal.SIGINT) is handler
    assert torch.equal(torch.get_rng_state(), before)


def test_training_in_another_thread_leaves_signals_alone():
    done = []

    def work():
        g_mu = Pushforward(Perceptron(2, 2, width=8), PLANE)
        done.append(minimize(JensenShannon(), g_mu, DATA, **QUICK).step)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [20]
