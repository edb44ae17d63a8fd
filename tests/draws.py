"""Samples that several tests draw."""

import numpy as np


def normals(seed, n, m, d, shift=0.5, scale=1.3):
    """From N(0, I) and from N(shift, scale² I), shifted in every feature."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), shift + scale * rng.normal(size=(m, d))


def shifted(seed, n, m, d, shift=0.0, scale=1.0):
    """From N(0, I) and from N(shift e, scale² I), e the first axis."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, d)), scale * rng.normal(size=(m, d))
    y[:, 0] += shift
    return x, y


def line(n, seed):
    """From N(0, 1) and N(1, 1)."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 1)), rng.normal(1, 1, (n, 1))


PLANE_FACTOR = np.linalg.cholesky([[1, 0.5], [0.5, 1]])


def plane(n, seed):
    """From N(0, I) and from a normal moved by 1 along both axes, correlated by a half."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 2)), rng.normal(size=(n, 2)) @ PLANE_FACTOR.T + 1
