"""Every divergence of ratios, from the most exact way that its pair of families allows."""

from __future__ import annotations

import math
from dataclasses import dataclass

from divergences.closed_form.discrete import log_power_over_atoms, ratio_over_atoms
from divergences.closed_form.exponential_family import chart_of
from divergences.closed_form.finiteness import is_finite_in_space
from divergences.closed_form.gaussian import white_pair
from divergences.closed_form.integrand import integrand_of, power_of
from divergences.closed_form.line import UNKNOWN_TAILS, log_power_on_the_line, ratio_on_the_line
from divergences.closed_form.monte_carlo import ratio_by_draws
from divergences.closed_form.plane import ratio_in_the_plane
from divergences.closed_form.quadrature import precision_words
from divergences.closed_form.registry import Answer, exact, register
from divergences.definitions import (
    ChiSquared,
    KullbackLeibler,
    RatioDivergence,
    Renyi,
    ReverseKL,
)
from divergences.estimate import Reading
from divergences.measures.families import Cauchy, Family, Line
from divergences.measures.known import Known
from divergences.measures.multivariate import Dirichlet, MultivariateNormal, Product
from divergences.work import Run


@dataclass(frozen=True)
class LogPower:
    """ln of the integral of p^a q^(1 - a), its error, how it was found and what to know."""

    value: float
    error: float
    how: str
    notes: tuple[str, ...] = ()


@register(RatioDivergence, Family)
def ratio_divergence(definition: RatioDivergence, p: Known, q: Known, run: Run) -> Answer | None:
    """Formula, then sum, then quadrature, then Monte Carlo."""
    if p.discrete != q.discrete:
        return _singular(definition)
    alpha = power_of(definition)
    if alpha is not None:
        power = _log_power(p.family, q.family, alpha)
        if power is not None:
            return _read_power(definition, power)
    if isinstance(definition, KullbackLeibler | ReverseKL):
        forward = isinstance(definition, KullbackLeibler)
        answer = _kullback_leibler(p.family, q.family) if forward else None
        if not forward:
            answer = _kullback_leibler(q.family, p.family)
        if answer is not None:
            return answer
    return _integrated(definition, p, q) or _by_parts(definition, p, q, run)


def ratio_without_formula(definition: RatioDivergence, p: Known, q: Known, run: Run) -> Answer:
    """Monte Carlo, for discrete measures whose sum over the atoms does not end."""
    reading, how = ratio_by_draws(definition, p, q, run)
    integrand = integrand_of(definition)
    bounded = integrand.upper.kind == integrand.lower.kind == "bounded"
    sure = bounded or math.isinf(reading.inner)
    return reading.with_notes(*(() if sure else (UNKNOWN_TAILS,))), how


def _singular(definition: RatioDivergence) -> Answer:
    integrand = integrand_of(definition)
    inner = integrand.upper.limit + integrand.lower.limit
    if isinstance(definition, Renyi):
        inner = math.inf
    return Reading(inner, 0.0), "exact: one measure is discrete and the other has a density"


def _integrated(definition: RatioDivergence, p: Known, q: Known) -> Answer | None:
    if p.d == 1:
        assert p.law is not None
        if p.discrete:
            value, error, notes = ratio_over_atoms(definition, p.family, q.family)
            return _answer(value, error, notes, "sum over atoms")
        value, error, notes = ratio_on_the_line(definition, p.family, q.family)
        return _answer(value, error, notes, "quadrature in 1-D")
    return None


def _by_parts(definition: RatioDivergence, p: Known, q: Known, run: Run) -> Answer:
    """In several dimensions: without the independent features that agree."""
    factors = _factors(p.family, q.family)
    if factors is not None:
        if not factors:
            return Reading(0.0, 0.0), "exact: the measures are equal"
        first, second = (_joined([pair[side] for pair in factors]) for side in (0, 1))
        if first.d < p.d or (first.d == 1):
            known_p, known_q = Known(first, first), Known(second, second)
            reading, how = exact(definition, known_p, known_q, run)
            return reading, f"{how}, after reduction from {p.d} to {first.d} dimensions"
        p, q = Known(first, first), Known(second, second)
    finite = is_finite_in_space(integrand_of(definition), p.family, q.family)
    if finite is False:
        return Reading(math.inf, 0.0), "exact: infinite"
    notes = () if finite else (UNKNOWN_TAILS,)
    if p.d == 2 and not p.discrete:
        found = ratio_in_the_plane(definition, p.family, q.family)
        if found is not None:
            return _answer(*found, notes, "quadrature in 2-D")
    reading, how = ratio_by_draws(definition, p, q, run)
    return reading.with_notes(*notes), how


def _joined(factors: list[Line]) -> Family:
    return factors[0] if len(factors) == 1 else Product(tuple(factors))


