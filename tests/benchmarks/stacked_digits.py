"""Stacked digits: an image of three channels, each one of ten digits, has 1,000 modes.

The protocol of Srivastava et al. (2017) and Lin et al. (2018) on the 8 x 8 digits of scikit-learn:
a classifier of the real digits names the three digits of each generated stack, and counts how many
of the 1,000 kinds occur among 26,000 stacks, and how far their shares are from equal ones. All
contenders train the same generator, those with a critic the same critic, for the same time.

    python -m tests.benchmarks.stacked_digits --seeds 5
    python -m tests.benchmarks.stacked_digits --only "pairing, R1, R2" --budget 10 --fresh
"""

from __future__ import annotations

import argparse
import math
import time
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.distributions import Independent, Normal

import divergences as dv
from divergences.networks import Perceptron
from divergences.networks.seeds import seeded
from divergences.training.critics import CriticMethod
from divergences.training.defaults import as_method
from divergences.training.schedules import Cosine
from tests.benchmarks import digit_records
from tests.benchmarks.digit_judge import SHAPE, judge, real_digits, score, stack
from tests.benchmarks.digit_records import Record

REAL = "real digits"
BUDGET = 30.0
RATED_STACKS = 26_000
TRAINING_STACKS = 50_000
LATENT = Independent(Normal(torch.zeros(64), 1.0), 1)
_PIXELS = math.prod(SHAPE)
_PICTURED_STACKS = 40
_SIZE: dict[str, Any] = {"width": 256, "depth": 3, "activation": "leaky_relu"}
# Energy takes milliseconds, and the score comes at the end.
_MONITOR = dv.Monitor(dv.Energy(squared=True), points=200)


