"""The everyday calls: one function per divergence."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

from divergences.definitions import (
    MMD,
    ChiSquared,
    Energy,
    FDivergence,
    GaussianKernel,
    JensenShannon,
    JensenShannonDistance,
    KullbackLeibler,
    PositiveKernel,
    Renyi,
    Sinkhorn,
    SlicedWasserstein,
    SquaredHellinger,
    TotalVariation,
    Wasserstein,
)
from divergences.estimation import Options, divergence, everyday
from divergences.estimators import Sliced

if TYPE_CHECKING:
    from typing import Unpack

    from divergences.estimate import Estimate

_MEDIAN_GAUSSIAN = GaussianKernel()


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


@everyday
def wasserstein_distance(
    p: Any, q: Any, *, order: float = 1.0, **options: Unpack[Options]
) -> Estimate:
    r"""Wasserstein distance, in data units.

    W_r(P, Q) = (min over couplings of E|X - Y|^r)^(1/r), |.| Euclidean; from 0 to infinity.

    Parameters
    ----------
    {measures}
    order : float
        Power r of the distance, at least 1.
    {options}

    {outcome}

    References
    ----------
    Kantorovich (1942); Villani (2009).

    Examples
    --------
    >>> from scipy.stats import norm
    >>> wasserstein_distance(norm(0, 1), norm(1, 1)).value
    1.0
    """
    return divergence(Wasserstein(order), p, q, **options)


@everyday
def sliced_wasserstein_distance(
    p: Any, q: Any, *, order: float = 2.0, projections: int = 100, **options: Unpack[Options]
) -> Estimate:
    r"""Sliced Wasserstein distance, in data units.

    SW_r(P, Q) = (mean over directions of W_r^r of the projections)^(1/r).

    Parameters
    ----------
    {measures}
    order : float
        Power r of the distance, at least 1.
    projections : int
        Number of random directions, unless `method` is given.
    {options}

    {outcome}

    References
    ----------
    Rabin, Peyré, Delon and Bernot (2012); Bonneel et al. (2015).

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(0, 1, 400), rng.normal(1, 1, 400)
    >>> low, high = sliced_wasserstein_distance(x, y, rng=0).interval()
    >>> low < 1.0 < high
    True
    """
    if options.get("method", "auto") == "auto":
        options["method"] = Sliced(projections)
    return divergence(SlicedWasserstein(order), p, q, **options)


@everyday
def sinkhorn_divergence(
    p: Any,
    q: Any,
    *,
    order: float = 2.0,
    epsilon: float | Literal["auto"] = "auto",
    **options: Unpack[Options],
) -> Estimate:
    r"""Sinkhorn divergence, the debiased entropic transport cost, in data units to the power r.

    S(P, Q) = OT_eps(P, Q) - OT_eps(P, P)/2 - OT_eps(Q, Q)/2.

    Parameters
    ----------
    {measures}
    order : {1, 2}
        Power r of the distance in the cost.
    epsilon : float or "auto"
        Strength of the entropy, in units of the cost; a twentieth of the mean cost if left out.
    {options}

    {outcome}

    References
    ----------
    Genevay, Peyré and Cuturi (2018); Feydy et al. (2019).

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(0, 1, 400), rng.normal(1, 1, 400)
    >>> low, high = sinkhorn_divergence(x, y, rng=0).interval()
    >>> low < 1.0 < high
    True
    """
    return divergence(Sinkhorn(order, epsilon), p, q, **options)


@everyday
def mmd(
    p: Any, q: Any, *, kernel: PositiveKernel = _MEDIAN_GAUSSIAN, **options: Unpack[Options]
) -> Estimate:
    r"""Maximum mean discrepancy, the largest difference of means over an RKHS unit ball.

    MMD(P, Q) = sqrt(E k(X, X') + E k(Y, Y') - 2 E k(X, Y)); negative where MMD² is estimated
    below zero, the signed root.

    Parameters
    ----------
    {measures}
    kernel : PositiveKernel
        GaussianKernel with the median heuristic if left out.
    {options}

    {outcome}

    References
    ----------
    Gretton et al. (2012).

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(0, 1, 400), rng.normal(1, 1, 400)
    >>> low, high = mmd(x, y, rng=0).interval()
    >>> 0 < low < high
    True
    """
    return divergence(MMD(kernel), p, q, **options)


@everyday
def squared_mmd(
    p: Any, q: Any, *, kernel: PositiveKernel = _MEDIAN_GAUSSIAN, **options: Unpack[Options]
) -> Estimate:
    r"""Squared maximum mean discrepancy, unbiased at any sample size.

    MMD²(P, Q) = E k(X, X') + E k(Y, Y') - 2 E k(X, Y).

    Parameters
    ----------
    {measures}
    kernel : PositiveKernel
        GaussianKernel with the median heuristic if left out.
    {options}

    {outcome}

    References
    ----------
    Gretton et al. (2012).

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(0, 1, 400), rng.normal(1, 1, 400)
    >>> low, high = squared_mmd(x, y, rng=0).interval()
    >>> 0 < low < high
    True
    """
    return divergence(MMD(kernel, squared=True), p, q, **options)


@everyday
def energy_distance(p: Any, q: Any, **options: Unpack[Options]) -> Estimate:
    r"""Energy distance, the root form that scipy has, in any dimension.

    E(P, Q) = sqrt(2 E|X - Y| - E|X - X'| - E|Y - Y'|); the signed root where the square is
    estimated below zero.

    Parameters
    ----------
    {measures}
    {options}

    {outcome}

    References
    ----------
    Székely and Rizzo (2004).

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(0, 1, 400), rng.normal(1, 1, 400)
    >>> low, high = energy_distance(x, y, rng=0).interval()
    >>> 0 < low < high
    True
    """
    return divergence(Energy(), p, q, **options)


@everyday
def squared_energy_distance(p: Any, q: Any, **options: Unpack[Options]) -> Estimate:
    r"""Squared energy distance, in data units.

    E²(P, Q) = 2 E|X - Y| - E|X - X'| - E|Y - Y'|.

    Parameters
    ----------
    {measures}
    {options}

    {outcome}

    References
    ----------
    Székely and Rizzo (2004).

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(0, 1, 400), rng.normal(1, 1, 400)
    >>> low, high = squared_energy_distance(x, y, rng=0).interval()
    >>> 0 < low < high
    True
    """
    return divergence(Energy(squared=True), p, q, **options)


def _checked_phi(phi: Any) -> FDivergence:
    if not isinstance(phi, FDivergence):
        raise TypeError(
            f"phi must be an FDivergence, which holds the function and its derivative, not "
            f"{phi!r}. Use FDivergence(phi, derivative)."
        )
    return phi
