"""Constant and collinear columns: found, named, and left out."""

from __future__ import annotations

import numpy as np
import pytest

from divergences.density import find_subspace

X = np.random.default_rng(0).normal(size=(200, 3))


def _with(*columns):
    return np.column_stack([X, *columns])


@pytest.mark.parametrize(
    ("points", "kept", "words"),
    [
        (X, (0, 1, 2), ""),
        (_with(np.full(200, 7.3)), (0, 1, 2), "column 3 is constant"),
        (_with(3 * X[:, 1] + 1), (0, 1, 2), "column 3 is a multiple of column 1 plus a constant"),
        (
            _with(X[:, 0] - 2 * X[:, 2], X[:, 1] * 1e9),
            (0, 1, 2),
            "column 3 is a linear combination of columns 0, 2; "
            "column 4 is a multiple of column 1 plus a constant",
        ),
        (np.ones((5, 2)), (), "column 0 is constant; column 1 is constant"),
        (X + 1e6, (0, 1, 2), ""),
        (X * [1e-9, 1, 1e9], (0, 1, 2), ""),
        (
            _with(X.sum(axis=1) + 1e6),
            (0, 1, 2),
            "column 3 is a linear combination of columns 0, 1, 2",
        ),
        (_with(X[:, 0] + 1e-5 * X[:, 1] ** 2), (0, 1, 2, 3), ""),
    ],
)  # fmt: skip
def test_columns_are_kept_or_named(points, kept, words):
    subspace = find_subspace(points)
    assert subspace.kept == kept
    assert subspace.words() == words
    assert subspace.is_full == (not words)
    np.testing.assert_array_equal(subspace.reduce(points), points[:, list(kept)])


def test_names_appear_in_the_words():
    points = np.column_stack([X[:, 0], X[:, 0], np.zeros(200)])
    words = find_subspace(points, ["age", "years", "flag"]).words()
    assert words == "column 'years' is a multiple of column 'age' plus a constant; " \
        "column 'flag' is constant"  # fmt: skip


def test_an_affine_map_changes_no_verdict():
    points = np.column_stack([X, X @ [1.0, -1.0, 2.0]])
    mixed = points @ np.random.default_rng(1).normal(size=(4, 4)) * 1e3 + 50
    assert len(find_subspace(mixed).kept) == 3


def test_long_lists_are_cut():
    words = find_subspace(np.zeros((4, 9))).words()
    named = [f"column {j} is constant" for j in range(5)]
    assert words == "; ".join([*named, "and 4 more"])


def test_too_few_rows_make_no_column_redundant():
    points = np.random.default_rng(2).normal(size=(6, 9))
    points[:, 2], points[:, 7] = points[:, 0] + points[:, 1], 3.0
    subspace = find_subspace(points)
    assert subspace.kept == (0, 1, 3, 4, 5, 6, 8)
    assert subspace.words() == (
        "column 2 is a linear combination of columns 0, 1; column 7 is constant"
    )


@pytest.mark.parametrize("offset", [1e12, 1e14, -1e14, 1e15])
def test_a_column_far_from_zero_is_constant_only_if_it_is(offset):
    assert find_subspace(X + offset).is_full
    copies = np.column_stack([X[:, :1], X[:, :1] + offset, np.full(200, offset)])
    assert find_subspace(copies).words() == (
        "column 1 is a multiple of column 0 plus a constant; column 2 is constant"
    )


def test_constants_that_were_computed_are_constant():
    thirds = np.random.default_rng(3).random((200, 3))
    shares = thirds / thirds.sum(axis=1, keepdims=True)
    total = shares.sum(axis=1)
    assert len(np.unique(total)) > 1
    assert find_subspace(_with(total)).words() == "column 3 is constant"
