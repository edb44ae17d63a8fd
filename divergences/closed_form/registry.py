"""Formulas by pair of families: the nearest pair wins, the general engines come last."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

from divergences.definitions import Definition
from divergences.errors import NoClosedFormError
from divergences.estimate import Reading
from divergences.measures.families import Family
from divergences.measures.known import Known
from divergences.work import Run

Answer = tuple[Reading, str]
Formula = Callable[[Any, Known, Known, Run], Answer | None]
Function = TypeVar("Function", bound=Formula)

_FORMULAS: dict[tuple[type[Definition], type, type], Formula] = {}


def register(
    definition: type[Definition], kind_p: type, kind_q: type | None = None
) -> Callable[[Function], Function]:
    """Register the function that gives a divergence between two kinds of measures.

    The function takes (definition, p, q, run), p and q of class `Known`, and returns a
    `Reading` and a few words that tell how it was found; or None where it does not apply, and
    the next nearest function is asked. The pair that is nearest in the class hierarchies wins,
    the definition's first.

    Parameters
    ----------
    definition : type
        The class of the divergence, or one above it.
    kind_p, kind_q : type
        A family such as `families.Normal`, or the class of the distribution objects themselves;
        both the same where `kind_q` is left out.

    Examples
    --------
    >>> import torch
    >>> import divergences as dv
    >>> from divergences import closed_form
    >>> from divergences.estimate import Reading
    >>> class Spike(torch.distributions.Normal):
    ...     pass
    >>> @closed_form.register(dv.Wasserstein, Spike)
    ... def _spikes(definition, p, q, run):
    ...     distance = abs(float(p.source.loc - q.source.loc))
    ...     return Reading(distance**definition.order, 0.0), "exact: spikes"
    >>> dv.wasserstein_distance(Spike(0.0, 0.1), Spike(3.0, 0.1))
    W1 = 3 data units (exact: spikes; d=1)
    """

    def enter(function: Function) -> Function:
        _FORMULAS[definition, kind_p, kind_p if kind_q is None else kind_q] = function
        return function

    return enter


def exact(definition: Definition, p: Known, q: Known, run: Run) -> Answer:
    """Return the divergence of two known measures, and in words how it was found.

    Parameters
    ----------
    definition : Definition
        What to compute.
    p, q : Known
        The measures.
    run : Run
        Randomness, for what only Monte Carlo reaches.

    Returns
    -------
    Reading
        `stderr` is zero unless Monte Carlo was used.
    str
        How it was found.

    Raises
    ------
    ValueError
        If the measures have different numbers of features.
    NoClosedFormError
        If no formula, integral or sum is known for the pair.
    """
    if p.d != q.d:
        raise ValueError(
            f"p and q must have the same number of features, but p = {p!r} has {p.d} and "
            f"q = {q!r} has {q.d}."
        )
    if p.source is q.source or p.family.same_as(q.family):
        return Reading(0.0, 0.0), "exact: the measures are equal"
    for formula in _nearest_first(type(definition), p, q):
        answer = formula(definition, p, q, run)
        if answer is not None:
            if math.isnan(answer[0].inner):
                break
            return answer
    raise NoClosedFormError(
        f"No exact {definition.title} ({definition.symbol}) is known between {p!r} and {q!r}. "
        f"Draw samples from them and pass those, or register a formula with "
        f"divergences.closed_form.register."
    )


def _nearest_first(definition: type[Definition], p: Known, q: Known) -> list[Formula]:
    of_definition = list(definition.__mro__)
    kinds_p, kinds_q = _kinds(p), _kinds(q)
    found: list[tuple[int, int, int, Formula]] = []
    for (wanted, kind_p, kind_q), formula in _FORMULAS.items():
        if wanted in of_definition and kind_p in kinds_p and kind_q in kinds_q:
            distance = kinds_p.index(kind_p) + kinds_q.index(kind_q)
            found.append((of_definition.index(wanted), distance, len(found), formula))
    return [formula for *_, formula in sorted(found, key=lambda entry: entry[:3])]


def _kinds(known: Known) -> list[type]:
    family = [kind for kind in type(known.family).__mro__ if issubclass(kind, Family)]
    source = [kind for kind in type(known.source).__mro__ if kind is not object]
    return [kind for kind in source if kind not in family] + family
