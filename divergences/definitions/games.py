"""Divergences that generators are trained on, besides those of the catalogue."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from array_api_compat import array_namespace

from divergences.definitions.definition import Definition
from divergences.definitions.f_divergence import RatioDivergence


@dataclass(frozen=True)
class SoftenedReverseKL(RatioDivergence):
    r"""4 KL((P + Q)/2 || P), from 0 to infinity, in nats: what the non-saturating GAN minimizes.

    Good for training: b(l) = 2 ln(1 + e^-l) - 2 ln 2 is twice the non-saturating loss of a
    generator, whose slope never vanishes where the generator is far from the data. Like the
    reverse KL it prefers to leave modes out over filling gaps, only more mildly. Fails where Q
    puts mass that P lacks. phi(u) = 2 (u + 1) ln((u + 1)/(2u)) + 2 (u - 1).

    References
    ----------
    Goodfellow et al. (2014); Shannon (2020).

    Examples
    --------
    >>> import divergences as dv
    >>> from scipy.stats import norm
    >>> dv.divergence(dv.SoftenedReverseKL(), norm(0, 1), norm(1, 1))
    soft reverse KL = 0.554314 nats (exact: quadrature in 1-D, ...; d=1)
    """

    symmetric: ClassVar[bool] = False
    metric: ClassVar[bool] = False
    title: ClassVar[str] = "softened reverse Kullback–Leibler divergence"
    symbol: ClassVar[str] = "soft reverse KL"
    unit: ClassVar[str] = "nats"

    def generator(self, ratio: Any) -> Any:
        """phi(u) = 2 (u + 1) ln((u + 1)/(2u)) + 2 (u - 1)."""
        xp = array_namespace(ratio)
        return 2 * (ratio + 1) * (xp.log1p(1 / ratio) - math.log(2)) + 2 * (ratio - 1)

    def critic_p(self, log_ratio: Any) -> Any:
        """a(l) = 2 ln(1 + e^-l) - 2 ln 2 + 2 (1 - e^-l)."""
        xp = array_namespace(log_ratio)
        return self.critic_q(log_ratio) - 2 * xp.expm1(-log_ratio)

    def critic_q(self, log_ratio: Any) -> Any:
        """b(l) = 2 ln(1 + e^-l) - 2 ln 2."""
        xp = array_namespace(log_ratio)
        return 2 * xp.logaddexp(xp.zeros_like(log_ratio), -log_ratio) - 2 * math.log(2)


@dataclass(frozen=True)
class RelativisticPairing(Definition):
    r"""sup over f of ln 2 - E[ln(1 + e^-(f(X) - f(Y)))], X ~ P and Y ~ Q independent, from 0 to
    ln 2, in nats.

    Good for training: the critic ranks a point of data above a generated one instead of judging
    each alone, so that no mode of the data can be given up without notice. Fails as a measure:
    it saturates like JS, and no method estimates it here but training against it.

    References
    ----------
    Jolicoeur-Martineau (2019); Huang, Gokaslan, Kuleshov and Tompkin (2024).

    Examples
    --------
    >>> pairing = RelativisticPairing()
    >>> f"{pairing.title}: at most {pairing.maximum:.4f} {pairing.unit}"
    'relativistic pairing divergence: at most 0.6931 nats'
    """

    symmetric: ClassVar[bool] = True
    metric: ClassVar[bool] = False
    scaling: ClassVar[float | None] = 0.0
    title: ClassVar[str] = "relativistic pairing divergence"
    symbol: ClassVar[str] = "pairing"
    unit: ClassVar[str] = "nats"
    maximum: ClassVar[float] = math.log(2)
