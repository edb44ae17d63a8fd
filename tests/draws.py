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
