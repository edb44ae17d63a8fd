"""The one loop: it knows batches, an objective and a generator, and nothing of GANs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import nn

from divergences.training.average import Average
from divergences.training.data import Latents, Source
from divergences.training.distributed import Workers
from divergences.training.gradients import Gradients, step_down
from divergences.training.objective import CriticReport, Moment, Objective
from divergences.training.schedules import Schedule


class StepReport(NamedTuple):
    """What one step found: tensors, not looked at unless somebody asks.

    Parameters
    ----------
    generator_objective : Tensor
        The loss before the step.
    generator_gradients : Gradients
        Of that loss.
    critic : CriticReport or None
        The critic's last step, where there is a critic.
    """

    generator_objective: torch.Tensor
    generator_gradients: Gradients
    critic: CriticReport | None


@dataclass(eq=False)
class Trainer:
    """Everything that a step changes.

    Parameters
    ----------
    generator : Module
        The network that is trained.
    map : callable
        From latent points to points: the generator, perhaps compiled or in another precision.
    average : Average
        Its moving average.
    objective : Objective
        What it minimizes.
    optimizer, learning_rate
        How it does.
    data, latents
        Where batches come from.
    batch_size : int
        Points of a batch, over all workers.
    steps, seed : int
        Steps of the generator in all, and the seed of everything random.
    clip : float
        Largest norm of the generator's gradient.
    workers : Workers
        Processes that share the batch.
    step : int
        Steps done.
    """

    generator: nn.Module
    map: Callable[[torch.Tensor], torch.Tensor]
    average: Average
    objective: Objective
    optimizer: torch.optim.Optimizer
    learning_rate: Schedule
    data: Source
    latents: Latents
    batch_size: int
    steps: int
    seed: int
    clip: float
    workers: Workers
    step: int = 0

    def advance(self) -> StepReport:
        """Train the critic, if there is one, then take one step of the generator."""
        now = Moment(self.step, self.steps, self.seed)
        report: CriticReport | None = None
        rounds = self.objective.critic_steps(now)
        for number in range(1, rounds):
            with torch.no_grad():
                x, y = self._batches(now, number)
            report = self.objective.step(x, y, now)
        x, y = self._batches(now)
        if rounds:
            report = self.objective.step(x, y.detach(), now)
        loss = self.objective.loss(x, y, now)
        rate = self.learning_rate.at(now.progress)
        gradients = step_down(loss, self.optimizer, rate, self.clip, self.workers)
        self.average.follow(self.step)
        self.step += 1
        return StepReport(loss.detach(), gradients, report)

    def _batches(self, now: Moment, number: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
        workers = self.workers
        _reseed(now.torch_seed + number)
        x = self.data.draw(self.batch_size, now)
        if self.data.shared:
            x = workers.part(x)
        z = workers.part(self.latents.draw(len(x) * workers.size, now))
        if workers.size > 1:
            # Noise and dropout must differ, where the draws above must not.
            _reseed(now.torch_seed + number + _APART * (workers.rank + 1))
        return x, _shaped(self.map(z), x)


def _reseed(seed: int) -> None:
    # torch.manual_seed would also wake devices that are not in use.
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.manual_seed_all(seed)


def _shaped(y: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    if y.shape == x.shape:
        return y
    if y.numel() != x.numel() or len(y) != len(x):
        raise ValueError(
            f"g must return points of the data's shape {tuple(x.shape[1:])}, but for {len(x)} "
            f"latent points it returned shape {tuple(y.shape)}."
        )
    return y.reshape(x.shape)


_APART = 1_000_003

Hook = Callable[[Trainer, StepReport], None]


def run_steps(trainer: Trainer, hooks: Iterable[Hook], stopped: Callable[[], bool]) -> None:
    """Take steps until all are done or somebody wants to stop, with every hook after each."""
    hooks = tuple(hooks)
    while trainer.step < trainer.steps and not stopped():
        report = trainer.advance()
        for hook in hooks:
            hook(trainer, report)
