"""How a critic is trained, and what the generator then minimizes: formulas, no networks."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch.nn.functional import softplus

from divergences.checks import check_real, check_whole
from divergences.definitions import Definition, RatioDivergence, RelativisticPairing, Wasserstein


class CriticMethod(ABC):
    """A game between critic and generator that minimizes a definition.

    Laws: the critic maximizes `objective`, which is 0 for a constant critic; the generator
    minimizes the mean of `terms`, one for each value of the critic at the generator's points.
    Subclasses are frozen dataclasses of settings.
    """

    steps: int
    """Steps of the critic for each step of the generator."""

    needs_data: ClassVar[bool] = False
    """Whether the generator's terms need the critic's values at the data."""

    lipschitz: ClassVar[bool] = False
    """Whether the critic's slope is held, so that its values have the unit of the points."""

    by_default: ClassVar[bool] = True
    """Whether "auto" takes it before a differentiable loss, where a divergence has both."""

    def largest(self, definition: Definition) -> float:
        """Largest value of `objective`: infinity unless a subclass says so."""
        return math.inf

    @abstractmethod
    def accepts(self, definition: Definition) -> bool:
        """Whether the game minimizes this divergence."""

    @abstractmethod
    def objective(
        self, definition: Definition, at_x: torch.Tensor, at_y: torch.Tensor
    ) -> torch.Tensor:
        """What the critic maximizes, from its values at both batches."""

    @abstractmethod
    def terms(self, definition: Definition, at_x: torch.Tensor, at_y: torch.Tensor) -> torch.Tensor:
        """What the generator minimizes on average, (k,), as a function of `at_y`."""


@dataclass(frozen=True)
class LogisticCritic(CriticMethod):
    r"""One critic for every f-divergence: a logistic regression of where a point came from.

    The critic l maximizes ln 2 - E_P[ln(1 + e^-l)]/2 - E_Q[ln(1 + e^l)]/2, whose maximum is JS at
    l = ln(p/q). The generator minimizes E_Q[b(l)], b(l) = phi(u) - u phi'(u) at u = e^l, which by
    the envelope theorem has the gradient of the f-divergence. For JS this is the minimax game of
    the first GAN, and for `SoftenedReverseKL` the non-saturating one.

    The slope of a point, w(l) = -b'(l), can vanish where the generator is far off (JS, KL, chi²)
    or explode (KL, chi², reverse chi²), so w(l)/w(0) is held between two bounds. Total variation
    has a step for b; its step is replaced by tanh(l/2), which minimizes the integral of
    (p - q)²/(p + q)/2 instead, between TV² and TV.

    Parameters
    ----------
    floor, ceiling : float
        Bounds on the weight of a point relative to that of one at p = q. (0, inf) leaves the
        formula as it is: with JS, the minimax game of the lecture.
    steps : int
        Steps of the critic for each step of the generator.

    Raises
    ------
    TypeError, ValueError
        If a setting is not usable; the message says which and what would be.

    References
    ----------
    Goodfellow et al. (2014); Nowozin, Cseke and Tomioka (2016); Shannon (2020).

    Examples
    --------
    >>> import divergences as dv
    >>> LogisticCritic().accepts(dv.TotalVariation())
    True
    """

    floor: float = 0.05
    ceiling: float = 20.0
    steps: int = 1

    def __post_init__(self) -> None:
        check_real("floor", self.floor, at_least=0, at_most=1)
        if self.ceiling != math.inf:
            check_real("ceiling", self.ceiling, at_least=1, remedy="Or math.inf for no bound.")
        check_whole("steps", self.steps)

    def largest(self, definition: Definition) -> float:
        """ln 2, for measures that do not overlap."""
        return math.log(2)

    def accepts(self, definition: Definition) -> bool:
        """Every f-divergence."""
        return isinstance(definition, RatioDivergence)

    def objective(
        self, definition: Definition, at_x: torch.Tensor, at_y: torch.Tensor
    ) -> torch.Tensor:
        """ln 2 - E_P[ln(1 + e^-l)]/2 - E_Q[ln(1 + e^l)]/2, a lower bound of JS in nats."""
        return math.log(2) - (softplus(-at_x).mean() + softplus(at_y).mean()) / 2

    def terms(self, definition: Definition, at_x: torch.Tensor, at_y: torch.Tensor) -> torch.Tensor:
        """b(l) with the slope -w(l), w held within its bounds relative to w(0)."""
        assert isinstance(definition, RatioDivergence)
        if self.floor == 0 and self.ceiling == math.inf:
            return definition.trained_q(at_y)  # type: ignore[no-any-return]
        with torch.enable_grad():
            log_ratio = torch.cat([at_y.detach(), at_y.new_zeros(1)]).double().requires_grad_()
            values = definition.trained_q(log_ratio)
            (slopes,) = torch.autograd.grad(values.sum(), log_ratio)
        weights = (slopes[:-1] / slopes[-1]).nan_to_num(nan=1.0)
        slopes = weights.clamp(self.floor, self.ceiling) * slopes[-1]
        return _with_slope(values[:-1].detach(), slopes, at_y)


