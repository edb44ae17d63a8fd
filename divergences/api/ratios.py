"""The everyday calls of divergences that are functionals of the density ratio."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from divergences.api.everyday import everyday
from divergences.definitions import (
    ChiSquared,
    FDivergence,
    JensenShannon,
    JensenShannonDistance,
    KullbackLeibler,
    Renyi,
    SquaredHellinger,
    TotalVariation,
)
from divergences.estimation import Options, divergence

if TYPE_CHECKING:
    from typing import Unpack

    from divergences.estimate import Estimate


@everyday
def js_divergence(p: Any, q: Any, *, base: float = math.e, **options: Unpack[Options]) -> Estimate:
    r"""Jensen–Shannon divergence of two measures, in nats or bits.

    JS(P, Q) = KL(P || M)/2 + KL(Q || M)/2 with M = (P + Q)/2; from 0 to ln 2.

    Parameters
    ----------
    {measures}
    base : float
        e for nats, 2 for bits.
    {options}

    {outcome}

    References
    ----------
    Lin (1991); Goodfellow et al. (2014).

    Examples
    --------
    >>> from scipy.stats import norm
    >>> round(js_divergence(norm(0, 1), norm(1, 1)).value, 6)
    0.111421
    """
    return divergence(JensenShannon(base), p, q, **options)


@everyday
def js_distance(p: Any, q: Any, *, base: float = math.e, **options: Unpack[Options]) -> Estimate:
    r"""Jensen–Shannon distance, the root of the divergence: a metric.

    sqrt(JS(P, Q)); from 0 to sqrt(ln 2).

    Parameters
    ----------
    {measures}
    base : float
        e for nats, 2 for bits.
    {options}

    {outcome}

    References
    ----------
    Endres and Schindelin (2003).

    Examples
    --------
    >>> from scipy.stats import norm
    >>> round(js_distance(norm(0, 1), norm(1, 1)).value, 6)
    0.333799
    """
    return divergence(JensenShannonDistance(base), p, q, **options)


@everyday
def kl_divergence(p: Any, q: Any, *, base: float = math.e, **options: Unpack[Options]) -> Estimate:
    r"""Kullback–Leibler divergence of P from Q, in nats or bits.

    KL(P || Q) = E_P[ln(p/q)]; from 0 to infinity, infinite where P has mass that Q lacks.

    Parameters
    ----------
    {measures}
    base : float
        e for nats, 2 for bits.
    {options}

    {outcome}

    References
    ----------
    Kullback and Leibler (1951).

    Examples
    --------
    >>> from scipy.stats import norm
    >>> round(kl_divergence(norm(0, 1), norm(1, 2)).value, 6)
    0.443147
    """
    return divergence(KullbackLeibler(base), p, q, **options)


@everyday
def total_variation(p: Any, q: Any, **options: Unpack[Options]) -> Estimate:
    r"""Total variation distance: the largest difference in the probability of any event.

    TV(P, Q) = E_Q|p/q - 1|/2; from 0 to 1.

    Parameters
    ----------
    {measures}
    {options}

    {outcome}

    References
    ----------
    Le Cam (1986).

    Examples
    --------
    >>> from scipy.stats import norm
    >>> round(total_variation(norm(0, 1), norm(1, 1)).value, 6)
    0.382925
    """
    return divergence(TotalVariation(), p, q, **options)


@everyday
def squared_hellinger(p: Any, q: Any, **options: Unpack[Options]) -> Estimate:
    r"""Squared Hellinger distance.

    H²(P, Q) = 1 - E_Q[sqrt(p/q)]; from 0 to 1.

    Parameters
    ----------
    {measures}
    {options}

    {outcome}

    References
    ----------
    Hellinger (1909).

    Examples
    --------
    >>> from scipy.stats import norm
    >>> round(squared_hellinger(norm(0, 1), norm(1, 1)).value, 6)
    0.117503
    """
    return divergence(SquaredHellinger(), p, q, **options)


@everyday
def chi2_divergence(p: Any, q: Any, **options: Unpack[Options]) -> Estimate:
    r"""Pearson's chi-squared divergence of P from Q.

    chi²(P || Q) = E_Q[(p/q - 1)²]; from 0 to infinity.

    Parameters
    ----------
    {measures}
    {options}

    {outcome}

    References
    ----------
    Pearson (1900).

    Examples
    --------
    >>> from scipy.stats import norm
    >>> round(chi2_divergence(norm(0, 1), norm(1, 1)).value, 6)
    1.718282
    """
    return divergence(ChiSquared(), p, q, **options)


@everyday
def renyi_divergence(
    p: Any, q: Any, *, alpha: float, base: float = math.e, **options: Unpack[Options]
) -> Estimate:
    r"""Rényi divergence of order alpha, in nats or bits.

    R_alpha(P || Q) = ln E_Q[(p/q)^alpha]/(alpha - 1); from 0 to infinity.

    Parameters
    ----------
    {measures}
    alpha : float
        Order, above 0 and not 1.
    base : float
        e for nats, 2 for bits.
    {options}

    {outcome}

    References
    ----------
    Rényi (1961).

    Examples
    --------
    >>> from scipy.stats import norm
    >>> round(renyi_divergence(norm(0, 1), norm(1, 1), alpha=2).value, 6)
    1.0
    """
    return divergence(Renyi(alpha, base), p, q, **options)


@everyday
def f_divergence(p: Any, q: Any, *, phi: FDivergence, **options: Unpack[Options]) -> Estimate:
    r"""f-divergence with a convex function of the user's.

    D_phi(P || Q) = E_Q[phi(p/q)]; from 0 to phi(0) + phi*(0).

    Parameters
    ----------
    {measures}
    phi : FDivergence
        The convex function with its derivative, as in
        ``FDivergence(phi=lambda u: (u - 1) ** 2, derivative=lambda u: 2 * (u - 1))``.
    {options}

    {outcome}

    References
    ----------
    Ali and Silvey (1966); Csiszár (1967).

    Examples
    --------
    >>> import divergences as dv
    >>> from scipy.stats import norm
    >>> pearson = dv.FDivergence(lambda u: (u - 1) ** 2, lambda u: 2 * (u - 1))
    >>> round(dv.f_divergence(norm(0, 1), norm(1, 1), phi=pearson).value, 6)
    1.718282
    """
    return divergence(_checked_phi(phi), p, q, **options)


def _checked_phi(phi: Any) -> FDivergence:
    if not isinstance(phi, FDivergence):
        raise TypeError(
            f"phi must be an FDivergence, which holds the function and its derivative, not "
            f"{phi!r}. Use FDivergence(phi, derivative)."
        )
    return phi
