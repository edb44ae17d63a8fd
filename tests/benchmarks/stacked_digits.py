"""Stacked digits: an image of three channels, each one of ten digits, has 1,000 modes.

The protocol of Srivastava et al. (2017) and Lin et al. (2018) on the 8 x 8 digits of scikit-learn:
a classifier of the real digits names the three digits of each generated stack, and counts how many
of the 1,000 kinds occur among 26,000 stacks, and how far their shares are from equal ones. All
contenders train the same generator, those with a critic the same critic, for the same time.

    python -m tests.benchmarks.stacked_digits --seeds 5
    python -m tests.benchmarks.stacked_digits --only "plain GAN, 10 s" --fresh
"""

from __future__ import annotations

import argparse
import math
import time
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.distributions import Independent, Normal

import divergences as dv
from divergences.networks import Perceptron
from divergences.networks.seeds import seeded
from divergences.report.layout import text_table
from divergences.training.critics import CriticMethod
from divergences.training.defaults import as_method
from divergences.training.schedules import Cosine, Geometric
from tests.benchmarks.digit_judge import KINDS, SHAPE, judge, real_digits, score, stack
from tests.benchmarks.digit_picture import draw
from tests.benchmarks.generation import records

TASK = "digits"
REAL = "real digits"
RATED_STACKS = 26_000
TRAINING_STACKS = 50_000
LATENT = Independent(Normal(torch.zeros(64), 1.0), 1)
_PIXELS = math.prod(SHAPE)
_PICTURED_STACKS = 24
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
    budgets : tuple of float
        Seconds of the processor for a training.
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
    budgets: tuple[float, ...] = (10.0,)

    @property
    def has_critic(self) -> bool:
        """Whether a network is the critic."""
        return isinstance(as_method(self.definition, self.method), CriticMethod)

    def steps_within(self, budget: float) -> int:
        """Steps for so many seconds of the processor."""
        return max(1, round(1000 * budget / self.milliseconds))

    def optimizer(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Adam."""
        return torch.optim.Adam(parameters, betas=self.betas, fused=True)


SLOPES = (dv.R1(Geometric(1.0, 0.1)), dv.R2(Geometric(1.0, 0.1)))
CONTENDERS = (
    Contender(
        "pairing, R1, R2",
        dv.RelativisticPairing(),
        8.0,
        regularizers=SLOPES,
        budgets=(10.0, 30.0),
    ),
    Contender("non-saturating, R1, R2", dv.SoftenedReverseKL(), 8.0, regularizers=SLOPES),
    Contender("energy, no critic", dv.Energy(), 10.0, batch_size=128),
    Contender(
        "plain GAN",
        dv.SoftenedReverseKL(),
        5.0,
        method=dv.LogisticCritic(floor=0.0, ceiling=math.inf),
        regularizers=(),
        learning_rate=2e-4,
        critic_learning_rate=2e-4,
        average=0.0,
        betas=(0.5, 0.999),
        budgets=(10.0, 30.0),
    ),
)
TRAININGS = {
    f"{contender.name}, {budget:g} s": (contender, budget)
    for contender in CONTENDERS
    for budget in contender.budgets
}
METHODS = (*TRAININGS, REAL)


@dataclass(frozen=True)
class Record:
    """A generator that was trained and rated.

    Parameters
    ----------
    name : str
        The contender.
    seed : int
        Of data, networks and batches.
    modes : int
        How many of the 1,000 kinds of stack occur among the 26,000 that were rated.
    kl : float
        KL(shares of the kinds || equal shares), in nats; chance alone makes 0.019 of it.
    digit_like : float
        Share of the digits that are as near to a training digit as 95 % of real ones are.
    judge_accuracy : float
        Of the classifier, on real digits that neither it nor a generator was trained on.
    steps : int
        Of the generator.
    seconds : float
        Of the processor, for the training alone.
    note : str
        What went wrong, in words.
    """

    name: str
    seed: int
    modes: int
    kl: float
    digit_like: float
    judge_accuracy: float
    steps: int = 0
    seconds: float = 0.0
    note: str = ""

    @property
    def scores(self) -> dict[str, float]:
        """What tables show, by name."""
        return {
            "modes": float(self.modes),
            "KL": self.kl,
            "digit_like": self.digit_like,
            "training_steps": float(self.steps),
            "training_seconds": self.seconds,
            "judge_accuracy": self.judge_accuracy,
        }


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


def run(contender: Contender, seed: int, budget: float) -> Record:
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
    record = replace(
        _rated(contender.name, seed, stacks),
        steps=trained.step,
        seconds=seconds,
        note=" ".join(trained.notes),
    )
    return record, stacks


def run_real(seed: int) -> Record:
    """Rate as many stacks of digits that nobody was trained on: the best that can be expected."""
    return _rated(REAL, seed, _real_stacks(seed))


def _real_stacks(seed: int) -> np.ndarray:
    return stack(real_digits()[1], RATED_STACKS, np.random.default_rng([seed, 3]))


def _rated(name: str, seed: int, stacks: np.ndarray) -> Record:
    found = score(stacks)
    return Record(name, seed, found.modes, found.kl, found.digit_like, judge().accuracy)


def measure(method: str, seed: int) -> dict[str, float]:
    """Scores by name of one of `METHODS`."""
    record = (
        run_real(seed) if method == REAL else run(TRAININGS[method][0], seed, TRAININGS[method][1])
    )
    return record.scores


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.stacked_digits",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", choices=METHODS, help="one of the rows")
    parser.add_argument("--seeds", type=int, default=5, help="trainings of each")
    parser.add_argument("--fresh", action="store_true", help="forget what was measured before")
    parser.add_argument("--output", type=Path, help="where records are kept, if not in results/")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    chosen = METHODS if options.only is None else (options.only,)
    if options.fresh:
        records.forget(TASK, chosen, options.output)
    done = {(each.method, each.seed) for each in records.read(TASK, options.output)}
    for seed in range(options.seeds):
        for method in chosen:
            if (method, seed) not in done:
                _measure_and_keep(method, seed, options.output)
    print(table(records.read(TASK, options.output)))
    kept = records.read_points(TASK, options.output)
    points = {method: each for (method, _), each in kept.items()}
    draw({method: points[method] for method in METHODS if method in points})


def _measure_and_keep(method: str, seed: int, folder: Path | None) -> None:
    if method == REAL:
        record, stacks = run_real(seed), _real_stacks(seed)
    else:
        record, stacks = _trained_and_rated(TRAININGS[method][0], seed, TRAININGS[method][1])
    kept = records.Record(
        method,
        seed,
        steps=record.steps,
        seconds=record.seconds,
        scores=record.scores,
        note=record.note,
    )
    records.add(TASK, kept, folder)
    if seed == 0:
        pictured = stacks[:_PICTURED_STACKS].reshape(_PICTURED_STACKS, -1)
        records.add_points(TASK, method, seed, pictured, folder)
    print(record, flush=True)


def table(measured: Sequence[records.Record]) -> str:
    """Means over seeds, with the smallest and the largest."""
    rows = []
    for method in METHODS:
        own = [each.scores for each in measured if each.method == method]
        if own:
            found = {name: [scores[name] for scores in own] for name in own[0]}
            rows.append([method, str(len(own)), *_cells(found)])
    heads = ["", "seeds", f"modes of {KINDS:,}", "KL, nats", "digit-like", "steps", "CPU s"]
    accuracy = f"Accuracy of the judge on held-out digits: {judge().accuracy:.2%}"
    return f"{text_table(heads, rows, right=range(1, len(heads)))}\n\n{accuracy}"


def _cells(found: dict[str, list[float]]) -> list[str]:
    modes, kl = found["modes"], found["KL"]
    return [
        f"{np.mean(modes):.1f} ({min(modes):.0f} to {max(modes):.0f})",
        f"{np.mean(kl):.4f} ({min(kl):.4f} to {max(kl):.4f})",
        f"{np.mean(found['digit_like']):.1%}",
        f"{np.mean(found['training_steps']):,.0f}",
        f"{np.mean(found['training_seconds']):.1f}",
    ]


if __name__ == "__main__":
    main()
