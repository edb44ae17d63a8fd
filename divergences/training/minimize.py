"""The everyday call: train a generator by minimizing a divergence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader

from divergences.checks import RandomState, check_rng
from divergences.definitions import Definition
from divergences.measures import Pushforward
from divergences.training import defaults
from divergences.training.adversarial import MakeOptimizer
from divergences.training.build import default_optimizer, make_trainer
from divergences.training.checkpoint import latest_checkpoint, read_checkpoint
from divergences.training.codec import decode
from divergences.training.data import Rows, Source, as_points, as_source
from divergences.training.distributed import Workers, join
from divergences.training.hand_over import HandOver
from divergences.training.held_out import Monitor
from divergences.training.objective import Moment
from divergences.training.precision import Precision
from divergences.training.regularizers import Regularizer
from divergences.training.run import TrainingRun
from divergences.training.schedules import Scheduled
from divergences.training.session import Callback, conduct
from divergences.training.settings import Settings
from divergences.training.state import modules_of

HELD_OUT_SHARE = 0.1
HELD_OUT_POINTS = 1_000
_SEEDS_APART = 2**40


def minimize(
    definition: Definition | HandOver,
    pushforward: Pushforward,
    nu: Any,
    *,
    method: Any = "auto",
    steps: int = 2000,
    batch_size: int = 256,
    critic: nn.Module | None = None,
    regularizers: Iterable[Regularizer] | None = None,
    learning_rate: Scheduled | None = None,
    critic_learning_rate: Scheduled | None = None,
    optimizer: MakeOptimizer = default_optimizer,
    average: float | None = None,
    clip: float = float("inf"),
    held_out: Any = None,
    monitor: Monitor | None = None,
    callbacks: Sequence[Callback] = (),
    record_every: int | None = None,
    folder: str | Path | None = None,
    checkpoint_every: int | None = None,
    precision: Precision = "float32",
    compiled: bool = False,
    rng: RandomState = None,
    progress: bool | None = None,
) -> TrainingRun:
    """Train g so that a divergence between nu and g#mu becomes small.

    Parameters
    ----------
    definition : Definition or HandOver
        Which divergence, such as `JensenShannon()` or `Wasserstein(2)`; or one after another.
    pushforward : Pushforward
        The generator g, a torch module that is trained in place, and the latent measure mu.
    nu : array-like of shape (n_samples, n_features), DataLoader or measure
        What g#mu is to become: samples of any kind, a torch `DataLoader`, a known distribution,
        another `Pushforward` or a fitted generative model.
    method : str, CriticMethod, DirectMethod or Estimator
        How: "auto"; "adversarial" for a critic network; an object such as `ConjugateCritic()`;
        or what `definition.loss` takes, such as "kde" or `Sliced(50)`.
    steps : int
        Steps of the generator.
    batch_size : int
        Points of a batch; a DataLoader has its own.
    critic : Module, optional
        A critic of your own, with one value for each point; left out, a perceptron that sees the
        points at unit variance.
    regularizers : sequence of Regularizer, optional
        Such as `[R1(), R2(), Packing(2)]`; left out, what suits the method; empty for none.
    learning_rate, critic_learning_rate : float or Schedule, optional
        A number, or a schedule such as `Cosine(1e-3, 1e-5)`. Left out, both fall along a cosine
        to a hundredth; the critic's to a twentieth beside a rate of yours.
    optimizer : callable
        From parameters to a torch optimizer, for both networks; its learning rate is replaced.
    average : float, optional
        Decay of the moving average of g, at least 0 and below 1.
    clip : float
        Largest norm of a network's gradient in a step.
    held_out : array-like of shape (m, n_features), optional
        Data to measure on. Left out, a tenth of nu's rows, at most 1,000, are set aside for it;
        of a DataLoader, the first batches; of a known measure, fresh points.
    monitor : Monitor, optional
        What is measured on them, how, and how often.
    callbacks : sequence of callable
        Each is called as `callback(run, row)` after each row of the history, and may end the
        training by `run.stop(reason)`.
    record_every, checkpoint_every : int, optional
        Steps between rows of the history and between checkpoints; 200 rows and 20 checkpoints
        in all if left out.
    folder : str or Path, optional
        Where to write checkpoints and the history, for `resume`.
    precision : {"float32", "bfloat16"}
        In which the layers of both networks compute; weights and losses stay in float32.
    compiled : bool
        Whether g goes through `torch.compile`. Not the critic: penalties on its slopes take
        second derivatives, which compiled networks do not have.
    rng : int, Generator or None
        Seed of every random choice but the weights of g, which are yours.
    progress : bool or None
        Progress bar with the held-out divergence: always, never, or (None) on a terminal.

    Returns
    -------
    TrainingRun
        `pushforward` to sample from, `history`, `estimate`, `plot()`, `save(folder)`.

    Raises
    ------
    InvalidPairError
        If the method cannot minimize the divergence; the message lists those that can.
    TypeError, ValueError
        If an argument is not usable; the message says which and what would be.

    Warns
    -----
    RuntimeWarning
        If the training diverges, which ends it at its last good state, or stops learning.

    Notes
    -----
    A transport cost between two batches is not that between the measures: its mean is larger, and
    where it is smallest g#mu is more concentrated than nu. The Sinkhorn divergence has less of
    that bias, large batches have less, `DebiasedBatches()` has none.

    References
    ----------
    Goodfellow et al. (2014); Nowozin, Cseke and Tomioka (2016).

    Examples
    --------
    >>> import torch
    >>> import divergences as dv
    >>> from scipy.stats import norm
    >>> g = torch.nn.Linear(1, 1)
    >>> mu = torch.distributions.Normal(0.0, 1.0)
    >>> g_mu = dv.Pushforward(g, mu)
    >>> run = dv.minimize(dv.Wasserstein(2), g_mu, norm(3, 2), steps=300, learning_rate=0.03, rng=0)
    >>> abs(g.bias.item() - 3) < 0.3, abs(abs(g.weight.item()) - 2) < 0.3
    (True, True)
    """
    workers = join()
    where = _new_folder(folder)
    rate, critic_rate = defaults.rates(learning_rate, critic_learning_rate)
    settings = Settings(
        definition=definition,
        method=method,
        steps=steps,
        batch_size=batch_size,
        learning_rate=rate,
        critic_learning_rate=critic_rate,
        regularizers=None if regularizers is None else tuple(regularizers),
        average=average,
        clip=clip,
        monitor=Monitor() if monitor is None else monitor,
        record_every=record_every,
        checkpoint_every=checkpoint_every,
        precision=precision,
        compiled=compiled,
        sets_aside=held_out is None,
        seed=workers.agree(int(check_rng(rng).integers(2**32))),
    )
    run = make_run(settings, pushforward, nu, held_out, critic, optimizer, workers)
    conduct(run, callbacks, where, progress)
    return run


def resume(
    folder: str | Path,
    pushforward: Pushforward,
    nu: Any,
    *,
    definition: Definition | HandOver | None = None,
    critic: nn.Module | None = None,
    optimizer: MakeOptimizer = default_optimizer,
    callbacks: Sequence[Callback] = (),
    progress: bool | None = None,
) -> TrainingRun:
    """Go on with a training from the newest checkpoint of a folder.

    A checkpoint holds numbers, not code, so the networks and the data are given again, as they
    were given to `minimize`; what the settings were, where in the data the training was, the
    weights and what the optimizers remember come from the folder. On the CPU the weights and the
    history that follow are those of a training that was never stopped, to the last bit.

    Parameters
    ----------
    folder : str or Path
        Where `minimize(..., folder=...)` or `run.save(folder)` wrote.
    pushforward : Pushforward
        With a generator of the same kind as then; its weights are overwritten.
    nu : array-like, DataLoader or measure
        The same data as then.
    definition : Definition, optional
        Needed only where it holds functions, which cannot be saved.
    critic : Module, optional
        A critic of your own, if there was one.
    optimizer, callbacks, progress
        As in `minimize`.

    Returns
    -------
    TrainingRun
        At its last step; that of a training that was done is returned as it was saved.

    Raises
    ------
    FileNotFoundError
        If the folder holds no checkpoint.
    ValueError
        If a network or a setting is not what was saved.

    Examples
    --------
    >>> import tempfile
    >>> import torch
    >>> import divergences as dv
    >>> from scipy.stats import norm
    >>> g_mu = dv.Pushforward(torch.nn.Linear(1, 1), torch.distributions.Normal(0.0, 1.0))
    >>> with tempfile.TemporaryDirectory() as parent:
    ...     folder = f"{parent}/run"
    ...     _ = dv.minimize(dv.Energy(), g_mu, norm(3, 2), steps=20, rng=0, folder=folder)
    ...     run = dv.resume(folder, g_mu, norm(3, 2))
    >>> run.step
    20
    """
    path = Path(folder)
    state, held_out, history, saved = read_checkpoint(path)
    settings = _saved_settings(saved["settings"], definition)
    run = make_run(settings, pushforward, nu, held_out, critic, optimizer, join())
    state.restore(run.trainer)
    run.history, run.held_out = history, held_out.to(run.held_out)
    conduct(run, callbacks, path, progress)
    return run


def _saved_settings(saved: dict[str, Any], definition: Definition | HandOver | None) -> Settings:
    values = {}
    for name, value in saved.items():
        try:
            values[name] = decode(value)
        except LookupError as error:
            if name != "definition" or definition is None:
                raise ValueError(
                    f"{name} must be given again, because {error} holds functions or is not of "
                    f"this package, and a checkpoint holds numbers only."
                ) from None
    if definition is not None:
        values["definition"] = definition
    return Settings(**values)


def _new_folder(folder: str | Path | None) -> Path | None:
    if folder is None:
        return None
    path = Path(folder)
    if latest_checkpoint(path) is not None:
        raise FileExistsError(
            f"folder must not hold a checkpoint yet, but {path} does. Go on with "
            f"resume({str(path)!r}, ...), or name another folder."
        )
    return path


def make_run(
    settings: Settings,
    pushforward: Pushforward,
    nu: Any,
    held_out: Any,
    critic: nn.Module | None,
    optimizer: MakeOptimizer,
    workers: Workers,
) -> TrainingRun:
    """A run at step 0, with the first process's weights."""
    if settings.batch_size % workers.size:
        raise ValueError(
            f"batch_size must be a multiple of the number of processes, {workers.size}, not "
            f"{settings.batch_size}."
        )
    like = _like(pushforward)
    source, kept = _split(nu, held_out, settings, like, workers)
    trainer = make_trainer(settings, pushforward, source, kept, critic, optimizer, workers)
    workers.copy_from_first(modules_of(trainer).values())
    return TrainingRun(trainer, settings, pushforward.mu, kept)


