"""Origins from which the spread of a column is seen, and methods far from zero."""

import numpy as np
import pytest

import divergences as dv
from divergences.density.units import anchors
from divergences.inference.pooled_critics import standardized

X = np.random.default_rng(0).normal(size=(201, 1))


@pytest.mark.parametrize("offset", [1e9, 1e14, -1e14])
def test_an_anchor_is_a_value_whose_differences_are_exact(offset):
    points = X + offset
    anchor = anchors(points)
    assert anchor in points
    assert (points - anchor + anchor == points).all()
    assert np.abs(points - anchor).max() < 10


def test_there_is_none_where_none_is_needed():
    points = np.column_stack([X, X + 1e5, np.full(201, 1e14), 0.1 + 0.2 * np.ones(201), 1e307 * X])
    points[::2, 3] = 0.3
    assert len(np.unique(points[:, 3])) == 2
    np.testing.assert_array_equal(anchors(points), np.zeros(5))


@pytest.mark.parametrize("method", ["auto", "kde", "neighbors", "classifier"])
@pytest.mark.parametrize("offset", [3e12, 1e14, -1e14])
def test_an_offset_hides_no_difference(method, offset):
    """N(0, 1) and N(1, 1), rounded to 2^-6 at 1e14, have a divergence of 0.111."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(0, 1, 200), rng.normal(1, 1, 200)
    near = dv.js_divergence(x, y, method=method, rng=0)
    far = dv.js_divergence(x + offset, y + offset, method=method, rng=0)
    assert far == pytest.approx(near, abs=0.02)
    assert not any("constant" in note or "equal" in note for note in far.notes)


def test_standardized_columns_far_from_zero():
    columns = standardized(np.column_stack([X + 1e14, np.full(201, 1e14)]))
    assert columns[:, 0].std() == pytest.approx(1)
    np.testing.assert_array_equal(columns[:, 1], np.zeros(201))
