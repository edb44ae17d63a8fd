"""Ready-made callbacks: the history in TensorBoard and in Weights & Biases.

Any callable that takes (run, row) is a callback; these write each row where it can be watched.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from divergences.training.history import Row
from divergences.training.run import TrainingRun

_LEFT_OUT = {"step", "notes"}


def numbers_of(row: Row) -> dict[str, float]:
    """What was measured in a step, by column."""
    return {
        name: float(value)
        for name, value in vars(row).items()
        if name not in _LEFT_OUT and value is not None
    }


class TensorBoard:
    """Write every row of the history as TensorBoard scalars.

    Parameters
    ----------
    folder : str or Path
        Where `tensorboard --logdir` looks.

    Raises
    ------
    ImportError
        If the package tensorboard is not installed.
    """

    def __init__(self, folder: str | Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise ImportError(
                "TensorBoard() needs tensorboard. Install it with: pip install tensorboard"
            ) from error
        self._writer: Any = SummaryWriter(str(folder))

    def __call__(self, run: TrainingRun, row: Row) -> None:
        """Write a row."""
        for name, value in numbers_of(row).items():
            self._writer.add_scalar(name, value, row.step)
        for note in row.notes:
            self._writer.add_text("notes", note, row.step)
        self._writer.flush()


class WeightsAndBiases:
    """Log every row of the history to Weights & Biases.

    Parameters
    ----------
    **options
        What `wandb.init` takes, such as `project` and `name`.

    Raises
    ------
    ImportError
        If the package wandb is not installed.
    """

    def __init__(self, **options: Any) -> None:
        try:
            import wandb
        except ImportError as error:
            raise ImportError(
                "WeightsAndBiases() needs wandb. Install it with: pip install wandb"
            ) from error
        self._run: Any = wandb.init(**options)

    def __call__(self, run: TrainingRun, row: Row) -> None:
        """Log a row."""
        self._run.log(numbers_of(row), step=row.step)
