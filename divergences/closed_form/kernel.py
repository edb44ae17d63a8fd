"""Kernel distances: Gaussian mixtures in any dimension, and measures on the line.

Every radial kernel here is a mixture of Gaussian kernels of different widths (Schoenberg,
1938), so that one formula for the Gaussian kernel and one integral over widths serve them all.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit, gammaln

from divergences.closed_form.characteristic import gaussian_from_characteristics
from divergences.closed_form.discrete import main_atoms, truncated
from divergences.closed_form.gaussian import moments
from divergences.closed_form.quadrature import integrate, pieces_between, precision_words
from divergences.closed_form.registry import Answer, register
from divergences.closed_form.tails import power_law, terms_at
from divergences.closed_form.transport import cdf_integral
from divergences.definitions import (
    MMD,
    Energy,
    EnergyKernel,
    GaussianKernel,
    LaplacianKernel,
    PositiveKernel,
    RationalQuadraticKernel,
)
from divergences.errors import NoClosedFormError
from divergences.estimate import Reading
from divergences.measures._laws import Law
from divergences.measures.families import Family
from divergences.measures.known import Known
from divergences.measures.multivariate import NormalMixture
from divergences.work import Run

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_INFINITE_MEAN = (
    "E|X - Y| is infinite; the value is that of twice the integral of (F - G)², which is finite."
)
_MOST_NODES = 4_000


@register(MMD, Family)
def mmd(definition: MMD, p: Known, q: Known, run: Run) -> Answer | None:
    """MMD² by the kernel's parts."""
    if definition.kernel.needs_scale:
        raise NoClosedFormError(
            'bandwidth="median" follows the samples, and known measures have none. Give a '
            "number, such as GaussianKernel(bandwidth=1.0)."
        )
    parts = definition.kernel.parts
    answers = [_squared(kernel, p, q) for _, kernel in parts]
    known = [answer for answer in answers if answer is not None]
    if len(known) < len(parts):
        return None
    inner = math.fsum(w * reading.inner for (w, _), (reading, _) in zip(parts, known, strict=True))
    notes = tuple(dict.fromkeys(note for reading, _ in known for note in reading.notes))
    hows = dict.fromkeys(how.removeprefix("exact: ") for _, how in known)
    prefix = "exact: " if all(how.startswith("exact") for _, how in known) else ""
    return Reading(inner, 0.0, notes=notes), prefix + "; ".join(hows)


@register(Energy, Family)
def energy(definition: Energy, p: Known, q: Known, run: Run) -> Answer | None:
    """Squared energy distance."""
    return _squared(EnergyKernel(), p, q)


def _squared(kernel: PositiveKernel, p: Known, q: Known) -> Answer | None:
    if p.d == 1 and isinstance(kernel, EnergyKernel):
        return _energy_on_the_line(p.family, q.family)
    if p.law is not None and q.law is not None and p.discrete and q.discrete:
        return Reading(_between_atoms(kernel, p.law, q.law), 0.0), "exact: sum over atoms"
    mixtures = _mixture(p.family), _mixture(q.family)
    if mixtures[0] is not None and mixtures[1] is not None:
        return _of_mixtures(kernel, mixtures[0], mixtures[1])
    smooth = isinstance(kernel, GaussianKernel | RationalQuadraticKernel)
    if isinstance(kernel, GaussianKernel) and p.d == 1:
        answer = gaussian_from_characteristics(float(kernel.bandwidth), p.family, q.family)
        if answer is not None:
            return answer
    if p.law is not None and q.law is not None and smooth:
        return _smooth_on_the_line(kernel, p.law, q.law)
    return None


