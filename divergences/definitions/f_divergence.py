"""Divergences that are functionals of the density ratio p/q.

Each is read from the log-ratio l = ln(p/q) through its variational form

    D = sup over l of  E_P[a(l)] + E_Q[b(l)],   a(l) = phi'(e^l),  b(l) = phi(e^l) - e^l phi'(e^l),

which is the Fenchel dual (Nguyen, Wainwright and Jordan, 2010) with the critic
written as phi'(u), u = e^l. The integrand of D itself is p a(l) + q b(l), so these two
functions are all that a method, a quadrature or a loss needs.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from array_api_compat import array_namespace

from divergences.definitions.definition import (
    Definition,
    check_base,
    log_unit,
)

_FADING = 5.0


class RatioDivergence(Definition):
    """A functional of the density ratio: every f-divergence, and increasing functions of one.

    Laws: no invertible map of the data changes it; pushing both measures through one map or
    channel never raises it (data processing).
    """

    scaling: ClassVar[float | None] = 0.0
    critic = "log-ratio"

    one_sided: ClassVar[bool] = False
    """Whether `point_terms` averages over one of the two measures only."""

    growth: ClassVar[float] = 0.0
    """Rate r at which a term of P grows with the log-ratio l, as e^(r l); 0 if not faster than l.
    """

    @abstractmethod
    def critic_p(self, log_ratio: Any) -> Any:
        """a(l) = phi'(e^l), the term averaged over P."""

    @abstractmethod
    def critic_q(self, log_ratio: Any) -> Any:
        """b(l) = phi(e^l) - e^l phi'(e^l), the term averaged over Q."""

    @abstractmethod
    def generator(self, ratio: Any) -> Any:
        """phi(u), convex with phi(1) = 0 and phi'(1) = 0 where that can be arranged."""

    def point_terms(self, at_p: Any, at_q: Any) -> tuple[Any, Any]:
        """Terms whose two means add up to the reported value, given log-ratios at the samples.

        The variational terms by default, whose error is of second order in the critic's. A
        subclass overrides them where a one-sided mean has the lower error.
        """
        return self.critic_p(at_p), self.critic_q(at_q)

    def trained_p(self, log_ratio: Any) -> Any:
        """a(l) for what is trained by its slope: a subclass whose a(l) has none overrides it."""
        return self.critic_p(log_ratio)

    def trained_q(self, log_ratio: Any) -> Any:
        """b(l) for what is trained by its slope: a subclass whose b(l) has none overrides it."""
        return self.critic_q(log_ratio)

    def loss_terms(self, at_p: Any, at_q: Any) -> tuple[Any, Any]:
        """`point_terms` for a loss, whose slope moves the points."""
        return self.point_terms(at_p, at_q)

    def activated(self, output: Any) -> tuple[Any, Any] | None:
        """T(v) and -phi*(T(v)) of a network's output v, by an activation T without exponentials.

        None where there is no such activation: T(v) = phi'(e^v) serves all.
        """
        return None


@dataclass(frozen=True)
class KullbackLeibler(RatioDivergence):
    r"""KL(P || Q) = E_P[ln(p/q)], from 0 to infinity, in nats (bits with ``base=2``).

    Good for likelihoods, coding and model fit: it is what maximum likelihood minimizes. Fails
    where P puts mass that Q lacks (it is infinite there), and on far or heavy-tailed pairs,
    where a few points decide it. phi(u) = u ln u - u + 1.

    Parameters
    ----------
    base : float
        e for nats, 2 for bits.

    Raises
    ------
    ValueError
        If `base` is neither e nor 2.

    References
    ----------
    Kullback and Leibler (1951).

    Examples
    --------
    >>> import divergences as dv
    >>> from scipy.stats import norm
    >>> dv.divergence(dv.KullbackLeibler(), norm(0, 1), norm(1, 2))
    KL = 0.443147 nats (exact: log-normalizer of Normal; d=1)
    """

    base: float = math.e
    symmetric: ClassVar[bool] = False
    metric: ClassVar[bool] = False
    one_sided: ClassVar[bool] = True
    title: ClassVar[str] = "Kullback–Leibler divergence"
    symbol: ClassVar[str] = "KL"

    def __post_init__(self) -> None:
        check_base(self.base)

    @property
    def unit(self) -> str:
        """Nats or bits."""
        return log_unit(self.base)

    def generator(self, ratio: Any) -> Any:
        """phi(u) = u ln u - u + 1."""
        xp = array_namespace(ratio)
        safe = xp.where(ratio > 0, ratio, xp.ones_like(ratio))
        return ratio * xp.log(safe) - ratio + 1

    def critic_p(self, log_ratio: Any) -> Any:
        """a(l) = l."""
        return log_ratio

    def critic_q(self, log_ratio: Any) -> Any:
        """b(l) = 1 - e^l."""
        return -array_namespace(log_ratio).expm1(log_ratio)

    def point_terms(self, at_p: Any, at_q: Any) -> tuple[Any, Any]:
        """Mean log-ratio over P: the exponentials of the variational form only add noise."""
        return at_p, 0 * at_q

    def outer(self, inner: Any) -> Any:
        """Change of base."""
        return inner / math.log(self.base)


