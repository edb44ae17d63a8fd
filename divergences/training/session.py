"""What goes on around the steps: rows of history, measurements, files, callbacks."""

from __future__ import annotations

import signal
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from divergences.networks.seeds import seeded
from divergences.training.checkpoint import HISTORY, write_checkpoint, write_history
from divergences.training.history import History, Row
from divergences.training.loop import Hook, StepReport, Trainer, run_steps
from divergences.training.objective import DivergedError, Moment
from divergences.training.run import TrainingRun
from divergences.training.watch import Watch, doubts
from divergences.work import ProgressBar, shown

ROWS = 200
MEASUREMENTS = 10
CHECKPOINTS = 20

Callback = Callable[[TrainingRun, Row], Any]


class Recorder:
    """Writes a row of history when one is due, measures, warns, and tells the callbacks."""

    def __init__(
        self, run: TrainingRun, callbacks: Sequence[Callback], folder: Path | None, watch: Watch
    ) -> None:
        self._run, self._callbacks, self._folder, self._watch = run, callbacks, folder, watch
        last = run.history[-1].seconds if len(run.history) else 0.0
        self._start = time.perf_counter() - last

    def __call__(self, trainer: Trainer, report: StepReport) -> None:
        """Record the step if it is due."""
        settings = self._run.settings
        measured = settings.is_due(trainer.step, settings.monitor.every, MEASUREMENTS)
        if not measured and not settings.is_due(trainer.step, settings.record_every, ROWS):
            return
        row = self._row(trainer, report)
        diverged = self._watch.diverged(row)
        if diverged is not None:
            give_up(self._run, self._watch, diverged)
            return
        if measured:
            row = self._measured(row) if trainer.workers.leads else row
            self._watch.keep(trainer)
        notes = doubts(self._run.history.with_row(row), trainer.objective.largest)
        for note in notes:
            warnings.warn(note, RuntimeWarning, stacklevel=2)
        self._append(replace(row, notes=notes))

    def _append(self, row: Row) -> None:
        self._run.history = self._run.history.with_row(row)
        if not self._run.trainer.workers.leads:
            return
        if self._folder is not None:
            with (self._folder / HISTORY).open("a", encoding="utf-8") as file:
                file.write(row.to_json() + "\n")
        for callback in self._callbacks:
            callback(self._run, row)

    def _measured(self, row: Row) -> Row:
        run, trainer = self._run, self._run.trainer
        now = Moment(trainer.step, trainer.steps, trainer.seed)
        estimate = run.settings.monitor.measure(
            run.settings.measured, run.pushforward, run.held_out, now
        )
        run.estimate = estimate
        return replace(row, held_out=float(estimate), held_out_stderr=estimate.stderr)

    def _row(self, trainer: Trainer, report: StepReport) -> Row:
        critic = report.critic
        return Row(
            step=trainer.step,
            seconds=time.perf_counter() - self._start,
            critic_objective=None if critic is None else float(critic.objective),
            generator_objective=float(report.generator_objective),
            held_out=None,
            held_out_stderr=None,
            critic_gradient_norm=None if critic is None else float(critic.gradients.norm),
            generator_gradient_norm=float(report.generator_gradients.norm),
            critic_spread=None if critic is None else float(critic.spread),
        )


class Saver:
    """Writes a checkpoint when one is due."""

    def __init__(self, run: TrainingRun, folder: Path) -> None:
        self._run, self._folder = run, folder

    def __call__(self, trainer: Trainer, report: StepReport) -> None:
        """Save if it is due, and at the end."""
        settings = self._run.settings
        due = settings.is_due(trainer.step, settings.checkpoint_every, CHECKPOINTS)
        if due or self._run.stopped is not None:
            write_checkpoint(self._run, self._folder)


class Interrupt:
    """Lets Ctrl-C end the training after the present step; a second one ends it at once.

    Signals reach the main thread only, so elsewhere nothing changes.
    """

    def __init__(self, run: TrainingRun) -> None:
        self._run = run
        self._before: Any = None

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._stop)

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _stop(self, number: int, frame: Any) -> None:
        if self._run.stopped is not None:
            raise KeyboardInterrupt
        self._run.stop(f"interrupted after step {self._run.step}")


def give_up(run: TrainingRun, watch: Watch, words: str) -> None:
    """Go back to the last good state, and end there."""
    if watch.good is not None:
        watch.good.restore(run.trainer)
    run.history = History(tuple(row for row in run.history if row.step <= run.step))
    run.stop(words)
    warnings.warn(words, RuntimeWarning, stacklevel=2)


class Bar:
    """A progress bar that shows the held-out divergence."""

    def __init__(self, run: TrainingRun, progress: bool | None) -> None:
        self._run = run
        self._bar = ProgressBar(
            total=run.settings.steps,
            initial=run.step,
            desc=run.settings.definition.symbol,
            **shown(progress),
        )

    def __call__(self, trainer: Trainer, report: StepReport) -> None:
        """Move on."""
        self._bar.update()

    def show(self, run: TrainingRun, row: Row) -> None:
        """As a callback: show what was measured."""
        if row.held_out is not None and run.estimate is not None:
            symbol = run.estimate.definition.symbol
            self._bar.set_postfix_str(
                f"held-out {symbol} {row.held_out:.4f} ± {row.held_out_stderr:.4f}"
            )

    def close(self) -> None:
        """Remove it."""
        self._bar.close()


def conduct(
    run: TrainingRun,
    callbacks: Sequence[Callback],
    folder: Path | None,
    progress: bool | None,
) -> None:
    """Take the steps that are left; torch's global random state is as before when it ends."""
    watch = Watch()
    watch.keep(run.trainer)
    workers = run.trainer.workers
    if not workers.leads:
        folder, progress = None, False
    bar = Bar(run, progress)
    hooks: list[Hook] = [Recorder(run, [*callbacks, bar.show], folder, watch), bar]
    if folder is not None:
        write_history(run.history, folder)
        write_checkpoint(run, folder)
        hooks.append(Saver(run, folder))
    try:
        with seeded(np.random.default_rng(run.settings.seed)), Interrupt(run):
            run_steps(run.trainer, hooks, lambda: workers.any(run.stopped is not None))
    except DivergedError as error:
        give_up(run, watch, watch.words_of_divergence(str(error), run.step + 1))
    finally:
        bar.close()
