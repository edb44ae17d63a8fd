"""From settings, networks and data to a trainer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from divergences.checks import RandomState, check_rng
from divergences.definitions import Definition
from divergences.measures import Pushforward
from divergences.networks.lipschitz import LipschitzPerceptron
from divergences.networks.perceptron import Perceptron
from divergences.networks.seeds import seeded
from divergences.training import defaults
from divergences.training.adversarial import Adversarial, MakeOptimizer, Normalization
from divergences.training.average import Average
from divergences.training.critics import CriticMethod
from divergences.training.data import Latents, Source
from divergences.training.direct import Direct
from divergences.training.distributed import ALONE, Workers
from divergences.training.hand_over import InTurn
from divergences.training.loop import Trainer
from divergences.training.objective import Objective
from divergences.training.precision import Precision, as_map
from divergences.training.regularizers import Regularizer
from divergences.training.schedules import Schedule, as_schedule
from divergences.training.settings import Settings


def default_optimizer(parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """Adam without momentum: in a game the slope of the step before points elsewhere."""
    return torch.optim.Adam(parameters, betas=(0.0, 0.99), fused=True)


def make_objective(
    definition: Definition,
    x: torch.Tensor,
    *,
    method: Any = "auto",
    critic: nn.Module | None = None,
    regularizers: Iterable[Regularizer] | None = None,
    learning_rate: float | Schedule | None = None,
    optimizer: MakeOptimizer = default_optimizer,
    clip: float = float("inf"),
    precision: Precision = "float32",
    rng: RandomState = None,
    workers: Workers = ALONE,
) -> Objective:
    """Make the two calls that a loop of your own needs: `step(x, y)` and `loss(x, y)`.

    Parameters
    ----------
    definition : Definition
        Which divergence.
    x : Tensor of shape (n, ...)
        Points of the data, for the shape and scale of the default critic.
    method, critic, regularizers, learning_rate, optimizer, clip, precision
        As in `minimize`, the critic's where both networks have one.
    rng : int, Generator or None
        Seed of the critic's weights.

    Returns
    -------
    Objective
        `step(x, y)` improves the critic, where there is one; `loss(x, y)` is differentiable in y.

    Raises
    ------
    InvalidPairError
        If the method cannot minimize the divergence.

    Examples
    --------
    >>> import divergences as dv
    >>> x, y = torch.zeros(8, 2), torch.ones(8, 2, requires_grad=True)
    >>> objective = make_objective(dv.JensenShannon(), x, rng=0)
    >>> report = objective.step(x, y)
    >>> objective.loss(x, y).backward()
    >>> y.grad.shape
    torch.Size([8, 2])
    """
    method = defaults.as_method(definition, method)
    if not isinstance(method, CriticMethod):
        _refuse(definition, method, critic=critic, regularizers=regularizers)
        return Direct(definition, method, workers)
    used = (
        defaults.default_regularizers(method, x[0].numel(), critic is not None)
        if regularizers is None
        else tuple(regularizers)
    )
    with seeded(check_rng(rng)):
        critic, normalization, unit = _critic(method, critic, used, x)
    rate = defaults.critic_rate() if learning_rate is None else learning_rate
    return Adversarial(
        definition=definition,
        method=method,
        critic=critic,
        optimizer=optimizer(critic.parameters()),
        learning_rate=as_schedule("critic_learning_rate", rate),
        regularizers=used,
        normalization=normalization,
        unit=unit,
        clip=clip,
        precision=precision,
        workers=workers,
    )


def _critic(
    method: CriticMethod,
    critic: nn.Module | None,
    regularizers: Sequence[Regularizer],
    x: torch.Tensor,
) -> tuple[nn.Module, nn.Module, float]:
    """The critic with its constraints, what is done to points before, and the unit of values."""
    normalization: nn.Module = nn.Identity()
    unit = 1.0
    if critic is None:
        standard = Normalization.of(x, one_scale=method.lipschitz)
        if method.lipschitz:
            unit = float(standard.scale)
        normalization = standard
        critic = default_critic(method, regularizers, x).to(x)
    else:
        layers, _ = _input_layers(regularizers, x[0].numel())
        critic = nn.Sequential(nn.Flatten(), *layers, critic).to(x) if layers else critic
    for regularizer in regularizers:
        regularizer.constrain(critic)
    return critic, normalization.to(x.device), unit


def _refuse(definition: Definition, method: Any, **unused: Any) -> None:
    for name, value in unused.items():
        if value is not None:
            raise ValueError(
                f"{name} must be left out, because {definition.symbol} by {method!r} has no critic "
                f"network. Use method={defaults.ADVERSARIAL!r} where there is one."
            )


def _objective(
    settings: Settings, x: torch.Tensor, critic: nn.Module | None, options: dict[str, Any]
) -> Objective:
    definition = settings.definition
    rng = np.random.default_rng([settings.seed, 2])
    if isinstance(definition, Definition):
        return make_objective(
            definition,
            x,
            method=settings.method,
            critic=critic,
            regularizers=settings.regularizers,
            rng=rng,
            **options,
        )
    parts = []
    for part, method in (
        (definition.first, definition.method),
        (definition.then, definition.then_method),
    ):
        has_critic = isinstance(method, CriticMethod)
        # A critic of the user's is the second's: one network cannot serve two games.
        own = critic if has_critic and part is definition.then else None
        regularizers = settings.regularizers if has_critic else None
        parts.append(
            make_objective(
                part, x, method=method, critic=own, regularizers=regularizers, rng=rng, **options
            )
        )
    return InTurn(tuple(parts), definition.at)


def default_critic(
    method: CriticMethod, regularizers: Iterable[Regularizer], x: torch.Tensor
) -> nn.Module:
    """A perceptron behind the layers that the regularizers put before it."""
    used = tuple(regularizers)
    layers, d = _input_layers(used, x[0].numel())
    bounded = any(regularizer.bounds_slope for regularizer in used)
    network = (
        LipschitzPerceptron(d, 1, width=64, depth=3)
        if method.lipschitz and not bounded
        else Perceptron(d, 1, width=128, depth=3, activation="leaky_relu")
    )
    return nn.Sequential(nn.Flatten(), *layers, network)


def _input_layers(regularizers: Iterable[Regularizer], d: int) -> tuple[list[nn.Module], int]:
    layers = []
    for regularizer in regularizers:
        layer = regularizer.input_layer(d)
        if layer is not None:
            layers.append(layer[0])
            d = layer[1]
    return layers, d


def make_trainer(
    settings: Settings,
    pushforward: Pushforward,
    source: Source,
    x: torch.Tensor,
    critic: nn.Module | None,
    optimizer: MakeOptimizer,
    workers: Workers,
) -> Trainer:
    """Put together what a step needs.

    Parameters
    ----------
    settings, pushforward, source, critic, optimizer, workers
        As they are.
    x : Tensor
        Some points of the data, on the generator's device and of its dtype.
    """
    generator = pushforward.g
    assert isinstance(generator, nn.Module)
    decay = settings.average
    options = {
        "learning_rate": settings.critic_learning_rate,
        "optimizer": optimizer,
        "clip": settings.clip,
        "precision": settings.precision,
        "workers": workers,
    }
    return Trainer(
        generator=generator,
        map=as_map(generator, settings.precision, compiled=settings.compiled),
        average=Average(
            generator, defaults.average_decay(settings.steps) if decay is None else decay
        ),
        objective=_objective(settings, x, critic, options),
        optimizer=optimizer(generator.parameters()),
        learning_rate=as_schedule("learning_rate", settings.learning_rate),
        data=source,
        latents=Latents(pushforward, x),
        batch_size=settings.batch_size,
        steps=settings.steps,
        seed=settings.seed,
        clip=settings.clip,
        workers=workers,
    )