@dataclass(frozen=True)
class ReverseKL(RatioDivergence):
    r"""KL(Q || P) = E_Q[ln(q/p)], from 0 to infinity, in nats (bits with ``base=2``).

    Good for training a sampler Q that must not leave the support of P: it seeks modes rather
    than covering them. Fails where Q puts mass that P lacks. phi(u) = u - 1 - ln u.

    Parameters
    ----------
    base : float
        e for nats, 2 for bits.

    Raises
    ------
    ValueError
        If `base` is neither e nor 2.

    References
    ----------
    Kullback and Leibler (1951).

    Examples
    --------
    >>> import divergences as dv
    >>> from scipy.stats import norm
    >>> dv.divergence(dv.ReverseKL(), norm(0, 1), norm(1, 2))
    reverse KL = 1.30685 nats (exact: log-normalizer of Normal; d=1)
    """

    base: float = math.e
    symmetric: ClassVar[bool] = False
    metric: ClassVar[bool] = False
    one_sided: ClassVar[bool] = True
    title: ClassVar[str] = "reverse Kullback–Leibler divergence"
    symbol: ClassVar[str] = "reverse KL"

    def __post_init__(self) -> None:
        check_base(self.base)

    @property
    def unit(self) -> str:
        """Nats or bits."""
        return log_unit(self.base)

    def generator(self, ratio: Any) -> Any:
        """phi(u) = u - 1 - ln u."""
        return ratio - 1 - array_namespace(ratio).log(ratio)

    def critic_p(self, log_ratio: Any) -> Any:
        """a(l) = 1 - e^-l."""
        return -array_namespace(log_ratio).expm1(-log_ratio)

    def critic_q(self, log_ratio: Any) -> Any:
        """b(l) = -l."""
        return -log_ratio

    def point_terms(self, at_p: Any, at_q: Any) -> tuple[Any, Any]:
        """Mean negative log-ratio over Q: the exponentials only add noise."""
        return 0 * at_p, -at_q

    def outer(self, inner: Any) -> Any:
        """Change of base."""
        return inner / math.log(self.base)


@dataclass(frozen=True)
class TotalVariation(RatioDivergence):
    r"""TV(P, Q) = sup over events A of |P(A) - Q(A)| = E_Q|p/q - 1|/2, from 0 to 1,
    a pure number.

    Good as a statement about decisions: the best classifier's accuracy is (1 + TV)/2. Fails to
    tell how far apart separated measures are, and is not smooth: critics near a ratio of one
    cost it little, but its error bar ignores them. phi(u) = |u - 1|/2.

    References
    ----------
    Le Cam (1986).

    Examples
    --------
    >>> import divergences as dv
    >>> from scipy.stats import norm
    >>> dv.divergence(dv.TotalVariation(), norm(0, 1), norm(1, 1))
    TV = 0.382925 (exact: quadrature in 1-D, ...; d=1)
    """

    symmetric: ClassVar[bool] = True
    metric: ClassVar[bool] = True
    title: ClassVar[str] = "total variation distance"
    symbol: ClassVar[str] = "TV"
    unit: ClassVar[str] = ""
    maximum: ClassVar[float] = 1.0

    def generator(self, ratio: Any) -> Any:
        """phi(u) = |u - 1|/2."""
        return array_namespace(ratio).abs(ratio - 1) / 2

    def critic_p(self, log_ratio: Any) -> Any:
        """a(l) = sign(l)/2."""
        return array_namespace(log_ratio).sign(log_ratio) / 2

    def critic_q(self, log_ratio: Any) -> Any:
        """b(l) = -sign(l)/2."""
        return -array_namespace(log_ratio).sign(log_ratio) / 2

    def point_terms(self, at_p: Any, at_q: Any) -> tuple[Any, Any]:
        """Signs that fade to zero where |l| is below 5 sqrt((1/n + 1/m)/2), about its noise.

        There they are random, which made 10 to 40 % of small samples of one measure look
        different. Any critic between -1/2 and 1/2 gives a lower bound, and fading costs less
        than the standard error.
        """
        xp = array_namespace(at_p)
        width = _FADING * math.sqrt((1 / len(at_p) + 1 / len(at_q)) / 2)
        return xp.clip(at_p / width, -1, 1) / 2, -xp.clip(at_q / width, -1, 1) / 2

    def trained_p(self, log_ratio: Any) -> Any:
        """tanh(l/2)/2, which has a slope: any critic from -1/2 to 1/2 gives a lower bound."""
        return array_namespace(log_ratio).tanh(log_ratio / 2) / 2

    def trained_q(self, log_ratio: Any) -> Any:
        """-tanh(l/2)/2."""
        return -self.trained_p(log_ratio)

    def loss_terms(self, at_p: Any, at_q: Any) -> tuple[Any, Any]:
        """|p - q|/(p + q)/2, which has the slope that the signs lack."""
        xp = array_namespace(at_p)
        return xp.abs(self.trained_p(at_p)), xp.abs(self.trained_p(at_q))

    def activated(self, output: Any) -> tuple[Any, Any]:
        """T(v) = tanh(v)/2 and -T(v): phi*(t) = t for t from -1/2 to 1/2."""
        at_output = array_namespace(output).tanh(output) / 2
        return at_output, -at_output

    def meaning(self, value: float) -> str:
        """How often the best guess of where a point came from is right."""
        right = 50 * (1 + min(max(value, 0.0), 1.0))
        return f"best guess right in {right:.0f} %"


