"""Which features a model was fitted on, and whether new points have them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import issparse

from divergences.measures.samples import Samples, as_samples

if TYPE_CHECKING:
    from numpy.typing import NDArray


def dense_samples(X: Any) -> Samples:
    """Return the samples that X holds; sparse matrices are refused."""
    if issparse(X):
        raise TypeError(f"X must be dense, but it is sparse ({type(X).__name__}). Use X.toarray().")
    return as_samples(X, name="X", minimum=1)


def remember_features(model: Any, sample: Samples) -> None:
    """Set `n_features_in_`, and `feature_names_in_` where the data had names."""
    model.n_features_in_ = sample.d
    if sample.columns is not None:
        model.feature_names_in_ = np.array(sample.columns, dtype=object)
    elif hasattr(model, "feature_names_in_"):
        del model.feature_names_in_


def fitted_points(model: Any, X: Any) -> NDArray[np.float64]:
    """Return new points of shape (k, d) if they have the features that the model was fitted on."""
    sample = dense_samples(X)
    if sample.d != model.n_features_in_:
        raise ValueError(
            f"X has {sample.d} features, but {type(model).__name__} is expecting "
            f"{model.n_features_in_} features as input."
        )
    fitted = getattr(model, "feature_names_in_", None)
    given = sample.columns
    if fitted is not None and given is not None and tuple(fitted) != given:
        raise ValueError(
            f"X must have the columns that the model was fitted on, "
            f"{', '.join(map(repr, fitted))}, not {', '.join(map(repr, given))}."
        )
    return sample.points
