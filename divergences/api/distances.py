"""The everyday calls of transport and kernel distances."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from divergences.api.everyday import everyday
from divergences.definitions import (
    MMD,
    Energy,
    GaussianKernel,
    PositiveKernel,
    Sinkhorn,
    SlicedWasserstein,
    Wasserstein,
)
from divergences.estimation import Options, divergence
from divergences.estimators import Sliced
from divergences.estimators.estimator import is_auto
from divergences.measures import is_known

if TYPE_CHECKING:
    from typing import Unpack

    from divergences.estimate import Estimate

_MEDIAN_GAUSSIAN = GaussianKernel()


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
    p: Any,
    q: Any,
    *,
    order: float = 2.0,
    projections: int = Sliced.projections,
    **options: Unpack[Options],
) -> Estimate:
    r"""Sliced Wasserstein distance, in data units.

    SW_r(P, Q) = (mean over directions of W_r^r of the projections)^(1/r).

    Parameters
    ----------
    {measures}
    order : float
        Power r of the distance, at least 1.
    projections : int
        Number of random directions, unless `method` is given. Two known measures have the exact
        value where one is known, unless this is set: then they are drawn from.
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
    exact = is_known(p) and is_known(q) and projections == Sliced.projections
    if is_auto(options.get("method", "auto")) and not exact:
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
