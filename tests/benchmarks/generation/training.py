"""One training from one seed, timed, and how its points are rated."""

from __future__ import annotations

import math
import time
import warnings
from dataclasses import dataclass, field

import numpy as np
import torch

import divergences as dv
from divergences.networks.seeds import seeded
from tests.benchmarks.generation.recipe import Recipe
from tests.benchmarks.generation.target import Target

# Energy takes milliseconds; a finer measurement while training would cost what steps could use.
MONITOR = dv.Monitor(dv.Energy(), points=500)
_TRIAL_STEPS = 400
_TRIAL_SECONDS = 2.0
_TRIAL_ROWS = 3
_FEWEST_STEPS = 20


@dataclass
class Stopwatch:
    """A callback that keeps the seconds of the processor at each row, and ends at a limit.

    Parameters
    ----------
    limit : float
        Seconds, after which the training ends.
    rows : int
        Rows that there must be before that.
    """

    limit: float
    rows: int = 1
    start: float = field(default_factory=time.process_time)
    marks: list[tuple[int, float]] = field(default_factory=list)

    def __call__(self, run: dv.TrainingRun, row: dv.Row) -> None:
        self.marks.append((row.step, time.process_time() - self.start))
        if self.marks[-1][1] > self.limit and len(self.marks) >= self.rows:
            run.stop(f"out of time after step {row.step:,}")

    @property
    def seconds_per_step(self) -> float:
        """From the first row to the last, so that preparations do not count."""
        (first, start), (last, end) = self.marks[0], self.marks[-1]
        return (end - start) / (last - first)


@dataclass(frozen=True, eq=False)
class Trained:
    """A training that is done.

    Parameters
    ----------
    points : ndarray of shape (n, d)
        From the averaged generator.
    steps : int
        That were taken.
    seconds : float
        Of the processor, on one thread.
    finite : bool
        Whether all was finite to the end.
    note : str
        What went wrong, in words.
    """

    points: np.ndarray
    steps: int
    seconds: float
    finite: bool
    note: str


def train(recipe: Recipe, target: Target, seed: int, limit: float = math.inf) -> Trained:
    """Train a generator from one seed, at most `limit` seconds, and draw from it."""
    data, watch = target.training_points(seed), Stopwatch(limit)
    run = _minimize(recipe, target, data, seed, watch, record_every=None)
    seconds = time.process_time() - watch.start
    points = run.pushforward.sample(target.generated, rng=seed).detach().double().numpy()
    finite = bool(np.isfinite(points).all()) and not (run.stopped or "").startswith("Training div")
    return Trained(points, run.step, seconds, finite, " ".join(run.notes))


def steps_within(recipe: Recipe, target: Target, budget: float) -> int:
    """Steps that take `budget` seconds of the processor, from a short trial."""
    watch = Stopwatch(_TRIAL_SECONDS, _TRIAL_ROWS)
    data = target.training_points(0)
    trial = recipe.with_steps(_TRIAL_STEPS)
    _minimize(trial, target, data, 0, watch, record_every=5)
    return max(_FEWEST_STEPS, round(budget / watch.seconds_per_step))


def _minimize(
    recipe: Recipe,
    target: Target,
    data: np.ndarray,
    seed: int,
    watch: Stopwatch,
    record_every: int | None,
) -> dv.TrainingRun:
    with seeded(np.random.default_rng(seed)):
        pushforward = recipe.generator(data.shape[1])
    with warnings.catch_warnings():
        # What they say stands in the run's notes.
        warnings.simplefilter("ignore", RuntimeWarning)
        return dv.minimize(
            recipe.definition,
            pushforward,
            data,
            method=recipe.method,
            steps=recipe.steps,
            batch_size=recipe.batch_size,
            regularizers=recipe.regularizers,
            learning_rate=recipe.learning_rate,
            critic_learning_rate=recipe.critic_learning_rate,
            average=recipe.average,
            held_out=target.held_out_points(seed),
            monitor=MONITOR,
            callbacks=[watch],
            record_every=record_every,
            rng=seed,
            progress=False,
        )


def rate(points: np.ndarray, target: Target, seed: int) -> dict[str, float]:
    """What the protocol scores, and the divergences from held-out points with their errors."""
    scores: dict[str, float] = {}
    if target.modes is not None:
        names = ("modes", "quality", "reverse_kl")
        scores = {
            name: score.value
            for name, score in zip(names, target.modes.scores(points), strict=True)
        }
    fresh = target.held_out_points(seed)
    js = dv.js_divergence(fresh, points, rng=seed)
    w2 = dv.wasserstein_distance(fresh, points, order=2, rng=seed)
    for name, estimate in (("js", js), ("w2", w2)):
        low, high = estimate.interval()
        scores |= {
            name: float(estimate), f"{name}_stderr": estimate.stderr,
            f"{name}_low": low, f"{name}_high": high,
        }  # fmt: skip
    return scores


def one_thread() -> None:
    """Let this process compute on one thread, which is what the seconds are of."""
    torch.set_num_threads(1)