def _factors(p: Family, q: Family) -> list[tuple[Line, Line]] | None:
    """Independent pairs on the line that are sufficient for the ratio, None if unknown."""
    pair = white_pair(p, q)
    if pair is not None and p.d > 1:
        return pair.factors()
    if isinstance(p, Product) and isinstance(q, Product):
        both = zip(p.factors, q.factors, strict=True)
        return [(first, second) for first, second in both if not first.same_as(second)]
    if isinstance(p, Dirichlet) and isinstance(q, Dirichlet) and p.d == 2:
        return [(_beta(p), _beta(q))]
    return None


def _beta(family: Dirichlet) -> Line:
    from divergences.measures.families import Beta

    return Beta(float(family.alpha[0]), float(family.alpha[1]))


def _answer(value: float, error: float, notes: tuple[str, ...], engine: str) -> Answer:
    if math.isinf(value):
        return Reading(value, 0.0, notes=notes), "exact: infinite"
    words, warning = precision_words(error, value)
    how = f"{'' if warning else 'exact: '}{engine}, {words}"
    return Reading(value, 0.0, notes=(*notes, *warning)), how


def _kullback_leibler(p: Family, q: Family) -> Answer | None:
    pair = white_pair(p, q)
    if pair is not None:
        return Reading(pair.kullback_leibler(), 0.0), f"exact: log-normalizer of {_name(p)}"
    chart = chart_of(p, q)
    if chart is not None:
        return Reading(chart.kullback_leibler(), 0.0), f"exact: log-normalizer of {chart.name}"
    if isinstance(p, Cauchy) and isinstance(q, Cauchy):
        # Chyzak and Nielsen (2019).
        excess = (p.scale - q.scale) ** 2 + (p.loc - q.loc) ** 2
        value = math.log1p(excess / (4 * p.scale * q.scale))
        return Reading(value, 0.0), "exact: formula for Cauchy"
    if isinstance(p, Product) and isinstance(q, Product):
        parts = [_line_kl(a, b) for a, b in zip(p.factors, q.factors, strict=True)]
        value = math.fsum(part[0].inner for part in parts)
        notes = tuple(dict.fromkeys(note for part in parts for note in part[0].notes))
        hows = dict.fromkeys(part[1].removeprefix("exact: ") for part in parts)
        return Reading(value, 0.0, notes=notes), f"exact: sum over features ({'; '.join(hows)})"
    return None


def _line_kl(p: Line, q: Line) -> Answer:
    if p.same_as(q):
        return Reading(0.0, 0.0), "equal"
    found = _kullback_leibler(p, q)
    if found is not None:
        return found
    if p.discrete:
        return _answer(*ratio_over_atoms(KullbackLeibler(), p, q), "sum over atoms")
    return _answer(*ratio_on_the_line(KullbackLeibler(), p, q), "quadrature in 1-D")


def _log_power(p: Family, q: Family, alpha: float) -> LogPower | None:
    pair = white_pair(p, q)
    if pair is not None:
        return LogPower(pair.log_power(alpha), 0.0, f"exact: log-normalizer of {_name(p)}")
    chart = chart_of(p, q)
    if chart is not None:
        return LogPower(chart.log_power(alpha), 0.0, f"exact: log-normalizer of {chart.name}")
    if isinstance(p, Product) and isinstance(q, Product):
        parts = [
            LogPower(0.0, 0.0, "exact: equal") if a.same_as(b) else _log_power(a, b, alpha)
            for a, b in zip(p.factors, q.factors, strict=True)
        ]
        known = [part for part in parts if part is not None]
        if len(known) < len(parts):
            return None
        hows = dict.fromkeys(part.how.removeprefix("exact: ") for part in known)
        return LogPower(
            math.fsum(part.value for part in known),
            math.fsum(part.error for part in known),
            f"exact: product over features ({'; '.join(hows)})",
            tuple(dict.fromkeys(note for part in known for note in part.notes)),
        )
    if p.d == 1 and p.discrete:
        assert p.law is not None
        assert q.law is not None
        log = log_power_over_atoms(p.law, q.law, alpha)
        return None if log is None else LogPower(log, 0.0, "exact: sum over atoms")
    if p.d == 1:
        value, error, notes = log_power_on_the_line(p, q, alpha)
        words, warning = precision_words(error, value)
        prefix = "" if warning else "exact: "
        return LogPower(value, error, f"{prefix}quadrature in 1-D, {words}", (*notes, *warning))
    return None


def _read_power(definition: RatioDivergence, power: LogPower) -> Answer:
    log, notes = power.value, power.notes
    how = "exact: infinite" if log == math.inf else power.how
    if isinstance(definition, Renyi):
        alpha = definition.alpha
        value = log / ((alpha - 1) * math.log(definition.base))
        excess = math.expm1(log) if log < 700 else math.inf
        return Reading(excess / (alpha * (alpha - 1)), 0.0, notes=notes, value=value), how
    if isinstance(definition, ChiSquared):
        return Reading(math.expm1(log) if log < 709 else math.inf, 0.0, notes=notes), how
    return Reading(-math.expm1(log), 0.0, notes=notes), how


def _name(family: Family) -> str:
    name = type(family).__name__
    return "Normal" if isinstance(family, MultivariateNormal) else name