@dataclass(frozen=True)
class SquaredHellinger(RatioDivergence):
    r"""H²(P, Q) = 1 - E_Q[sqrt(p/q)], from 0 to 1, a pure number.

    It is the integral of (sqrt p - sqrt q)²/2. Good for bounds (H² <= TV <= sqrt(2) H) and for
    products of measures. Fails to tell how far apart separated measures are. phi(u) = (sqrt(u) -
    1)²/2.

    References
    ----------
    Hellinger (1909).

    Examples
    --------
    >>> import divergences as dv
    >>> from scipy.stats import norm
    >>> dv.divergence(dv.SquaredHellinger(), norm(0, 1), norm(1, 1))
    H² = 0.117503 (exact: log-normalizer of Normal; d=1)
    """

    symmetric: ClassVar[bool] = True
    metric: ClassVar[bool] = False
    title: ClassVar[str] = "squared Hellinger distance"
    symbol: ClassVar[str] = "H²"
    unit: ClassVar[str] = ""
    maximum: ClassVar[float] = 1.0

    def generator(self, ratio: Any) -> Any:
        """phi(u) = (sqrt(u) - 1)²/2."""
        return (array_namespace(ratio).sqrt(ratio) - 1) ** 2 / 2

    def critic_p(self, log_ratio: Any) -> Any:
        """a(l) = (1 - e^(-l/2))/2."""
        return -array_namespace(log_ratio).expm1(-log_ratio / 2) / 2

    def critic_q(self, log_ratio: Any) -> Any:
        """b(l) = (1 - e^(l/2))/2."""
        return -array_namespace(log_ratio).expm1(log_ratio / 2) / 2


@dataclass(frozen=True)
class ChiSquared(RatioDivergence):
    r"""chi²(P || Q) = E_Q[(p/q - 1)²], from 0 to infinity, a pure number.

    Good for importance sampling: 1 + chi² is the inverse effective sample share. Fails on
    tails: it is infinite sooner than KL, and from samples a few points decide it.
    phi(u) = (u - 1)².

    References
    ----------
    Pearson (1900).

    Examples
    --------
    >>> import divergences as dv
    >>> from scipy.stats import norm
    >>> dv.divergence(dv.ChiSquared(), norm(0, 1), norm(1, 1))
    chi² = 1.71828 (exact: log-normalizer of Normal; d=1)
    """

    symmetric: ClassVar[bool] = False
    metric: ClassVar[bool] = False
    one_sided: ClassVar[bool] = True
    growth: ClassVar[float] = 1.0
    title: ClassVar[str] = "chi-squared divergence"
    symbol: ClassVar[str] = "chi²"
    unit: ClassVar[str] = ""

    def generator(self, ratio: Any) -> Any:
        """phi(u) = (u - 1)²."""
        return (ratio - 1) ** 2

    def critic_p(self, log_ratio: Any) -> Any:
        """a(l) = 2(e^l - 1)."""
        return 2 * array_namespace(log_ratio).expm1(log_ratio)

    def critic_q(self, log_ratio: Any) -> Any:
        """b(l) = 1 - e^(2l)."""
        return -array_namespace(log_ratio).expm1(2 * log_ratio)

    def point_terms(self, at_p: Any, at_q: Any) -> tuple[Any, Any]:
        """E_P[e^l] - 1: squares over Q leave everything to the noise of a few points."""
        return array_namespace(at_p).expm1(at_p), 0 * at_q

    def activated(self, output: Any) -> tuple[Any, Any]:
        """T(v) = v and -v - v²/4: phi*(t) = t + t²/4 from t = -2 on, and is less below."""
        return output, -output - output * output / 4