def _energy_on_the_line(p: Family, q: Family) -> Answer:
    law_p, law_q = p.law, q.law
    assert law_p is not None
    assert law_q is not None
    notes: tuple[str, ...] = ()
    for side in (-1, 1):
        first, second = (_tail_index(family, side) for family in (p, q))
        heavier = min(first[0], second[0])
        if heavier <= 0.5:
            # (F - G)^2 falls like y^-2a; equal leading terms would have to be resolved further.
            if first == second:
                return _unresolved(p, q)
            return Reading(math.inf, 0.0), "exact: infinite"
        if heavier <= 1:
            notes = (_INFINITE_MEAN,)
    if p.discrete and q.discrete:
        return Reading(2 * _squared_steps(law_p, law_q), 0.0), "exact: sum over atoms"
    value, error = cdf_integral(truncated(law_p), truncated(law_q), 2.0)
    words, warning = precision_words(2 * error, 2 * value)
    how = f"{'' if warning else 'exact: '}CDF integral, {words}"
    return Reading(2 * value, 0.0, notes=notes + warning), how


def _squared_steps(p: Law, q: Law) -> float:
    """Integral of (F - G)² for two step functions."""
    finite = [truncated(law) for law in (p, q)]
    atoms = np.union1d(main_atoms(p)[0], main_atoms(q)[0])
    gap = finite[0].cdf(atoms) - finite[1].cdf(atoms)
    return math.fsum(np.diff(atoms) * gap[:-1] ** 2)


def _unresolved(p: Family, q: Family) -> Answer:
    raise NoClosedFormError(
        f"{p!r} and {q!r} have the same heavy tail, whose difference no integral here resolves. "
        f"Draw samples from them and pass those."
    )


def _tail_index(family: Family, side: int) -> tuple[float, float]:
    """The a of a survival function like c y^-a, and ln c; infinite where it falls faster."""
    law = family.law
    assert law is not None
    end = law.support[1] if side > 0 else law.support[0]
    if math.isfinite(end):
        return math.inf, 0.0
    terms = terms_at(family, end, side)
    tail = None if not terms else power_law(terms)
    return (math.inf, 0.0) if tail is None else (-tail[0] - 1, tail[1])


def _between_atoms(kernel: PositiveKernel, p: Law, q: Law) -> float:
    (x, mass_x), (y, mass_y) = main_atoms(p), main_atoms(q)
    atoms = np.union1d(x, y)
    difference = np.zeros(len(atoms))
    difference[np.searchsorted(atoms, x)] += mass_x
    difference[np.searchsorted(atoms, y)] -= mass_y
    if len(atoms) > _MOST_NODES:
        raise NoClosedFormError(
            f"The measures have {len(atoms):,} atoms, too many pairs to add up. Draw samples "
            f"from them and pass those."
        )
    gram = kernel.of_squared_distance((atoms[:, None] - atoms[None, :]) ** 2)
    return float(difference @ gram @ difference)


def _mixture(family: Family) -> NormalMixture | None:
    if isinstance(family, NormalMixture):
        return family
    single = moments(family)
    if single is None:
        return None
    return NormalMixture(np.ones(1), single[0][None], single[1][None])


def _of_mixtures(kernel: PositiveKernel, p: NormalMixture, q: NormalMixture) -> Answer | None:
    defects = _defects(p, q)
    if isinstance(kernel, GaussianKernel):
        value = float(defects(np.array([0.5 / float(kernel.bandwidth) ** 2]))[0])
        return Reading(value, 0.0), "exact: formula for normal mixtures"
    log_weight = _width_density(kernel)
    if log_weight is None:
        return None
    scale = 1 / max(float(np.trace(c)) for c in (*p.covariances, *q.covariances))

    def values(kind: Array, anchor: Array, t: Array) -> Array:
        rate = np.exp(anchor + t)
        return defects(rate) * np.exp(log_weight(rate) + anchor + t)

    center = math.log(scale)
    pieces = pieces_between(-math.inf, math.inf, center + np.linspace(-12, 12, 13))
    total, error = integrate(values, pieces)
    words, warning = precision_words(float(error[0]), float(total[0]))
    prefix = "" if warning else "exact: "
    return (
        Reading(float(total[0]), 0.0, notes=warning),
        f"{prefix}integral over Gaussian kernels, {words}",
    )


