"""Wasserstein distances: quantile and CDF integrals on the line, formulas in more dimensions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import gammaln

from divergences.closed_form.discrete import main_atoms, truncated
from divergences.closed_form.gaussian import gaussian_entropic_cost, moments, squared_bures
from divergences.closed_form.quadrature import (
    crossings,
    integrate,
    landmarks,
    pieces_between,
    precision_words,
)
from divergences.closed_form.registry import Answer, exact, register
from divergences.closed_form.tails import has_moment, power_law, terms_at
from divergences.definitions import Sinkhorn, SlicedWasserstein, Wasserstein
from divergences.errors import NoClosedFormError
from divergences.estimate import Reading
from divergences.measures import families as f
from divergences.measures._laws import Law
from divergences.measures.known import Known
from divergences.measures.multivariate import (
    MultivariateNormal,
    MultivariateT,
    Product,
)
from divergences.work import Run

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_LEVELS = np.array([1e-14, 1e-10, 1e-7, 1e-5, 1e-3, 0.02, 0.1, 0.3, 0.5])
_DIRECTIONS = 100_000
_DOUBTED = 10.0  # the quadrature's error is itself an estimate
# Of normals, the error at which quadrature stops by itself was estimated 20 times too small.
_RELATIVE = _ROUNDING = 1e-14

_LOCATIONS: dict[type, str] = {
    f.Normal: "mean",
    f.Laplace: "loc",
    f.Exponential: "loc",
    f.Gamma: "loc",
    f.LogNormal: "loc",
    f.Weibull: "loc",
    f.Pareto: "loc",
    f.Cauchy: "loc",
    f.StudentT: "loc",
    f.Logistic: "loc",
    MultivariateNormal: "mean",
    MultivariateT: "loc",
}


@register(Wasserstein, f.Family)
def wasserstein(definition: Wasserstein, p: Known, q: Known, run: Run) -> Answer | None:
    """A shift, a line, or W2 where a formula exists."""
    shift = shift_between(p.family, q.family)
    if shift is not None:
        length = float(np.linalg.norm(shift))
        return Reading(length**definition.order, 0.0, value=length), "exact: a shift"
    if p.d == 1:
        return _on_the_line(definition.order, p.family, q.family)
    return _second_order(p, q, run) if definition.order == 2 else None


@register(SlicedWasserstein, f.Family)
def sliced_wasserstein(
    definition: SlicedWasserstein, p: Known, q: Known, run: Run
) -> Answer | None:
    """A line, a shift, or the mean over directions for normals."""
    order = definition.order
    if p.d == 1:
        return wasserstein(Wasserstein(order), p, q, run)
    shift = shift_between(p.family, q.family)
    if shift is not None:
        log_share = gammaln(p.d / 2) + gammaln((order + 1) / 2)
        log_share -= math.log(math.pi) / 2 + gammaln((p.d + order) / 2)
        length = float(np.linalg.norm(shift))
        return Reading(length**order * math.exp(log_share), 0.0), "exact: a shift"
    first, second = moments(p.family), moments(q.family)
    if order != 2 or first is None or second is None:
        return None
    return _sliced_normals(first, second, run)


@register(Sinkhorn, f.Normal)
@register(Sinkhorn, MultivariateNormal)
def sinkhorn_normals(definition: Sinkhorn, p: Known, q: Known, run: Run) -> Answer | None:
    """Janati, Muzellec, Peyré and Cuturi (2020)."""
    first, second = moments(p.family), moments(q.family)
    if definition.order != 2 or first is None or second is None:
        return None
    if definition.epsilon == "auto":
        raise NoClosedFormError(
            'epsilon="auto" follows the samples, and known measures have none. Give a number, '
            "such as Sinkhorn(order=2, epsilon=0.1)."
        )
    epsilon = float(definition.epsilon)
    cross = gaussian_entropic_cost(first, second, epsilon)
    own = [gaussian_entropic_cost(side, side, epsilon) for side in (first, second)]
    return Reading(cross - sum(own) / 2, 0.0), "exact: formula for Normal"


def shift_between(p: f.Family, q: f.Family) -> Array | None:
    """The vector by which P must be moved to be Q, None where they differ otherwise."""
    if type(p) is not type(q):
        return None
    if isinstance(p, f.Uniform) and isinstance(q, f.Uniform):
        equal = math.isclose(p.high - p.low, q.high - q.low, rel_tol=1e-15)
        return np.array([q.low - p.low]) if equal else None
    if isinstance(p, Product) and isinstance(q, Product):
        shifts = [shift_between(a, b) for a, b in zip(p.factors, q.factors, strict=True)]
        found = [shift for shift in shifts if shift is not None]
        return np.concatenate(found) if len(found) == len(shifts) else None
    location = _LOCATIONS.get(type(p))
    if location is None or not _equal_but(p, q, location):
        return None
    return np.atleast_1d(np.asarray(getattr(q, location)) - np.asarray(getattr(p, location)))


def _equal_but(p: Any, q: Any, name: str) -> bool:
    fields = [field for field in p.__dataclass_fields__ if field != name]
    return all(np.array_equal(getattr(p, field), getattr(q, field)) for field in fields)


def _second_order(p: Known, q: Known, run: Run) -> Answer | None:
    first, second = moments(p.family), moments(q.family)
    if first is not None and second is not None:
        cost = float(np.sum((first[0] - second[0]) ** 2)) + squared_bures(first[1], second[1])
        return Reading(cost, 0.0), "exact: formula for Normal"
    a, b = p.family, q.family
    if isinstance(a, MultivariateT) and isinstance(b, MultivariateT) and a.df == b.df:
        if a.df <= 2:
            return Reading(math.inf, 0.0), "exact: infinite"
        spread = squared_bures(a.shape, b.shape) * a.df / (a.df - 2)
        cost = float(np.sum((a.loc - b.loc) ** 2)) + spread
        return Reading(cost, 0.0), "exact: formula for MultivariateT"
    if isinstance(a, Product) and isinstance(b, Product):
        parts = [
            exact(Wasserstein(2.0), Known(x, x), Known(y, y), run)
            for x, y in zip(a.factors, b.factors, strict=True)
        ]
        hows = dict.fromkeys(how.removeprefix("exact: ") for _, how in parts)
        notes = tuple(dict.fromkeys(note for reading, _ in parts for note in reading.notes))
        total = math.fsum(reading.inner for reading, _ in parts)
        own = [reading.bracket or (math.sqrt(reading.inner),) * 2 for reading, _ in parts]
        low, high = (math.hypot(*ends) for ends in zip(*own, strict=True))
        reading = Reading(total, 0.0, notes=notes, bracket=(low, high))
        return reading, f"exact: sum over features ({'; '.join(hows)})"
    return None


def _sliced_normals(first: Any, second: Any, run: Run) -> Answer:
    (mean_p, cov_p), (mean_q, cov_q) = first, second
    d = len(mean_p)
    if d == 2:
        # The trapezoidal rule on a period converges geometrically.
        angles = np.arange(2_048) * (math.pi / 2_048)
        directions = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    else:
        noise = run.rng.standard_normal((_DIRECTIONS, d))
        directions = noise / np.linalg.norm(noise, axis=1, keepdims=True)
    spread_p, spread_q = (
        np.sqrt(np.einsum("ni,ij,nj->n", directions, cov, directions)) for cov in (cov_p, cov_q)
    )
    shift = float(np.sum((mean_p - mean_q) ** 2)) / d
    terms = (spread_p - spread_q) ** 2
    if d == 2 or np.ptp(terms) <= 1e-12 * terms.max():
        return Reading(shift + float(np.mean(terms)), 0.0), "exact: integral over directions"
    stderr = float(np.std(terms)) / math.sqrt(_DIRECTIONS)
    return (
        Reading(shift + float(np.mean(terms)), stderr),
        f"Monte Carlo over {_DIRECTIONS:,} directions",
    )


def _on_the_line(order: float, p: f.Family, q: f.Family) -> Answer:
    law_p, law_q = p.law, q.law
    assert law_p is not None
    assert law_q is not None
    if _is_infinite(order, p, q):
        return Reading(math.inf, 0.0), "exact: infinite"
    if law_p.discrete and law_q.discrete:
        return Reading(_between_atoms(law_p, law_q, order), 0.0), "exact: sum over atoms"
    law_p, law_q = truncated(law_p), truncated(law_q)
    if order == 1:
        value, error = cdf_integral(law_p, law_q, 1.0)
        words, warning = precision_words(error, value)
        engine = "CDF integral"
    else:
        value, error = _quantile_integral(law_p, law_q, order)
        words, warning = precision_words(error, value)
        engine = "quantile integral"
    notes = warning + _tail_notes(p, q)
    ends = max(0.0, value - _DOUBTED * error), value + _DOUBTED * error
    bracket = ends[0] ** (1 / order), ends[1] ** (1 / order)
    reading = Reading(value, 0.0, notes=notes, bracket=bracket)
    return reading, f"{'' if warning else 'exact: '}{engine}, {words}"


def _tail_notes(p: f.Family, q: f.Family) -> tuple[str, ...]:
    unknown = any(terms is None for family in (p, q) for terms in _both_ends(family))
    if not unknown:
        return ()
    return (
        "How fast a tail falls is not known here: if the distance is infinite, quadrature "
        "cannot tell.",
    )


def _both_ends(family: f.Family) -> list[Any]:
    law = family.law
    assert law is not None
    return [
        terms_at(family, end, side) if math.isinf(end) else {}
        for end, side in zip(law.support, (-1, 1), strict=True)
    ]


def _is_infinite(order: float, p: f.Family, q: f.Family) -> bool:
    """Whether the r-th moment of the difference of the quantiles is infinite."""
    return any(
        _tails_are_apart(first, second, order)
        for first, second in zip(_both_ends(p), _both_ends(q), strict=True)
        if first is not None and second is not None
    )


def _tails_are_apart(first: Any, second: Any, order: float) -> bool:
    finite = [not terms or has_moment(terms, order) for terms in (first, second)]
    if all(finite):
        return False
    if any(finite):
        return True
    tails = power_law(first), power_law(second)
    assert tails[0] is not None
    assert tails[1] is not None
    if not np.allclose(tails[0], tails[1], rtol=1e-12, atol=0):
        return True
    raise NoClosedFormError(
        "Both measures have the same heavy tail, whose difference no integral here resolves. "
        "Draw samples from them and pass those."
    )


def _between_atoms(p: Law, q: Law, order: float) -> float:
    (x, mass_x), (y, mass_y) = main_atoms(p), main_atoms(q)
    # Each half of the levels is reckoned from its own end, so that far atoms keep their mass.
    below = _half_between_atoms(x, mass_x, y, mass_y, order)
    return below + _half_between_atoms(x[::-1], mass_x[::-1], y[::-1], mass_y[::-1], order)


def _half_between_atoms(x: Array, mass_x: Array, y: Array, mass_y: Array, order: float) -> float:
    upto_x, upto_y = np.cumsum(mass_x), np.cumsum(mass_y)
    levels = np.unique(np.minimum(np.concatenate([upto_x, upto_y, [0.5]]), 0.5))
    steps = np.diff(np.append(0.0, levels))
    middle = levels - steps / 2
    at_x, at_y = x[np.searchsorted(upto_x, middle)], y[np.searchsorted(upto_y, middle)]
    return math.fsum(steps * np.abs(at_x - at_y) ** order)


def _quantile_integral(p: Law, q: Law, order: float) -> tuple[float, float]:
    levels = [
        np.unique(np.concatenate([_LEVELS, *_jumps(p, side), *_jumps(q, side)])) for side in (0, 1)
    ]

    def from_below(u: Array) -> Array:
        return p.quantile(u) - q.quantile(u)

    def from_above(u: Array) -> Array:
        return p.upper_quantile(u) - q.upper_quantile(u)

    differences = [from_below, from_above]
    unit = max(float(np.abs(difference(_LEVELS[5:])).max()) for difference in differences) or 1.0
    total, error = 0.0, 0.0
    for difference, cuts in zip(differences, levels, strict=True):
        coarse = pieces_between(0.0, 0.5, cuts)

        def gap(anchor: Array, t: Array, difference: Any = difference) -> Array:
            # At an anchor of 1/2 the level itself loses no digits that matter.
            level = np.clip(anchor + t, 1e-300, 0.5)
            return np.asarray(difference(level) / unit)

        pieces = pieces_between(0.0, 0.5, [*cuts, *crossings(gap, coarse)])
        found, missed = integrate(
            lambda kind, a, t: np.abs(gap(a, t)) ** order, pieces, relative=_RELATIVE
        )
        total, error = total + float(found[0]), error + float(missed[0])
    return total * unit**order, (error + _ROUNDING * total) * unit**order


def _jumps(law: Law, side: int) -> list[Array]:
    """Levels at which the quantile function jumps, from below or from above."""
    if not law.discrete:
        return []
    atoms, _ = main_atoms(law)
    levels = law.survival(atoms) if side else law.cdf(atoms)
    return [levels[(levels > 0) & (levels < 0.5)]]


def cdf_integral(p: Law, q: Law, power: float) -> tuple[float, float]:
    """Integral of |F - G|^power over the line, and its error."""
    low = min(p.support[0], q.support[0])
    high = max(p.support[1], q.support[1])
    points = landmarks(p) + landmarks(q) + [*p.support, *q.support]
    for law in (p, q):
        if law.discrete:
            points += list(main_atoms(law)[0])
    middle = float(np.median([*p.quantile(np.array([0.5])), *q.quantile(np.array([0.5]))]))
    unit = _typical_width(p, q)

    def gap(anchor: Array, t: Array) -> Array:
        x = anchor + t
        lower = p.cdf(x) - q.cdf(x)
        return np.asarray(np.where(x < middle, lower, q.survival(x) - p.survival(x)))

    points.append(middle)
    coarse = pieces_between(low, high, points)
    pieces = pieces_between(low, high, points + crossings(gap, coarse))
    found, missed = integrate(lambda kind, a, t: np.abs(gap(a, t)) ** power / unit, pieces)
    return float(found[0]) * unit, float(missed[0]) * unit


def _typical_width(p: Law, q: Law) -> float:
    levels = np.array([0.1, 0.9])
    quantiles = np.concatenate([p.quantile(levels), q.quantile(levels)])
    return float(np.ptp(quantiles)) or 1.0