@dataclass(frozen=True)
class Contender:
    """A way to train the generator.

    Parameters
    ----------
    name : str
        As tables have it.
    definition, method, regularizers, batch_size, learning_rate, critic_learning_rate, average
        As in `minimize`.
    betas : tuple of float
        Of Adam.
    milliseconds : float
        Of the processor for a step, measured once, so that a budget means the same steps wherever
        it is spent.
    """

    name: str
    definition: dv.Definition
    milliseconds: float
    method: Any = "auto"
    regularizers: tuple[dv.Regularizer, ...] | None = None
    batch_size: int = 64
    learning_rate: float | dv.Schedule = Cosine(1e-3, 5e-5)
    critic_learning_rate: float | dv.Schedule = Cosine(2e-3, 1e-4)
    average: float | None = None
    betas: tuple[float, float] = (0.0, 0.99)

    @property
    def has_critic(self) -> bool:
        """Whether a network is the critic."""
        return isinstance(as_method(self.definition, self.method), CriticMethod)

    def steps_within(self, budget: float) -> int:
        """Steps for so many seconds of the processor."""
        return max(1, round(1000 * budget / self.milliseconds))

    def optimizer(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Adam."""
        return torch.optim.Adam(parameters, betas=self.betas)


SLOPES = (dv.R1(dv.Geometric(1.0, 0.1)), dv.R2(dv.Geometric(1.0, 0.1)))
CONTENDERS = (
    Contender("pairing, R1, R2", dv.RelativisticPairing(), 8.0, regularizers=SLOPES),
    Contender("non-saturating, R1, R2", dv.SoftenedReverseKL(), 8.0, regularizers=SLOPES),
    Contender("energy, no critic", dv.Energy(), 4.0, batch_size=256),
    Contender(
        "plain GAN",
        dv.SoftenedReverseKL(),
        4.5,
        method=dv.LogisticCritic(floor=0.0, ceiling=math.inf),
        regularizers=(),
        learning_rate=2e-4,
        critic_learning_rate=2e-4,
        average=0.0,
        betas=(0.5, 0.999),
    ),
)
NAMED = {each.name: each for each in CONTENDERS}
METHODS = (*NAMED, REAL)


def train(contender: Contender, seed: int, budget: float) -> dv.TrainingRun:
    """Train the generator from a seed, that of the weights, of the data and of the batches."""
    rng = np.random.default_rng([seed, 1])
    with seeded(rng):
        generator = nn.Sequential(
            Perceptron(LATENT.event_shape[0], _PIXELS, **_SIZE), nn.Tanh(), nn.Unflatten(1, SHAPE)
        )
        critic = nn.Sequential(nn.Flatten(), Perceptron(_PIXELS, 1, **_SIZE))
    learned, held_out = real_digits()
    return dv.minimize(
        contender.definition,
        dv.Pushforward(generator, LATENT),
        stack(learned, TRAINING_STACKS, rng),
        method=contender.method,
        steps=contender.steps_within(budget),
        batch_size=contender.batch_size,
        critic=critic if contender.has_critic else None,
        regularizers=contender.regularizers,
        learning_rate=contender.learning_rate,
        critic_learning_rate=contender.critic_learning_rate,
        optimizer=contender.optimizer,
        average=contender.average,
        held_out=stack(held_out, _MONITOR.points, rng),
        monitor=_MONITOR,
        rng=rng,
        progress=False,
    )


def run(contender: Contender, seed: int, budget: float = BUDGET) -> Record:
    """Train one contender from one seed for so many seconds of the processor, and rate it.

    The record depends on the arguments alone, its seconds apart.
    """
    return _trained_and_rated(contender, seed, budget)[0]


def _trained_and_rated(contender: Contender, seed: int, budget: float) -> tuple[Record, np.ndarray]:
    start = time.process_time()
    with warnings.catch_warnings():
        # They are kept in the note.
        warnings.simplefilter("ignore", RuntimeWarning)
        trained = train(contender, seed, budget)
    seconds = time.process_time() - start
    with torch.no_grad():
        points = trained.pushforward.sample(RATED_STACKS, rng=np.random.default_rng([seed, 2]))
    stacks = points.numpy().reshape(-1, *SHAPE)
    note = " ".join(trained.notes)
    record = _record(contender.name, seed, stacks, budget, trained.step, seconds, note)
    return record, stacks


def run_real(seed: int) -> Record:
    """Rate as many stacks of digits that nobody was trained on: the best that can be expected."""
    return _record(REAL, seed, _real_stacks(seed))


def _real_stacks(seed: int) -> np.ndarray:
    return stack(real_digits()[1], RATED_STACKS, np.random.default_rng([seed, 3]))


def _record(
    name: str,
    seed: int,
    stacks: np.ndarray,
    budget: float = 0.0,
    steps: int = 0,
    seconds: float = 0.0,
    note: str = "",
) -> Record:
    found = score(stacks)
    return Record(
        name=name,
        seed=seed,
        budget=budget,
        modes=found.modes,
        kl=found.kl,
        digit_like=found.digit_like,
        steps=steps,
        seconds=seconds,
        judge_accuracy=judge().accuracy,
        note=note,
    )


def measure(method: str, seed: int) -> dict[str, float]:
    """Scores by name of one of `METHODS`."""
    record = run_real(seed) if method == REAL else run(NAMED[method], seed)
    return record.scores


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.stacked_digits",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", choices=METHODS, help="one of the contenders")
    parser.add_argument("--seeds", type=int, default=5, help="trainings of each contender")
    parser.add_argument("--budget", type=float, default=BUDGET, help="seconds of each")
    parser.add_argument("--fresh", action="store_true", help="forget what was measured before")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    chosen = METHODS if options.only is None else (options.only,)
    if options.fresh:
        digit_records.forget(chosen)
    done = {(each.name, each.seed, each.budget) for each in digit_records.read()}
    for seed in range(options.seeds):
        for name in chosen:
            budget = 0.0 if name == REAL else options.budget
            if (name, seed, budget) not in done:
                _measure_and_keep(name, seed, budget)
    print(digit_records.table(digit_records.read(), METHODS))
    digit_records.draw()


def _measure_and_keep(name: str, seed: int, budget: float) -> None:
    if name == REAL:
        record, stacks = run_real(seed), _real_stacks(seed)
    else:
        record, stacks = _trained_and_rated(NAMED[name], seed, budget)
    digit_records.add(record)
    if seed == 0:
        digit_records.add_stacks(record, stacks[:_PICTURED_STACKS])
    print(record.to_json(), flush=True)


if __name__ == "__main__":
    main()
