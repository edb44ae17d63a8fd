"""What the everyday calls have in common: their keywords, and how these are explained."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from divergences.estimation import divergence

Call = TypeVar("Call", bound=Callable[..., Any])


_SHARED_DOCUMENTATION = {
    "{measures}": """p, q : array-like of shape (n_samples,) or (n_samples, n_features), or measure
        What to compare: samples, known distributions, a `Pushforward`, or a fitted model.""",
    "{options}": """method, weights_p, weights_q, nan_policy, rng, workers, progress
        As `divergence` explains them.""",
    "{outcome}": """Returns
    -------
    Estimate
        A float with `stderr`, `interval(level)`, `notes` and more.

    Raises
    ------
    TypeError, ValueError
        If an argument is not usable, as `divergence` explains.""",
}


def everyday(function: Call) -> Call:
    """Show the shared keywords in the signature and docstring of an everyday call."""
    for placeholder, text in _SHARED_DOCUMENTATION.items():
        function.__doc__ = (function.__doc__ or "").replace(placeholder, text)
    own = inspect.signature(function)
    shared = [
        parameter
        for parameter in inspect.signature(divergence).parameters.values()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    ]
    kept = [p for p in own.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
    signature = own.replace(parameters=[*kept, *shared])

    @wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        unknown = [name for name in options if name not in signature.parameters]
        if unknown:
            valid = ", ".join(name for name in signature.parameters if name not in "pq")
            raise TypeError(
                f"{function.__name__} has no keyword {unknown[0]!r}. Its keywords are {valid}; "
                f"settings of a method go into the method, as in method=KDE(bandwidth=0.5)."
            )
        return function(*args, **options)

    call.__signature__ = signature  # type: ignore[attr-defined]
    return call  # type: ignore[return-value]
