"""What is used where the user says nothing: measured on one- and two-dimensional targets."""

from __future__ import annotations

import math
from typing import Any

from divergences.definitions import Definition
from divergences.errors import InvalidPairError
from divergences.estimators import losses_for
from divergences.training.critic_inputs import RandomFourier
from divergences.training.critics import (
    CriticMethod,
    LogisticCritic,
    PairingCritic,
    WassersteinCritic,
)
from divergences.training.direct_methods import DirectMethod
from divergences.training.regularizers import R1, R2, Regularizer
from divergences.training.schedules import Cosine, Schedule, Scheduled

ADVERSARIAL = "adversarial"
GAMES: tuple[CriticMethod, ...] = (LogisticCritic(), PairingCritic(), WassersteinCritic())

Regularizers = tuple[Regularizer, ...]


def as_method(definition: Definition, method: Any) -> Any:
    """The method that the user means: a game, a direct one, or what `definition.loss` takes.

    Raises
    ------
    InvalidPairError
        If the method cannot minimize the divergence.
    """
    if isinstance(method, CriticMethod | DirectMethod):
        if not method.accepts(definition):
            raise InvalidPairError(
                f"{type(method).__name__} does not minimize the {definition.title} "
                f"({definition.symbol}). {_advice(definition)}"
            )
        return method
    game = adversarial_method(definition)
    if method == ADVERSARIAL or (method == "auto" and game is not None and game.by_default):
        if game is None:
            raise InvalidPairError(
                f"No critic network minimizes the {definition.title} ({definition.symbol}). "
                f"{_advice(definition)}"
            )
        return game
    if not losses_for(definition):
        raise InvalidPairError(
            f"method={method!r} does not minimize the {definition.title} ({definition.symbol}). "
            f"{_advice(definition)}"
        )
    return method


def adversarial_method(definition: Definition) -> CriticMethod | None:
    """The game for a divergence; None where there is none."""
    return next((game for game in GAMES if game.accepts(definition)), None)


def _advice(definition: Definition) -> str:
    words = ['"auto"']
    if adversarial_method(definition) is not None:
        words.append(f'"{ADVERSARIAL}"')
    words += [f'"{kind.shorthand}"' for kind in losses_for(definition)]
    return f"Valid methods: {', '.join(words)}."


def default_regularizers(method: CriticMethod, d: int, own_critic: bool) -> Regularizers:
    """Penalties on the slopes of a critic that nothing else bounds, and waves for it to see.

    In d features points of unit variance are sqrt(2 d) apart, and the waves as much longer.
    """
    if method.lipschitz:
        return ()
    # A critic of the user's takes the points as they are.
    if own_critic:
        return R1(), R2()
    return RandomFourier(scale=min(1.0, math.sqrt(2 / d))), R1(), R2()


def generator_rate() -> Schedule:
    """Learning rate of the generator."""
    return Cosine(2e-3, 2e-5)


def critic_rate(*, beside_default: bool = False) -> Schedule:
    """Learning rate of the critic, which must not fall behind a generator whose rate stays up.

    It falls as far as the generator's default does beside that, and less beside one of the user's.
    """
    return Cosine(4e-3, 4e-5 if beside_default else 2e-4)


def rates(generator: Scheduled | None, critic: Scheduled | None) -> tuple[Scheduled, Scheduled]:
    """What the user gave, and what suits it where nothing was given."""
    if critic is None:
        critic = critic_rate(beside_default=generator is None)
    return generator_rate() if generator is None else generator, critic


def average_decay(steps: int) -> float:
    """Decay of the moving average: over the last twentieth of the steps, at most a thousand."""
    return min(0.999, max(0.0, 1 - 20 / steps))