def _like(pushforward: Pushforward) -> torch.Tensor:
    if not isinstance(pushforward, Pushforward):
        raise TypeError(
            f"pushforward must be Pushforward(g, mu), not {type(pushforward).__name__}."
        )
    g = pushforward.g
    parameter = next(g.parameters(), None) if isinstance(g, nn.Module) else None
    if parameter is None:
        raise TypeError(
            f"g must be a torch.nn.Module with parameters to train, such as Perceptron(2, 2), "
            f"not {type(g).__name__}."
        )
    return parameter.detach().new_empty(0)


def _split(
    nu: Any, held_out: Any, settings: Settings, like: torch.Tensor, workers: Workers
) -> tuple[Source, torch.Tensor]:
    """What to train on, and what to measure on."""
    own = _SEEDS_APART * workers.rank if isinstance(nu, DataLoader) else 0
    source = as_source(nu, settings.seed + own, like)
    check = partial(settings.monitor.check, settings.measured)
    if not settings.sets_aside:
        kept = as_points(held_out, "held_out", like)[0]
        check(kept, "held_out", 1.0)
        return source, kept
    if isinstance(source, Rows):
        source, kept = source.split(min(HELD_OUT_POINTS, int(HELD_OUT_SHARE * source.n)))
        check(kept, "nu", HELD_OUT_SHARE)
        return source, kept
    # Of another seed than the batches have.
    return source, source.take(HELD_OUT_POINTS, Moment(seed=settings.seed + 2**32))
