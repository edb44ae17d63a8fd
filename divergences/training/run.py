"""What `minimize` returns: the trained pushforward, and how it came about."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from divergences.estimate import Estimate
from divergences.measures import Pushforward
from divergences.training.history import History
from divergences.training.loop import Trainer
from divergences.training.settings import Settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class TrainingRun:
    """A training, under way or done.

    Parameters
    ----------
    trainer : Trainer
        Networks, optimizers, data.
    settings : Settings
        What it was asked to do.
    mu : distribution or callable
        The latent measure.
    held_out : Tensor
        Data that the generator is measured on.

    Attributes
    ----------
    history : History
        The table of recorded steps.
    estimate : Estimate or None
        The last held-out divergence, with its error bar.
    stopped : str or None
        Why it ended before its last step; None where it did not.

    Examples
    --------
    >>> import torch
    >>> import divergences as dv
    >>> from scipy.stats import norm
    >>> g_mu = dv.Pushforward(torch.nn.Linear(1, 1), torch.distributions.Normal(0.0, 1.0))
    >>> run = dv.minimize(dv.Energy(), g_mu, norm(3, 2), steps=20, rng=0)
    >>> run.step, run.estimate.definition, run.pushforward.sample(5, rng=0).shape
    (20, Energy(squared=False), torch.Size([5, 1]))
    """

    def __init__(
        self, trainer: Trainer, settings: Settings, mu: Any, held_out: torch.Tensor
    ) -> None:
        self.trainer, self.settings, self.held_out = trainer, settings, held_out
        self.history = History()
        self.estimate: Estimate | None = None
        self.stopped: str | None = None
        self._mu = mu

    @property
    def pushforward(self) -> Pushforward:
        """The measure g#mu with the moving average of g: what to sample from."""
        return Pushforward(self.trainer.average.module, self._mu)

    @property
    def generator(self) -> nn.Module:
        """The network that was trained, with its last weights."""
        return self.trainer.generator

    @property
    def critic(self) -> nn.Module | None:
        """The critic; None where it is a formula."""
        return self.trainer.objective.modules.get("critic")

    @property
    def step(self) -> int:
        """Steps done."""
        return self.trainer.step

    @property
    def notes(self) -> tuple[str, ...]:
        """What went wrong on the way, in words, each once."""
        said = [note for row in self.history for note in row.notes]
        return tuple(dict.fromkeys([*said, *([self.stopped] if self.stopped else [])]))

    def stop(self, reason: str) -> None:
        """End the training after the present step."""
        self.stopped = reason

    def plot(self) -> Figure:
        """Draw both players' objectives and the held-out divergence with its band by step.

        Generators of one or two features are drawn beside the held-out data.
        """
        from divergences.training.pictures import plot_run

        return plot_run(self)

    def save(self, folder: str | Path) -> Path:
        """Write everything that `resume` needs, as safetensors and JSON, at once or not at all.

        Parameters
        ----------
        folder : str or Path
            Made where it is missing.

        Returns
        -------
        Path
            The checkpoint in the folder.
        """
        from divergences.training.checkpoint import write_checkpoint

        return write_checkpoint(self, Path(folder))

    def __repr__(self) -> str:
        definition = self.settings.definition
        end = f", stopped: {self.stopped}" if self.stopped else ""
        measured = f", held out: {self.estimate!r}" if self.estimate is not None else ""
        return (
            f"TrainingRun({definition.symbol} by {self.settings.method!r}, step {self.step} of "
            f"{self.settings.steps}{measured}{end})"
        )
