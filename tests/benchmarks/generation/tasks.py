"""What is trained and rated: each task has methods, and makes a record of one for each seed."""

from __future__ import annotations

import importlib
import importlib.util
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from tests.benchmarks.generation.recipe import recipe
from tests.benchmarks.generation.records import Record
from tests.benchmarks.generation.rivals import RIVAL_NAMED
from tests.benchmarks.generation.target import GRID, LECTURE, RING, Target, lecture
from tests.benchmarks.generation.training import Trained, rate, steps_within, train

REAL = "real data"
OURS = "recipe"
LIMIT = 180.0
_GRACE = 1.25

Measured = tuple[Record, np.ndarray | None]


class Task(ABC):
    """A table of the page. Subclasses are frozen dataclasses.

    Laws: `measure` depends on its arguments alone, the seconds apart.
    """

    pictured: range = range(0)
    """Seeds whose points are kept for the pictures."""

    budgeted: bool = False
    """Whether steps are what a budget of seconds allows."""

    @property
    @abstractmethod
    def methods(self) -> tuple[str, ...]:
        """What is rated, in the order of the table."""

    def steps_within(self, method: str, budget: float) -> int:
        """Steps for a budget; 0 where there is none."""
        return 0

    @abstractmethod
    def measure(self, method: str, seed: int, budget: float, steps: int) -> Measured:
        """A record, and points for the pictures."""


@dataclass(frozen=True)
class Protocol(Task):
    """The recipe of a target against the best that is published, and real data beside it."""

    target: Target
    pictured: range = range(100)

    @property
    def methods(self) -> tuple[str, ...]:
        """The recipe, and data that no generator made."""
        return OURS, REAL

    def measure(self, method: str, seed: int, budget: float, steps: int) -> Measured:
        """Train and rate."""
        if method == REAL:
            points = self.target.further_points(seed)
            return Record(method, seed, scores=rate(points, self.target, seed)), points
        trained = train(recipe(self.target.name), self.target, seed, LIMIT)
        return _rated(trained, self.target, method, seed), trained.points


@dataclass(frozen=True)
class Rivalry(Task):
    """Every divergence with the same generator and budget."""

    target: Target
    pictured: range = range(1)
    budgeted: bool = True

    @property
    def methods(self) -> tuple[str, ...]:
        """The divergences."""
        return tuple(RIVAL_NAMED)

    def steps_within(self, method: str, budget: float) -> int:
        """From a short trial."""
        return steps_within(RIVAL_NAMED[method].recipe, self.target, budget)

    def measure(self, method: str, seed: int, budget: float, steps: int) -> Measured:
        """Train and rate."""
        chosen = RIVAL_NAMED[method].recipe.with_steps(steps)
        trained = train(chosen, self.target, seed, _GRACE * budget)
        return _rated(trained, self.target, method, seed, budget), trained.points


@dataclass(frozen=True)
class Lecture(Task):
    """The lecture's samples of one and two features."""

    @property
    def methods(self) -> tuple[str, ...]:
        """The targets."""
        return tuple(LECTURE)

    def measure(self, method: str, seed: int, budget: float, steps: int) -> Measured:
        """Train and rate."""
        target = lecture(method)
        trained = train(recipe(method), target, seed, LIMIT)
        return _rated(trained, target, method, seed), None


@dataclass(frozen=True)
class Slot(Task):
    """A benchmark of its own module, which has `METHODS` and `measure(method, seed)`.

    Parameters
    ----------
    module : str
        `measure` returns numbers by name.
    """

    module: str

    @property
    def methods(self) -> tuple[str, ...]:
        """Those of the module; none where it is missing."""
        if importlib.util.find_spec(self.module) is None:
            return ()
        return tuple(importlib.import_module(self.module).METHODS)

    def measure(self, method: str, seed: int, budget: float, steps: int) -> Measured:
        """Whatever the module finds."""
        start = time.process_time()
        scores = importlib.import_module(self.module).measure(method, seed)
        seconds = time.process_time() - start
        return Record(method, seed, seconds=seconds, scores=dict(scores)), None


TASKS: dict[str, Task] = {
    "grid": Protocol(GRID),
    "ring": Protocol(RING),
    "table": Rivalry(GRID),
    "table-ring": Rivalry(RING),
    "digits": Slot("tests.benchmarks.stacked_digits"),
    "targets": Lecture(),
    "overhead": Slot("tests.benchmarks.overhead"),
}


def chosen_methods(task: Task, asked: Iterable[str] | None) -> tuple[str, ...]:
    """The methods of a task that were asked for; all if none were."""
    wanted = set(asked) if asked is not None else set(task.methods)
    return tuple(method for method in task.methods if method in wanted)


def _rated(trained: Trained, target: Target, method: str, seed: int, budget: float = 0.0) -> Record:
    scores = {"finite": float(trained.finite)}
    if np.isfinite(trained.points).all():
        scores |= rate(trained.points, target, seed)
    return Record(method, seed, budget, trained.steps, trained.seconds, scores, trained.note)
