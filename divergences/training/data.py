"""Where batches come from: data of any kind on one side, latent draws on the other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import torch
from torch.utils.data import DataLoader, DistributedSampler

from divergences.measures import Pushforward, as_known, as_samples, is_generator, is_known
from divergences.training.objective import Moment

Numbers = dict[str, int]


class Source(ABC):
    """Batches of one measure, one after the other.

    Laws: batches follow each other as the seed says; `position` is JSON, and after `seek` the
    next batch is the one that would have come next there.
    """

    shared: ClassVar[bool] = True
    """Whether all workers draw the same batch, each to take its part."""

    @abstractmethod
    def draw(self, n: int, now: Moment) -> torch.Tensor:
        """Next batch: n points, or as many as the source hands out at once."""

    def take(self, n: int, now: Moment) -> torch.Tensor:
        """Up to n points to measure on, before the first batch is drawn."""
        return self.draw(n, now)

    @property
    def position(self) -> Numbers:
        """Where the next batch starts."""
        return {}

    def seek(self, position: Numbers) -> None:
        """Go to a position."""
        assert not position


class Rows(Source):
    """Rows of data in memory, shuffled anew for each pass, every row once in a pass.

    Parameters
    ----------
    points : Tensor of shape (n, ...)
        The data.
    seed : int
        Of the shuffles.
    weights : ndarray of shape (n,) or None
        Then rows are drawn with these probabilities instead.
    """

    def __init__(self, points: torch.Tensor, seed: int, weights: np.ndarray | None = None) -> None:
        self._points, self._seed, self._weights = points, seed, weights
        self._start, self._pass = 0, -1
        self._order = torch.empty(0, dtype=torch.int64)

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self._points)

    def split(self, count: int) -> tuple[Rows, torch.Tensor]:
        """Set rows aside, at random: the others, and up to `count` of them; at least two."""
        if self.n < 4:
            raise ValueError(f"nu must have at least 4 points to train on, but it has {self.n}.")
        order = np.random.default_rng([self._seed, 2**32]).permutation(self.n)
        aside, rest = np.split(order, [max(count, 2)])
        weights = None if self._weights is None else self._weights[rest] / self._weights[rest].sum()
        return Rows(self._points[rest], self._seed, weights), self._points[aside]

    def draw(self, n: int, now: Moment) -> torch.Tensor:
        """The next n rows; a batch may reach into the next pass."""
        if self._weights is not None:
            rows = torch.from_numpy(now.rng.choice(len(self._points), size=n, p=self._weights))
        else:
            parts = list(self._rows(self._start, self._start + n))
            rows = parts[0] if len(parts) == 1 else torch.cat(parts)
        self._start += n
        return self._points.index_select(0, rows.to(self._points.device))

    def _rows(self, start: int, end: int) -> Iterator[torch.Tensor]:
        total = len(self._points)
        while start < end:
            number, offset = divmod(start, total)
            if number != self._pass:
                order = np.random.default_rng([self._seed, number]).permutation(total)
                self._order, self._pass = torch.from_numpy(order), number
            part = self._order[offset : offset + end - start]
            yield part
            start += len(part)

    @property
    def position(self) -> Numbers:
        """Rows handed out so far."""
        return {"start": self._start}

    def seek(self, position: Numbers) -> None:
        """Go to a position."""
        self._start = position["start"]


class Draws(Source):
    """Fresh draws from whatever can be drawn from; the seed of the step is the position."""

    def __init__(self, measure: Any, like: torch.Tensor) -> None:
        self._measure = measure if is_generator(measure) else as_known(measure)
        self._like = like

    def draw(self, n: int, now: Moment) -> torch.Tensor:
        """Draw n points."""
        points = torch.as_tensor(self._measure.sample(n, rng=now.rng))
        return points.detach().to(self._like)


class Loaded(Source):
    """Batches of a DataLoader, map-style or iterable, started again when it ends.

    The position is the pass and the batch in it. Going there starts the pass and leaves batches
    out; that gives the same batches if the loader's order and transforms draw from torch's
    random state or from the loader's own generator. Each worker has a loader of its own, with an
    order of its own.
    """

    shared: ClassVar[bool] = False

    def __init__(self, loader: DataLoader[Any], seed: int, like: torch.Tensor) -> None:
        self._loader, self._seed, self._like = loader, seed, like
        self._pass, self._batch = 0, 0
        self._batches: Iterator[Any] | None = None
        self._rows = 0

    def draw(self, n: int, now: Moment) -> torch.Tensor:
        """The loader's next batch, whatever n is; incomplete ones are left out."""
        ends = 0
        while ends < 2:
            points = self._next()
            if points is None:
                ends += 1
            elif len(points) >= self._rows:
                self._rows = len(points)
                return points
        raise ValueError(
            "nu must hand out batches, but the DataLoader ended without one. Is its dataset "
            "empty, or smaller than its batch_size with drop_last=True?"
        )

    def take(self, n: int, now: Moment) -> torch.Tensor:
        """The first batches of a pass, until there are n points or the pass ends."""
        batches: list[torch.Tensor] = []
        while sum(map(len, batches)) < n and (points := self._next()) is not None:
            batches.append(points)
        return torch.cat(batches or [self.draw(n, now)])[:n]

    def _next(self) -> torch.Tensor | None:
        with torch.random.fork_rng(devices=[]):
            if self._batches is None:
                self._start_pass()
            assert self._batches is not None
            self._seed_batch()
            batch = next(self._batches, None)
        self._batch += 1
        if batch is None:
            self._pass, self._batch, self._batches = self._pass + 1, 0, None
            return None
        return _first(batch).detach().to(self._like)

    def _start_pass(self) -> None:
        self._seed_batch(-1)
        if self._loader.generator is not None:
            self._loader.generator.manual_seed(self._pass_seed(-1))
        if isinstance(self._loader.sampler, DistributedSampler):
            self._loader.sampler.set_epoch(self._pass)
        self._batches = iter(self._loader)
        for batch in range(self._batch):
            self._seed_batch(batch)
            next(self._batches)

    def _seed_batch(self, batch: int | None = None) -> None:
        number = self._batch if batch is None else batch
        torch.default_generator.manual_seed(self._pass_seed(number))

    def _pass_seed(self, batch: int) -> int:
        return Moment(step=batch + 1, seed=self._seed + 7919 * self._pass).torch_seed

    @property
    def position(self) -> Numbers:
        """Passes done, and batches of this pass."""
        return {"pass": self._pass, "batch": self._batch, "rows": self._rows}

    def seek(self, position: Numbers) -> None:
        """Go to a position, by leaving out batches of its pass."""
        self._pass, self._batch = position["pass"], position["batch"]
        self._rows, self._batches = position["rows"], None


