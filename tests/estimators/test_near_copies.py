"""Rows that nearly repeat others are said, and nothing else is."""

import numpy as np
import pytest

import divergences as dv
from divergences.estimators.ratios.near_copies import near_copy_notes
from divergences.measures import as_samples

N = 400


def repeated(times, noise, d, rng):
    once = rng.normal(size=(N // times, d))
    rows = np.repeat(once, times, axis=0)
    return rows + noise * rng.normal(size=rows.shape)


@pytest.mark.parametrize(("times", "noise", "d"), [(2, 1e-6, 1), (3, 1e-6, 2), (5, 1e-3, 6)])
def test_repeated_measurements_are_said(times, noise, d):
    rng = np.random.default_rng(0)
    p, q = (as_samples(repeated(times, noise, d, rng)) for _ in range(2))
    notes = near_copy_notes(p, q)
    assert len(notes) == 2
    assert "of p's points lie ten times closer to another of their own sample" in notes[0]
    assert "of q's points" in notes[1]
    only_q = near_copy_notes(as_samples(rng.normal(size=(N, d))), q)
    assert [note.split("of ")[1][0] for note in only_q] == ["q"]


def kinds(rng):
    normal = rng.normal(size=(2, N, 3))
    clumps = 1e-6 * rng.normal(size=(2, N, 2)) + rng.integers(0, 4, (2, N, 2))
    return {
        "line": rng.normal(size=(2, N, 1)),
        "heavy tails": rng.standard_cauchy((2, N, 2)),
        "far apart": normal + 100.0 * np.arange(2)[:, np.newaxis, np.newaxis],
        "lattice": rng.integers(0, 5, (2, N, 2)) * 1.0,
        "noise about a lattice": clumps,
        "constant": np.ones((2, N, 2)),
        "huge": 1e300 * normal,
        "many features": rng.normal(size=(2, N, 60)),
    }


def test_nothing_is_said_of_independent_points():
    for seed in range(5):
        for name, (p, q) in kinds(np.random.default_rng(seed)).items():
            assert near_copy_notes(as_samples(p), as_samples(q)) == (), name


def test_the_estimate_carries_the_note():
    rng = np.random.default_rng(1)
    p, q = (repeated(3, 1e-6, 2, rng)[:150] for _ in range(2))
    notes = dv.js_divergence(p, q, method="classifier", rng=0).notes
    assert any("Keep one of each." in note for note in notes)
