"""Sums over the atoms of discrete measures."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import logsumexp

from divergences.closed_form.integrand import integrand_of
from divergences.closed_form.line import UNKNOWN_TAILS, is_finite
from divergences.definitions import RatioDivergence
from divergences.errors import NoClosedFormError
from divergences.measures._laws import FiniteLaw, Law
from divergences.measures.families import Family

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_CHUNK = 4_096
_MOST_ATOMS = 200_000
_NEGLIGIBLE = 1e-18


def ratio_over_atoms(
    definition: RatioDivergence, p: Family, q: Family
) -> tuple[float, float, tuple[str, ...]]:
    """Supremum over critics for two discrete measures on the line, its error, and notes."""
    integrand = integrand_of(definition)
    law_p, law_q = p.law, q.law
    assert law_p is not None
    assert law_q is not None
    low = max(law_p.support[0], law_q.support[0])
    high = min(law_p.support[1], law_q.support[1])
    finite = is_finite(integrand, p, q, low, high) if low < high else True
    if finite is False:
        return math.inf, 0.0, ()
    total = 0.0
    for atoms in chunks(law_p, law_q):
        log_p, log_q = law_p.log_density(atoms), law_q.log_density(atoms)
        part = math.fsum(integrand(log_p, log_q))
        total += part
        if math.isinf(total):
            return math.inf, 0.0, ()
        if _is_spent(law_p, law_q, atoms, abs(part), abs(total)):
            break
    unbounded = integrand.upper.kind != "bounded" or integrand.lower.kind != "bounded"
    notes = (UNKNOWN_TAILS,) if finite is None and unbounded else ()
    return total, 1e-15 * max(1.0, abs(total)), notes


def log_power_over_atoms(p: Law, q: Law, alpha: float) -> float | None:
    """ln of the sum of p^alpha q^(1 - alpha) for two finite laws, None for others."""
    atoms_p, atoms_q = atoms_of(p), atoms_of(q)
    if atoms_p is None or atoms_q is None:
        return None
    atoms = np.union1d(atoms_p, atoms_q)
    log_p, log_q = p.log_density(atoms), q.log_density(atoms)
    held = np.isfinite(log_p)
    if alpha > 1 and np.isneginf(log_q[held]).any():
        return math.inf
    held &= np.isfinite(log_q)
    if not held.any():
        return -math.inf
    return float(logsumexp(alpha * log_p[held] + (1 - alpha) * log_q[held]))


def _is_spent(p: Law, q: Law, atoms: Array, part: float, total: float) -> bool:
    last = atoms[-1]
    beyond = float(p.survival(last)) + float(q.survival(last))
    return beyond < _NEGLIGIBLE and part <= _NEGLIGIBLE * max(total, 1e-300)


def chunks(*laws: Law) -> Iterator[Array]:
    """Atoms of discrete laws in increasing order, chunk by chunk, without end where there is none.

    Raises
    ------
    NoClosedFormError
        If there are too many to add up.
    """
    finite = [atoms_of(law) for law in laws]
    if all(atoms is not None for atoms in finite):
        yield np.unique(np.concatenate([atoms for atoms in finite if atoms is not None]))
        return
    low = min(law.support[0] for law in laws)
    if math.isinf(low):
        raise NoClosedFormError(_ENDLESS)
    own = [atoms for atoms in finite if atoms is not None]
    for start in range(0, _MOST_ATOMS, _CHUNK):
        grid = low + np.arange(start, start + _CHUNK)
        extra = [atoms[(atoms >= grid[0]) & (atoms < grid[-1] + 1)] for atoms in own]
        yield np.unique(np.concatenate([grid, *extra]))
    raise NoClosedFormError(_ENDLESS)


_ENDLESS = (
    "The sum over the atoms of these measures does not end within 200,000 of them. Draw "
    "samples from them and pass those."
)


def atoms_of(law: Any) -> Array | None:
    """Atoms of a finite law, None where there are too many to list."""
    if isinstance(law, FiniteLaw):
        return law.values
    low, high = law.support
    if math.isfinite(high - low) and high - low < _MOST_ATOMS:
        return np.arange(low, high + 1)
    return None


def main_atoms(law: Law) -> tuple[Array, Array]:
    """Atoms and masses of a discrete law, down to a tail of negligible mass."""
    atoms, masses = [], []
    for points in chunks(law):
        atoms.append(points)
        masses.append(np.exp(law.log_density(points)))
        if float(law.survival(points[-1])) < _NEGLIGIBLE:
            break
    every, weights = np.concatenate(atoms), np.concatenate(masses)
    held = weights > _NEGLIGIBLE * 1e-6
    return every[held], weights[held]


def truncated(law: Law) -> Law:
    """A discrete law with its atoms listed, down to a tail of negligible mass."""
    return FiniteLaw(*main_atoms(law)) if law.discrete else law