def _first(batch: Any) -> torch.Tensor:
    points = batch[0] if isinstance(batch, list | tuple) else batch
    if not isinstance(points, torch.Tensor):
        raise TypeError(
            f"nu's DataLoader must hand out tensors, or tuples whose first entry is one, not "
            f"{type(points).__name__}."
        )
    return points.reshape(-1, 1) if points.ndim == 1 else points


class Latents:
    """Draws of the latent measure as tensors that suit the generator."""

    def __init__(self, pushforward: Pushforward, like: torch.Tensor) -> None:
        self._pushforward, self._like = pushforward, like
        self._of_torch = isinstance(pushforward.mu, torch.distributions.Distribution)
        self._takes_rng = pushforward.takes_rng

    def draw(self, n: int, now: Moment) -> torch.Tensor:
        """Draw n latent points; torch's global random state must be seeded."""
        if not self._of_torch:
            rng = now.rng if self._takes_rng else None
            return torch.as_tensor(self._pushforward.latent(n, rng)).to(self._like)
        latent = self._pushforward.mu.sample((n,))
        if latent.ndim == 1:
            latent = latent.reshape(n, 1)
        return latent.to(self._like)  # type: ignore[no-any-return]


def as_points(data: Any, name: str, like: torch.Tensor) -> tuple[torch.Tensor, np.ndarray | None]:
    """Data in memory as a tensor on the generator's device and of its dtype, and its weights.

    Arrays and tensors of more than two axes, such as images, keep their shape.
    """
    if isinstance(data, torch.Tensor | np.ndarray) and data.ndim > 2:
        flat = as_samples(data.reshape(len(data), -1), name=name)
        shape = tuple(data.shape[1:])
    else:
        flat = as_samples(data, name=name)
        shape = (flat.d,)
    points = torch.tensor(flat.points, device=like.device, dtype=like.dtype)
    return points.reshape(-1, *shape), flat.weights


def as_source(nu: Any, seed: int, like: torch.Tensor) -> Source:
    """Turn whatever nu is into a source of batches.

    Raises
    ------
    TypeError, ValueError
        As `as_samples` does for data that are not usable.
    """
    if isinstance(nu, DataLoader):
        return Loaded(nu, seed, like)
    if is_generator(nu) or is_known(nu):
        return Draws(nu, like)
    points, weights = as_points(nu, "nu", like)
    return Rows(points, seed, weights)
