"""What a definition is: a functional of two measures, with the laws that it obeys."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from array_api_compat import array_namespace, is_torch_array

if TYPE_CHECKING:
    import torch

    from divergences.checks import RandomState


Range = Literal["points", "pairs", "couplings"]


class Definition(ABC):
    """Which divergence: formulas only, no data and no optimizer.

    A definition is a supremum over critics, `outer(sup_f E_P[a(f)] + E_Q[b(f)])`. Subclasses
    are final frozen dataclasses. Every definition D obeys D(P, Q) >= 0 and D(P, P) = 0; the
    class attributes say which further laws hold, and the tests check each that is claimed.
    """

    symmetric: ClassVar[bool]
    """Whether D(P, Q) = D(Q, P)."""

    metric: ClassVar[bool]
    """Whether D obeys the triangle inequality."""

    scaling: ClassVar[float | None]
    """The power r for which scaling all points by c > 0 multiplies D by c^r; None if there
    is none, 0 for divergences that no invertible map of the data changes."""

    critic: ClassVar[Literal["log-ratio", "potential", "witness function"]] = "witness function"
    """What theory calls the optimal critic. A potential is fixed only up to a constant."""

    @property
    @abstractmethod
    def symbol(self) -> str:
        """Short name as printed in results, such as `JS` or `W2`."""

    @property
    @abstractmethod
    def title(self) -> str:
        """Full name in words."""

    @property
    @abstractmethod
    def unit(self) -> str:
        """Unit of the value: nats, bits, data units, or empty for a pure number."""

    @property
    def maximum(self) -> float:
        """Largest value that the divergence can take: infinity unless a subclass says so."""
        return math.inf

    def ranges_over(self, d: int) -> Range:
        """What its mean or optimum is over, in d features, which says what more points cost."""
        return "points"

    @property
    def inner_maximum(self) -> float:
        """Largest supremum over critics, before `outer`: `maximum` unless a subclass says so."""
        return self.maximum

    def outer(self, inner: Any) -> Any:
        """Take the supremum over critics to the value: identity unless a subclass says so.

        It is increasing, and works on floats as on tensors, of either sign: an unbiased estimate
        and the end of an error bar may lie below zero (`signed_root`).
        """
        return inner

    def meaning(self, value: float) -> str:
        """What a value tells beyond its number: its share of the maximum, if there is one."""
        return f"{100 * value / self.maximum:.0f} % of maximum" if self.maximum < math.inf else ""

    def loss(
        self,
        x: torch.Tensor,
        y: torch.Tensor,
        *,
        method: Any = "auto",
        rng: RandomState = None,
    ) -> torch.Tensor:
        """Divergence of two batches as a differentiable 0-d tensor.

        Parameters
        ----------
        x, y : Tensor of shape (n_samples, n_features)
            The batches; gradients reach both. Device and dtype follow them.
        method : str or estimator
            How to find the critic, as in the everyday calls.
        rng : int, Generator or None
            Randomness of the method, where it has any.

        Returns
        -------
        Tensor of shape ()

        Raises
        ------
        InvalidPairError
            If the method has no differentiable form for this divergence.
        """
        # The one place where a definition reaches for the layer above it.
        from divergences.estimators import differentiable_loss

        return differentiable_loss(self, x, y, method=method, rng=rng)


def signed_root(inner: Any, order: float = 2.0) -> Any:
    """Root that keeps the sign, so that an unbiased estimate below zero stays visible.

    The slope at zero is taken to be zero: two equal batches give no direction to move in.

    Examples
    --------
    >>> signed_root(4.0), signed_root(-4.0)
    (2.0, -2.0)
    """
    if not is_torch_array(inner):
        return math.copysign(abs(inner) ** (1.0 / order), inner)
    xp = array_namespace(inner)
    zero = inner == 0
    size = xp.where(zero, xp.ones_like(inner), xp.abs(inner)) ** (1.0 / order)
    return xp.where(zero, 0 * inner, xp.sign(inner) * size)


def log_unit(base: float) -> str:
    """Name of the unit that goes with the base of the logarithm."""
    return "bits" if base == 2 else "nats"


def check_base(base: float) -> None:
    """Raise an error unless `base` is e or 2."""
    if base not in (math.e, 2):
        raise ValueError(f"base must be math.e (nats) or 2 (bits), not {base!r}.")
