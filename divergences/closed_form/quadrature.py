"""Integrals on the line by double-exponential quadrature, with the error that they reached."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.integrate import tanhsinh
from scipy.optimize.elementwise import find_root

from divergences.errors import NoClosedFormError
from divergences.measures._laws import Law, MixtureLaw, ScipyLaw

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

TARGET = 1e-10
_USELESS = 1e-3
_RELATIVE = 1e-13
_ABSOLUTE = 1e-15
_BISECTIONS = 60
_MOST_PIECES = 4_000
_LEVELS = np.array([1e-12, 1e-9, 1e-6, 1e-4, 1e-2, 0.1, 0.3, 0.5])


@dataclass(frozen=True)
class Pieces:
    """Intervals [anchor, anchor + scale y], y from 0 to 1 or to infinity; scale may be negative."""

    anchor: Array
    scale: Array
    end: Array

    def split(self, which: NDArray[np.bool_]) -> Pieces:
        """Cut the chosen pieces in two, infinite ones at y = 1, and keep only those."""
        anchor, scale, end = self.anchor[which], self.scale[which], self.end[which]
        finite = np.isfinite(end)
        first = np.where(finite, scale / 2, scale)
        # Halves keep their anchors, so that both stay exact beside the end of a support.
        return Pieces(
            np.concatenate([anchor, anchor + first]),
            np.concatenate([first, np.where(finite, scale / 2, 2 * scale)]),
            np.concatenate([np.ones_like(end), end]),
        )


def pieces_between(low: float, high: float, landmarks: Iterable[float]) -> Pieces:
    """Cut an interval at the landmarks inside it, its finite ends being anchors."""
    inside = np.unique([x for x in landmarks if low < x < high and math.isfinite(x)])
    if len(inside) == 0:
        both = math.isfinite(low) and math.isfinite(high)
        middle = (low + high) / 2 if both else (low + 1 if math.isfinite(low) else high - 1)
        inside = np.array([middle if math.isfinite(middle) else 0.0])
    anchors, scales, ends = list(inside[:-1]), list(np.diff(inside)), [1.0] * (len(inside) - 1)
    spread = (inside[-1] - inside[0]) / 2 or max(1.0, abs(float(inside[0])))
    for end, nearest, sign in ((low, inside[0], -1.0), (high, inside[-1], 1.0)):
        if math.isfinite(end):
            anchors.append(end)
            scales.append(nearest - end)
            ends.append(1.0)
        else:
            anchors.append(nearest)
            scales.append(sign * spread)
            ends.append(math.inf)
    return Pieces(np.array(anchors), np.array(scales), np.array(ends))


def integrate(
    function: Callable[[Array, Array, Array], Array],
    pieces: Pieces,
    kinds: int = 1,
    relative: float = _RELATIVE,
) -> tuple[Array, Array]:
    """Integrate function(kind, anchor, t) over anchor + t for each kind 0, 1, ...

    Pieces that do not converge to the relative error are cut in two until they do.

    Returns
    -------
    (ndarray of shape (kinds,), ndarray of shape (kinds,))
        Integrals and estimates of their errors.

    Raises
    ------
    NoClosedFormError
        If the integrand is not finite, or takes too many pieces.
    """

    def in_unit(y: Array, kind: Array, anchor: Array, scale: Array) -> Array:
        with np.errstate(all="ignore"):
            return function(kind, anchor, y * scale) * np.abs(scale)

    labels = np.arange(kinds)[:, None]
    total, error, used = np.zeros(kinds), np.zeros(kinds), 0
    for attempt in range(_BISECTIONS):
        with np.errstate(all="ignore"):
            found = tanhsinh(
                in_unit,
                np.zeros_like(pieces.end),
                pieces.end,
                args=(labels, pieces.anchor, pieces.scale),
                atol=_ABSOLUTE,
                rtol=relative,
                maxlevel=8,
            )
        used += len(pieces.end)
        last = attempt == _BISECTIONS - 1 or used > _MOST_PIECES
        good = np.asarray(found.success.all(axis=0) | last)
        total += np.sum(found.integral[:, good], axis=1)
        error += np.sum(np.abs(found.error[:, good]), axis=1)
        if good.all():
            break
        pieces = pieces.split(~good)
    if not np.isfinite(total).all():
        raise NoClosedFormError(
            "The integrand is not finite everywhere, so that quadrature gave no value. Draw "
            "samples from the measures and pass those."
        )
    return total, error


def landmarks(law: Law) -> list[float]:
    """Points between which the density varies slowly: quantiles, of each part of a mixture."""
    if isinstance(law, MixtureLaw):
        return [x for part in law.parts for x in landmarks(part)]
    try:
        quantiles = np.concatenate([law.quantile(_LEVELS), law.upper_quantile(_LEVELS)])
    except NoClosedFormError:
        quantiles = np.quantile(law.sample(10_000, np.random.default_rng(0)), _LEVELS[3:])
    points = [float(x) for x in quantiles if math.isfinite(x)]
    if isinstance(law, ScipyLaw) and not law.discrete:
        points.append(law.loc)
    return points


def crossings(function: Callable[[Array, Array], Array], pieces: Pieces) -> list[float]:
    """Where function(anchor, t) changes its sign, for cutting the pieces there."""
    inner = np.linspace(0, 1, 41)
    outer = np.append(0.0, np.geomspace(1e-4, 1e4, 65))
    found: list[float] = []
    for finite, grid in ((True, inner), (False, outer)):
        chosen = np.isfinite(pieces.end) == finite
        anchor, scale = pieces.anchor[chosen, None], pieces.scale[chosen, None]
        if not chosen.any():
            continue
        with np.errstate(all="ignore"):
            values = function(anchor, scale * grid)
        values = np.where(np.abs(values) < 1e-13, 0.0, values)
        rows, columns = np.nonzero(np.sign(values[:, :-1]) * np.sign(values[:, 1:]) < 0)
        exact_rows, exact_columns = np.nonzero(values == 0)
        zeros = (anchor + scale * grid)[exact_rows, exact_columns]
        found += list(zeros) if 0 < len(zeros) < len(grid) else []
        if len(rows) == 0:
            continue
        anchor, scale = anchor[rows, 0], scale[rows, 0]

        def at(y: Array, anchor: Array, scale: Array) -> Array:
            with np.errstate(all="ignore"):
                return function(anchor, y * scale)

        root = find_root(at, (grid[columns], grid[columns + 1]), args=(anchor, scale))
        found += list((anchor + scale * root.x)[root.success])
    return found


def precision_words(error: float, value: float) -> tuple[str, tuple[str, ...]]:
    """Say what error was reached, and warn where it is above the target.

    Raises
    ------
    NoClosedFormError
        If the error leaves nothing of the value, as where the integral is infinite.
    """
    if not error <= _USELESS * max(1.0, abs(value)):
        raise NoClosedFormError(
            f"The quadrature did not converge (value {value:.3g}, error about {error:.0e}): the "
            f"divergence may be infinite. Draw samples from the measures and pass those."
        )
    if not error <= TARGET * max(1.0, abs(value)):
        note = f"The quadrature reached an error of about {error:.0e}, above the target of 1e-10."
        return f"error about {error:.0e}", (note,)
    power = max(-14, math.ceil(math.log10(max(error, 1e-300))))
    return f"error below 1e{power:d}", ()
