"""The median bandwidth of kernels: by hand, with weights, of many points, of ties."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist

import divergences as dv


def test_is_the_median_distance_of_the_pooled_sample():
    rng = np.random.default_rng(19)
    x, y = rng.normal(0, 1, (40, 3)), rng.normal(0.5, 1.2, (60, 3))
    found = dv.mmd(x, y)
    median = float(np.median(pdist(np.concatenate([x, y]))))
    assert found.diagnostics["bandwidth"] == median
    assert found.notes == (
        f"The bandwidth is {median:.4g}, the median distance within the pooled sample.",
    )
    assert found.value == pytest.approx(dv.mmd(x, y, kernel=dv.GaussianKernel(median)).value)


def test_counts_weights():
    rng = np.random.default_rng(20)
    x, y = rng.normal(0, 1, (5, 3)), rng.normal(0.5, 1.2, (6, 3))
    nowhere = np.array([1.0, 1, 1, 1, 0])
    weighted = dv.mmd(x, y, weights_p=nowhere)
    left_out = dv.mmd(x[:4], y)
    assert weighted.diagnostics["bandwidth"] == pytest.approx(
        left_out.diagnostics["bandwidth"], rel=1e-12
    )
    heavy = dv.mmd([0.0, 1.0, 10.0], [0.0, 10.0], weights_p=[50, 1, 50], weights_q=[1, 1])
    assert heavy.diagnostics["bandwidth"] == pytest.approx(10.0)


def test_many_points_are_drawn_from():
    rng = np.random.default_rng(21)
    x, y = rng.normal(0, 1, 2500), rng.normal(0, 1, 2500)
    found = dv.mmd(x, y, rng=3)
    # The median of |N(0, 2)| is 0.954; that of 3,000 drawn points has a spread of 1.3 %.
    assert found.diagnostics["bandwidth"] == pytest.approx(0.954, rel=0.06)
    assert "of 3,000 of its 5,000 points" in found.notes[0]
    assert found.value == dv.mmd(x, y, rng=3).value


def test_mostly_ties():
    found = dv.mmd([0.0] * 20 + [1.0], [0.0] * 20 + [2.0])
    assert found.diagnostics["bandwidth"] == 1.0
    assert "pairs that coincide left out" in found.notes[0]


def test_all_points_coincide():
    found = dv.mmd([1.0] * 5, [1.0] * 5)
    assert found.value == 0
    assert "All points coincide" in found.notes[0]