def _width_density(kernel: Any) -> Callable[[Array], Array] | None:
    """Log-density w(s) with which the kernel is c + the integral of w(s) exp(-s r^2) ds."""
    if isinstance(kernel, EnergyKernel):
        return lambda s: -1.5 * np.log(s) - math.log(2 * math.sqrt(math.pi))
    if isinstance(kernel, LaplacianKernel):
        h = float(kernel.bandwidth)
        return lambda s: (
            -1 / (4 * h**2 * s) - 1.5 * np.log(s) - math.log(2 * h * math.sqrt(math.pi))
        )
    if isinstance(kernel, RationalQuadraticKernel):
        a, h = float(kernel.alpha), float(kernel.bandwidth)
        b = 2 * a * h**2
        return lambda s: (a - 1) * np.log(s) - b * s + a * math.log(b) - float(gammaln(a))
    return None


def _defects(p: NormalMixture, q: NormalMixture) -> Callable[[Array], Array]:
    """MMD² with the kernel exp(-s r²), as a function of s."""
    weights = np.concatenate([p.weights, -q.weights])
    means = np.concatenate([p.means, q.means])
    covariances = np.concatenate([p.covariances, q.covariances])
    rows, columns = np.triu_indices(len(weights))
    spectra, vectors = np.linalg.eigh(covariances[rows] + covariances[columns])
    shifts = np.einsum("nij,ni->nj", vectors, means[rows] - means[columns]) ** 2
    share = weights[rows] * weights[columns] * np.where(rows == columns, 1.0, 2.0)

    def defects(s: Array) -> Array:
        flat = np.ravel(s)[:, None]
        log = np.zeros((flat.shape[0], len(share)))
        for j in range(spectra.shape[1]):
            grown = 2 * flat * spectra[:, j]
            log -= np.log1p(grown) / 2 + flat * shifts[:, j] / (1 + grown)
        # The weights sum to zero: leaving out the ones keeps digits where s is small.
        return np.asarray((np.expm1(log) @ share).reshape(np.shape(s)))

    return defects


def _smooth_on_the_line(kernel: PositiveKernel, p: Law, q: Law) -> Answer | None:
    previous, nodes = math.nan, 129
    while nodes < _MOST_NODES:
        points, masses = zip(_nodes(p, nodes), _nodes(q, nodes), strict=True)
        x = np.concatenate(points)
        weights = np.concatenate([masses[0], -masses[1]])
        value = 0.0
        for rows in np.array_split(np.arange(len(x)), max(1, len(x) ** 2 // 4_000_000)):
            gram = kernel.of_squared_distance((x[rows, None] - x[None, :]) ** 2)
            value += float(weights[rows] @ gram @ weights)
        error = abs(value - previous)
        if error < 1e-13:
            break
        previous, nodes = value, 2 * nodes - 1
    words, warning = precision_words(error, value)
    prefix = "" if warning else "exact: "
    return Reading(value, 0.0, notes=warning), f"{prefix}quantile quadrature, {words}"


def _nodes(law: Law, count: int) -> tuple[Array, Array]:
    """Points and weights that integrate smooth functions against a law."""
    if law.discrete:
        return main_atoms(law)
    # Double-exponential nodes in the level u, each half reckoned from its own end.
    y = np.linspace(-4.2, 4.2, count)
    argument = math.pi * np.sinh(y)
    weight = (y[1] - y[0]) * math.pi * np.cosh(y) * expit(argument) * expit(-argument)
    level = np.maximum(expit(-np.abs(argument)), 1e-300)
    points = np.where(y < 0, law.quantile(level), law.upper_quantile(level))
    # The quantile of a heavy tail overflows where the level is next to nothing.
    held = np.isfinite(points)
    return points[held], weight[held]
