"""What a training is to do, apart from networks and data: all that JSON can hold."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from divergences.checks import check_choice, check_real, check_whole
from divergences.definitions import Definition
from divergences.training import defaults
from divergences.training.hand_over import HandOver
from divergences.training.held_out import Monitor
from divergences.training.precision import Precision
from divergences.training.regularizers import Regularizer
from divergences.training.schedules import Scheduled, as_schedule


@dataclass(frozen=True)
class Settings:
    """Settings of a training; `minimize` explains them.

    Parameters
    ----------
    definition, method, steps, batch_size, learning_rate, critic_learning_rate, regularizers
    average, clip, monitor, record_every, checkpoint_every, precision, compiled, seed
    sets_aside : bool
        Whether the held-out data are taken from nu.
    """

    definition: Definition | HandOver
    method: Any = "auto"
    steps: int = 2000
    batch_size: int = 256
    learning_rate: Scheduled = field(default_factory=defaults.generator_rate)
    critic_learning_rate: Scheduled = field(default_factory=defaults.critic_rate)
    regularizers: tuple[Regularizer, ...] | None = None
    average: float | None = None
    clip: float = math.inf
    monitor: Monitor = field(default_factory=Monitor)
    record_every: int | None = None
    checkpoint_every: int | None = None
    precision: Precision = "float32"
    compiled: bool = False
    sets_aside: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.definition, Definition | HandOver):
            raise TypeError(
                f"definition must be an object such as JensenShannon() or HandOver(...), not "
                f"{self.definition!r}."
            )
        check_whole("steps", self.steps)
        check_whole("batch_size", self.batch_size, at_least=2)
        as_schedule("learning_rate", self.learning_rate)
        as_schedule("critic_learning_rate", self.critic_learning_rate)
        if self.average is not None:
            check_real("average", self.average, at_least=0, below=1)
        if self.clip != math.inf:
            check_real("clip", self.clip, above=0)
        for name in ("record_every", "checkpoint_every"):
            if getattr(self, name) is not None:
                check_whole(name, getattr(self, name))
        check_choice("precision", self.precision, ("float32", "bfloat16"))
        for regularizer in self.regularizers or ():
            if not isinstance(regularizer, Regularizer):
                raise TypeError(
                    f"regularizers must be objects such as R1() or SpectralNorm(), not "
                    f"{regularizer!r}."
                )
        if isinstance(self.definition, Definition):
            object.__setattr__(self, "method", defaults.as_method(self.definition, self.method))
        elif self.method != "auto":
            raise ValueError(
                f"method must be left out with a HandOver, which has one for each of its "
                f"divergences, not {self.method!r}."
            )

    @property
    def measured(self) -> Definition:
        """The divergence that training ends with."""
        return self.definition.then if isinstance(self.definition, HandOver) else self.definition

    def is_due(self, step: int, every: int | None, times: int) -> bool:
        """Whether something that is done each `every` steps, or `times` in all, is due."""
        every = every or max(1, self.steps // times)
        return step % every == 0 or step == self.steps
