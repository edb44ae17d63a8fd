import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import betaln, expit, logsumexp

from divergences.estimators.critics.partition_average import (
    GridCounts,
    average_partitions,
    line_usage,
    log_evidence,
)

PRIORS = ((0.5, 0.5), (0.02, 0.98), (0.98, 0.02))


def grid(shape, seed=0, units=(1.0, 1.0), most=6):
    rng = np.random.default_rng(seed)
    counts = tuple(rng.integers(0, most, shape) for _ in (0, 1))
    below = tuple(np.sort(rng.choice(np.arange(1, 100), cells - 1, False)) / 100 for cells in shape)
    steps = tuple(rng.uniform(0.02, 0.3, len(shape)))
    return GridCounts(counts, units, below, steps)


def labels_of(cells, grid, box):
    rows = tuple(slice(*sides) for sides in box)
    return grid.units[cells] * grid.counts[cells][rows].sum()


def twin(grid, box):
    """Every partition below a box, one by one: (log-probability, posterior mean of each cell)."""
    zeros, ones = (labels_of(label, grid, box) for label in (0, 1))
    logs = [betaln(ones + a, zeros + b) - betaln(a, b) - math.log(3) for a, b in PRIORS]
    shares = [(ones + a) / (ones + zeros + 1) for a, _ in PRIORS]
    share = float(np.exp(logs - logsumexp(logs)) @ shares)
    cells = list(itertools.product(*(range(*sides) for sides in box)))
    bounds = [np.concatenate([[0], below, [1]]) for below in grid.below]
    room = sum(b[high] - b[low] for b, (low, high) in zip(bounds, box, strict=True))
    cuts = [(axis, at) for axis, (low, high) in enumerate(box) for at in range(low + 1, high)]
    room = max(room, sum(grid.steps[axis] for axis, _ in cuts))
    chances = [0.5 * grid.steps[axis] / room for axis, _ in cuts]
    found = [(logsumexp(logs) + math.log1p(-sum(chances)), dict.fromkeys(cells, share))]
    for (axis, at), chance in zip(cuts, chances, strict=True):
        low, high = box[axis]
        sides = [(*box[:axis], part, *box[axis + 1 :]) for part in ((low, at), (at, high))]
        for (log_1, cells_1), (log_2, cells_2) in itertools.product(
            *(twin(grid, side) for side in sides)
        ):
            found.append((math.log(chance) + log_1 + log_2, cells_1 | cells_2))
    return found


def averaged(grid):
    shape = grid.counts[0].shape
    found = twin(grid, tuple((0, cells) for cells in shape))
    logs = np.array([log for log, _ in found])
    chances = np.exp(logs - logsumexp(logs))
    shares = np.zeros(shape)
    for cell in np.ndindex(*shape):
        shares[cell] = sum(p * cells[cell] for p, (_, cells) in zip(chances, found, strict=True))
    return logsumexp(logs), shares


@pytest.mark.parametrize("shape", [(1,), (5,), (3, 3), (2, 4), (2, 2, 2)])
@pytest.mark.parametrize("units", [(1.0, 1.0), (0.6, 2.5)])
def test_average_is_that_of_all_partitions_one_by_one(shape, units):
    data = grid(shape, seed=len(shape), units=units)
    evidence, shares = averaged(data)
    assert log_evidence(data) == pytest.approx(evidence, abs=1e-9)
    # Boxes of a probability below 1e-7 count for nothing.
    np.testing.assert_allclose(expit(average_partitions(data).odds), shares, atol=1e-5)


@pytest.mark.parametrize("shape", [(6,), (4, 5), (3, 2, 3)])
@pytest.mark.parametrize("units", [(1.0, 1.0), (0.6, 2.5)])
def test_odds_without_a_point_are_those_of_the_other_points(shape, units):
    data = grid(shape, seed=3, units=units)
    whole = average_partitions(data)
    for label in (0, 1):
        for cell in list(np.ndindex(*shape))[::2]:
            if not data.counts[label][cell]:
                continue
            others = [each.copy() for each in data.counts]
            others[label][cell] -= 1
            fit = average_partitions(
                GridCounts((others[0], others[1]), units, data.below, data.steps)
            )
            found = expit(whole.without[label][0][cell])
            assert found == pytest.approx(expit(fit.odds[cell]), abs=1e-5)


@pytest.mark.parametrize("shape", [(5,), (3, 3)])
def test_weights_that_are_counts_are_looked_up_or_computed_alike(shape):
    whole = grid(shape, seed=5, units=(0.6, 2.5))
    computed = replace(whole, counts=tuple(each.astype(float) for each in whole.counts))
    assert log_evidence(computed) == pytest.approx(log_evidence(whole), abs=1e-9)
    first, second = (average_partitions(each) for each in (whole, computed))
    np.testing.assert_allclose(second.odds, first.odds, atol=1e-9)
    for label in (0, 1):
        there = whole.counts[label] > 0
        found, sought = second.without[label][0][there], first.without[label][0][there]
        np.testing.assert_allclose(found, sought, atol=1e-9)


def test_odds_without_a_heavy_point_are_those_of_the_others():
    data = grid((4, 4), seed=4, units=(0.6, 2.5))
    heavy = data.counts[1].astype(float)
    heavy[1, 2] += 3.7
    weighted = average_partitions(replace(data, counts=(data.counts[0], heavy)), ((1,), (1.5, 3.7)))
    others = average_partitions(data)
    assert weighted.without[1][1][1, 2] == pytest.approx(others.odds[1, 2], abs=1e-5)
    lighter = weighted.without[1][0][1, 2]
    assert others.odds[1, 2] < lighter < weighted.odds[1, 2]


def test_usage_is_that_of_the_only_line_that_tells():
    zeros = np.zeros((4, 4), dtype=np.intp)
    ones = np.zeros_like(zeros)
    zeros[:, :3], ones[:, 3:] = 20, 20
    below = (np.array([0.25, 0.5, 0.75]),) * 2
    usage = line_usage(GridCounts((zeros, ones), (1.0, 1.0), below, (0.25, 0.25)))
    assert usage[1][2] == pytest.approx(zeros.sum() + ones.sum(), rel=0.05)
    assert max(usage[0].max(), usage[1][:2].max()) < 0.1 * usage[1][2]


def test_a_checkerboard_whose_first_cut_gains_nothing_is_found():
    black = np.indices((4, 4)).sum(axis=0) % 2 == 0
    counts = np.where(black, 0, 30), np.where(black, 30, 0)
    data = GridCounts(counts, (1.0, 1.0), (np.arange(1, 4) / 4,) * 2, (0.25, 0.25))
    odds = average_partitions(data).odds
    assert odds[black].min() > 3
    assert odds[~black].max() < -3


def test_lines_that_share_evenly():
    data = grid((3, 4)).evenly()
    np.testing.assert_allclose(data.below[1], [0.25, 0.5, 0.75])
    assert data.steps == (1 / 3, 1 / 4)
