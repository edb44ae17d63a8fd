"""Ways to make a loss of two batches that only training has a use for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import torch

from divergences.checks import check_whole
from divergences.definitions import Definition, RatioDivergence, SlicedWasserstein
from divergences.estimators import KDE, differentiable_supremum, losses_for
from divergences.estimators.tensor_order import sorted_values
from divergences.estimators.transport import quantile_transport as line
from divergences.training.objective import Moment
from divergences.training.schedules import Geometric, Scheduled, as_schedule, value_at


class DirectMethod(ABC):
    """A differentiable function of two batches that minimizes a definition.

    Laws: the loss is a 0-d tensor, before the definition's outer function, with gradients to both
    batches; its random choices come from `now` alone. Subclasses are frozen dataclasses.
    """

    @abstractmethod
    def accepts(self, definition: Definition) -> bool:
        """Whether it minimizes this divergence."""

    @abstractmethod
    def loss(
        self, definition: Definition, x: torch.Tensor, y: torch.Tensor, now: Moment
    ) -> torch.Tensor:
        """The loss of two batches of shape (n, d), (m, d)."""


@dataclass(frozen=True)
class AnnealedKDE(DirectMethod):
    """Kernel densities whose bandwidth shrinks while training: an f-divergence without a critic.

    A kernel density has no slope a few bandwidths away from the data, and one wide enough to have
    it there blurs what is fine. So the bandwidth starts wide and ends narrow. It costs more for
    each step than a critic does, and stays blurred at the last bandwidth.

    Parameters
    ----------
    bandwidth : float or Schedule
        Standard deviation of the kernel, in units of that of each feature of the data.

    Raises
    ------
    TypeError, ValueError
        If a setting is not usable; the message says which and what would be.

    Examples
    --------
    >>> AnnealedKDE().bandwidth
    Geometric(start=1.0, end=0.1)
    """

    bandwidth: Scheduled = Geometric(1.0, 0.1)

    def __post_init__(self) -> None:
        as_schedule("bandwidth", self.bandwidth)

    def accepts(self, definition: Definition) -> bool:
        """Every f-divergence."""
        return isinstance(definition, RatioDivergence)

    def loss(
        self, definition: Definition, x: torch.Tensor, y: torch.Tensor, now: Moment
    ) -> torch.Tensor:
        """The plug-in with the bandwidth of the moment."""
        width = value_at(self.bandwidth, now.progress)
        scales = x.detach().std(dim=0).clamp_min(torch.finfo(x.dtype).tiny)
        method = KDE(bandwidth=tuple((width * scales).tolist()))
        return differentiable_supremum(definition, x, y, method=method, rng=now.rng)


@dataclass(frozen=True)
class DebiasedBatches(DirectMethod):
    r"""Take off a batch loss what two batches of one measure would show.

    With halves x', x'' and y', y'' of the batches and c the loss of two halves,
    [c(x', y') + c(x'', y'')]/2 - [c(x', x'') + c(y', y'')]/2. For optimal transport this is the
    minibatch energy distance, whose mean is smallest where the measures agree; that of the plain
    cost between batches is smallest where g#mu is more concentrated than the data. It is noisier.

    Parameters
    ----------
    method : str or Estimator
        Whose loss c is, as `definition.loss` takes it.

    References
    ----------
    Salimans, Zhang, Radford and Metaxas (2018).

    Examples
    --------
    >>> DebiasedBatches().accepts(SlicedWasserstein())
    True
    """

    method: Any = "auto"

    def accepts(self, definition: Definition) -> bool:
        """Whatever has a differentiable loss."""
        return bool(losses_for(definition))

    def loss(
        self, definition: Definition, x: torch.Tensor, y: torch.Tensor, now: Moment
    ) -> torch.Tensor:
        """The four losses of halves; of an odd batch the last point is left out."""
        (x1, x2), (y1, y2) = (batch[: 2 * (len(batch) // 2)].chunk(2) for batch in (x, y))
        seed = int(now.rng.integers(2**63))

        def cost(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
            return differentiable_supremum(definition, one, other, method=self.method, rng=seed)

        across = cost(x1, y1) + cost(x2, y2)
        # Data against data moves nothing, but makes the value what it says.
        return (across - cost(x1, x2) - cost(y1, y2)) / 2


@dataclass(frozen=True)
class MaxSliced(DirectMethod):
    r"""Transport along the direction in which two batches differ most, not along all.

    max over directions t of W_r^r(<t, x>, <t, y>): the best of some random directions, mended by
    steps uphill, then held fixed. In many dimensions most directions show little; this one does.
    It is another divergence than the sliced distance, with the same minimum.

    Parameters
    ----------
    directions : int
        Random directions to choose from.
    ascents : int
        Steps uphill from the best of them.

    Raises
    ------
    TypeError, ValueError
        If a setting is not usable; the message says which and what would be.

    References
    ----------
    Deshpande et al. (2019).

    Examples
    --------
    >>> MaxSliced(ascents=5)
    MaxSliced(directions=32, ascents=5)
    """

    directions: int = 32
    ascents: int = 10

    def __post_init__(self) -> None:
        check_whole("directions", self.directions)
        check_whole("ascents", self.ascents, at_least=0)

    def accepts(self, definition: Definition) -> bool:
        """The sliced Wasserstein distance, of any order."""
        return isinstance(definition, SlicedWasserstein)

    def loss(
        self, definition: Definition, x: torch.Tensor, y: torch.Tensor, now: Moment
    ) -> torch.Tensor:
        """The cost along the direction found, which is held fixed (envelope theorem)."""
        assert isinstance(definition, SlicedWasserstein)
        order = definition.order
        normals = torch.as_tensor(now.rng.normal(size=(self.directions, x.shape[1]))).to(x)
        with torch.no_grad():
            several = normals / torch.linalg.vector_norm(normals, dim=1, keepdim=True)
            best = several[_costs(several, x, y, order).argmax()][None]
        for step in range(self.ascents):
            best = _uphill(best, x.detach(), y.detach(), order, 0.5 / (1 + step))
        return _costs(best, x, y, order).sum()


def _costs(
    directions: torch.Tensor, x: torch.Tensor, y: torch.Tensor, order: float
) -> torch.Tensor:
    start, end = (sorted_values(directions @ batch.T) for batch in (x, y))
    return line.tensor_cost(start, end, line.match_sizes(len(x), len(y)), order)


def _uphill(
    direction: torch.Tensor, x: torch.Tensor, y: torch.Tensor, order: float, step: float
) -> torch.Tensor:
    with torch.enable_grad():
        leaf = direction.clone().requires_grad_()
        (slope,) = torch.autograd.grad(_costs(leaf, x, y, order).sum(), leaf)
    slope = slope - (slope * direction).sum() * direction
    length = torch.linalg.vector_norm(slope).clamp_min(torch.finfo(x.dtype).tiny)
    moved = direction + step * slope / length
    moved = moved / torch.linalg.vector_norm(moved)
    before, after = (_costs(candidate, x, y, order).sum() for candidate in (direction, moved))
    return moved if after > before else direction
