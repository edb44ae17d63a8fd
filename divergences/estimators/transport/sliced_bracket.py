"""Bounds from both sides on a sliced transport distance."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from divergences.estimators.transport.transport_bracket import (
    HeldOut,
    low_end,
    transport_bracket,
    tries_of,
    upper_end,
)
from divergences.inference.skewed_means import doubt_of_means
from divergences.measures.samples import Samples

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.definitions import SlicedWasserstein
    from divergences.estimate import Reading
    from divergences.estimators.transport.transport_bracket import Dual
    from divergences.inference.null_level import Pair
    from divergences.inference.skewed_means import Terms
    from divergences.work import Run


def sliced_bracket(
    definition: SlicedWasserstein,
    plug_in: Reading,
    on_p: Terms,
    on_q: Terms,
    along: Terms,
    most: int,
    run: Run,
) -> tuple[float, float]:
    r"""Bracket SW_r between held-out potentials and the plug-in, each widened to 95 %.

    Along each direction the potentials of `transport_bracket` are found on one half of the data
    and evaluated on the other. Their means over directions bound from below the mean of W_1, which
    is at most SW_r, and that of W_r^r. The mean at each point tells the sampling error, and the
    means along each direction that of the random directions; they are joined, with Student's
    quantile and the skewness of each. In simulations 94 to 100 % of brackets held the truth from 20
    directions on, but of 5 alone 90 %, where the costs of ten features are as skewed as the square
    of a normal variable.

    Parameters
    ----------
    definition : SlicedWasserstein
        The distance.
    plug_in : Reading
        Mean cost over the directions, with its standard error.
    on_p, on_q : (Samples, ndarray of shape (n,))
        The samples with their mean potentials.
    along : (Samples, ndarray of shape (k,))
        The directions, as points, with the costs along them.
    most : int
        Directions for the lower end: the first so many.
    run : Run
        Its generator draws the halves.

    Returns
    -------
    (float, float)
        Lower and upper end, in the units of the distance; 0 and infinity of one direction in more
        than one dimension, which does not tell how much others differ from it.
    """
    (p, _), (q, _), (directions, _) = on_p, on_q, along
    if p.d > 1 and directions.n == 1:
        return 0.0, math.inf
    others = (along,) if p.d > 1 else ()
    doubt = doubt_of_means(on_p, on_q, plug_in.stderr, others)
    plug_in = replace(plug_in, doubt=doubt)
    if p.d == 1:
        return transport_bracket(definition, plug_in, p, q, run)
    some = directions.points[:most]
    tries = [(partial(_mean_dual, dual, some), power) for dual, power in tries_of(definition.order)]
    return low_end(p, q, tries, run), definition.outer(upper_end(plug_in, p, q))


def _mean_dual(dual: Dual, directions: NDArray[np.float64], fitted: Pair, held: Pair) -> HeldOut:
    """Mean over directions of potentials, each found and evaluated along one of them."""
    p, q = held
    sums = [np.zeros(side.n) for side in (p, q, q, p)]
    along = np.empty(len(directions))
    for k, direction in enumerate(directions):
        found = dual(_projected(fitted, direction), _projected(held, direction))
        along[k] = p.mean(found.values[0]) + q.mean(found.values[1])
        for total, values in zip(sums, found.values + found.elsewhere, strict=True):
            total += values
    at_p, at_q, p_at_q, q_at_p = (total / len(directions) for total in sums)
    return HeldOut((at_p, at_q), (p_at_q, q_at_p), ((Samples(directions), along),))


def _projected(pair: Pair, direction: NDArray[np.float64]) -> Pair:
    p, q = (replace(side, points=(side.points @ direction)[:, None]) for side in pair)
    return p, q
