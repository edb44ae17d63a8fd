"""What goes wrong in training, seen from the numbers, and said with what to try."""

from __future__ import annotations

import math

import torch

from divergences.training.history import History, Row
from divergences.training.loop import Trainer
from divergences.training.state import State

_DEAD_SPREAD = 1e-6
_VANISHED = 1e-4
_PERFECT = 0.9
_ROWS = 5

COLLAPSED = (
    "The critic collapsed: it gives all points the same value, so that g learns nothing from it. "
    "Try a lower critic_learning_rate, weaker penalties, or another critic."
)
VANISHED = (
    "The gradient of g vanished: the divergence is near its largest value and flat there. Try "
    "InstanceNoise(), SoftenedReverseKL(), or begin with SlicedWasserstein()."
)


class Watch:
    """Keeps the last state of a trainer in which all was finite.

    Attributes
    ----------
    good : State or None
        That state.
    """

    def __init__(self) -> None:
        self.good: State | None = None

    def keep(self, trainer: Trainer) -> None:
        """Remember the present state, if all of it is finite."""
        state = State.of(trainer)
        if all(torch.isfinite(value).all() for value in state.tensors.values()):
            self.good = state

    def diverged(self, row: Row) -> str | None:
        """What to say if an objective or a gradient is not finite."""
        for name in (
            "generator_objective",
            "critic_objective",
            "generator_gradient_norm",
            "critic_gradient_norm",
        ):
            value = getattr(row, name)
            if value is not None and not math.isfinite(value):
                return self.words_of_divergence(f"{name.replace('_', ' ')} was {value}", row.step)
        return None

    def words_of_divergence(self, what: str, step: int) -> str:
        """The message of a training that diverged."""
        kept = 0 if self.good is None else self.good.numbers["step"]
        return (
            f"Training diverged: the {what} at step {step}. The state of step {kept}, the last "
            f"one known to be finite, was kept. Try a lower learning_rate, clip=1.0, or stronger "
            f"R1() and R2()."
        )


def doubts(history: History, largest: float) -> tuple[str, ...]:
    """Warnings about a training that goes on but no longer learns, each given once.

    Parameters
    ----------
    history : History
        Up to the row that is looked at.
    largest : float
        Largest value that the critic's objective, or else the loss, can take.
    """
    last = history[-_ROWS:]
    if len(last) < _ROWS:
        return ()
    said = {note for row in history for note in row.notes}
    found = []
    if all(row.critic_spread is not None and row.critic_spread < _DEAD_SPREAD for row in last):
        found.append(COLLAPSED)
    if _has_vanished(history, last, largest):
        found.append(VANISHED)
    return tuple(note for note in found if note not in said)


def _has_vanished(history: History, last: History, largest: float) -> bool:
    row = last[-1]
    value = row.generator_objective if row.critic_objective is None else row.critic_objective
    norms = history["generator_gradient_norm"]
    # A gradient that was never there has no largest value to compare with.
    small = _VANISHED * norms.max()
    return bool((norms[-_ROWS:] <= small).all()) and value > _PERFECT * largest