def _with_slope(values: torch.Tensor, slopes: torch.Tensor, at_y: torch.Tensor) -> torch.Tensor:
    # Values that an exponential made infinite are of no use as a report, and must not reach the
    # gradient.
    largest = torch.finfo(at_y.dtype).max / len(at_y)
    values = values.clamp(-largest, largest).to(at_y.dtype)
    return values + slopes.to(at_y.dtype) * (at_y - at_y.detach())


@dataclass(frozen=True)
class ConjugateCritic(CriticMethod):
    r"""f-GAN: the critic maximizes the f-divergence's own dual, the generator minimizes it.

    Both play for E_P[T(v)] - E_Q[phi*(T(v))], with v the network's output and T an activation
    into the domain of phi*. T(v) = phi'(e^v) serves all, and makes v the log-ratio; chi² takes
    T(v) = v and total variation T(v) = tanh(v)/2. Where an exponential occurs, v is held within
    `bound` of zero with the slope kept at its ends, or one batch could throw the networks away.

    Parameters
    ----------
    bound : float
        Largest log-ratio whose exponential is taken.
    steps : int
        Steps of the critic for each step of the generator.

    Raises
    ------
    TypeError, ValueError
        If a setting is not usable; the message says which and what would be.

    References
    ----------
    Nguyen, Wainwright and Jordan (2010); Nowozin, Cseke and Tomioka (2016).

    Examples
    --------
    >>> ConjugateCritic(steps=2)
    ConjugateCritic(bound=6.0, steps=2)
    """

    bound: float = 6.0
    steps: int = 1

    def __post_init__(self) -> None:
        check_real("bound", self.bound, above=0)
        check_whole("steps", self.steps)

    def largest(self, definition: Definition) -> float:
        """The definition's, before its outer function."""
        return definition.inner_maximum

    def accepts(self, definition: Definition) -> bool:
        """Every f-divergence."""
        return isinstance(definition, RatioDivergence)

    def objective(
        self, definition: Definition, at_x: torch.Tensor, at_y: torch.Tensor
    ) -> torch.Tensor:
        """E_P[T] - E_Q[phi*(T)], a lower bound of the divergence before its outer function."""
        at_p, _ = self._dual(definition, at_x)
        _, at_q = self._dual(definition, at_y)
        return at_p.mean() + at_q.mean()

    def terms(self, definition: Definition, at_x: torch.Tensor, at_y: torch.Tensor) -> torch.Tensor:
        """-phi*(T) at the generator's points."""
        return self._dual(definition, at_y)[1]

    def _dual(
        self, definition: Definition, output: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        assert isinstance(definition, RatioDivergence)
        activated = definition.activated(output)
        if activated is not None:
            return activated
        held = output.clamp(-self.bound, self.bound)
        rest = output - held
        slope_p, slope_q = _slopes(definition, held)
        return (
            definition.trained_p(held) + slope_p * rest,
            definition.trained_q(held) + slope_q * rest,
        )


def _slopes(
    definition: RatioDivergence, log_ratio: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    with torch.enable_grad():
        leaf = log_ratio.detach().requires_grad_()
        (slope_p,) = torch.autograd.grad(definition.trained_p(leaf).sum(), leaf)
        (slope_q,) = torch.autograd.grad(definition.trained_q(leaf).sum(), leaf)
    return slope_p, slope_q


@dataclass(frozen=True)
class PairingCritic(CriticMethod):
    r"""The relativistic pairing game: the critic compares a point of data with a generated one.

    The critic maximizes ln 2 - E[ln(1 + e^-(f(X) - f(Y)))], X ~ P, Y ~ Q independent. The
    generator minimizes E[ln(1 + e^(f(X) - f(Y)))], which does not saturate.

    Parameters
    ----------
    steps : int
        Steps of the critic for each step of the generator.

    Raises
    ------
    TypeError, ValueError
        If a setting is not usable; the message says which and what would be.

    References
    ----------
    Jolicoeur-Martineau (2019); Huang, Gokaslan, Kuleshov and Tompkin (2024).

    Examples
    --------
    >>> PairingCritic().accepts(RelativisticPairing())
    True
    """

    steps: int = 1
    needs_data: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_whole("steps", self.steps)

    def largest(self, definition: Definition) -> float:
        """ln 2, for measures that do not overlap."""
        return math.log(2)

    def accepts(self, definition: Definition) -> bool:
        """The pairing divergence alone."""
        return isinstance(definition, RelativisticPairing)

    def objective(
        self, definition: Definition, at_x: torch.Tensor, at_y: torch.Tensor
    ) -> torch.Tensor:
        """ln 2 - E[ln(1 + e^-(f(X) - f(Y)))]."""
        return math.log(2) - softplus(at_y - at_x).mean()

    def terms(self, definition: Definition, at_x: torch.Tensor, at_y: torch.Tensor) -> torch.Tensor:
        """ln(1 + e^(f(X) - f(Y))) for each pair, less ln 2."""
        return softplus(at_x - at_y) - math.log(2)


@dataclass(frozen=True)
class WassersteinCritic(CriticMethod):
    r"""Wasserstein-1 by its dual: the critic is 1-Lipschitz, and maximizes E_P[f] - E_Q[f].

    What keeps the slope of f at 1 is the network or a regularizer. By default it is a
    `LipschitzPerceptron`, which has no other slope; with a critic of your own add
    `GradientPenalty()`, `SpectralNorm()` or `WeightClipping()`. Penalties hold the slope near 1
    only where they look, clipping and spectral norms keep it well below 1: the objective is then
    a multiple of W1, and the generator's gradient is still its direction.

    Parameters
    ----------
    steps : int
        Steps of the critic for each step of the generator.

    Raises
    ------
    TypeError, ValueError
        If a setting is not usable; the message says which and what would be.

    References
    ----------
    Arjovsky, Chintala and Bottou (2017); Gulrajani et al. (2017); Anil, Lucas and Grosse (2019).

    Examples
    --------
    >>> WassersteinCritic().accepts(Wasserstein(1)), WassersteinCritic().accepts(Wasserstein(2))
    (True, False)
    """

    steps: int = 3
    lipschitz: ClassVar[bool] = True
    by_default: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_whole("steps", self.steps)

    def accepts(self, definition: Definition) -> bool:
        """Wasserstein-1 alone."""
        return isinstance(definition, Wasserstein) and definition.order == 1

    def objective(
        self, definition: Definition, at_x: torch.Tensor, at_y: torch.Tensor
    ) -> torch.Tensor:
        """E_P[f] - E_Q[f]."""
        return at_x.mean() - at_y.mean()

    def terms(self, definition: Definition, at_x: torch.Tensor, at_y: torch.Tensor) -> torch.Tensor:
        """-f at the generator's points."""
        return -at_y
