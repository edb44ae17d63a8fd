"""Constraints on parameters: the check that refuses a value writes the message."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch
    from numpy.typing import ArrayLike, NDArray

RandomState = int | np.random.Generator | None


def check_real(
    name: str,
    value: Any,
    *,
    above: float = -math.inf,
    at_least: float = -math.inf,
    at_most: float = math.inf,
    below: float = math.inf,
    remedy: str = "",
) -> float:
    """Return `value` as a finite float, or raise an error that names the parameter and range."""
    wanted = _interval_words(above, at_least, at_most, below)
    advice = f" {remedy}" if remedy else ""
    # numpy's real scalars are registered as Real; its complex ones and bool are not.
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number{wanted}, not {value!r}.{advice}")
    number = float(value)
    if not (above < number < below and at_least <= number <= at_most):
        finite = "finite " if math.isinf(number) else ""
        raise ValueError(f"{name} must be a {finite}number{wanted}, not {value!r}.{advice}")
    return number


def check_whole(name: str, value: Any, *, at_least: int = 1, remedy: str = "") -> int:
    """Return `value` as an int, or raise an error that names the parameter and its minimum."""
    advice = f" {remedy}" if remedy else ""
    message = f"{name} must be a whole number of at least {at_least}, not {value!r}.{advice}"
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(message)
    if value < at_least:
        raise ValueError(message)
    return int(value)


def check_choice(name: str, value: Any, choices: Iterable[str]) -> str:
    """Return `value` if it is one of `choices`, or raise an error that lists them."""
    allowed = tuple(choices)
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}, not {value!r}.")
    return value


def check_rng(rng: RandomState) -> np.random.Generator:
    """Return the generator that `rng` names: a seed, a Generator, or None for fresh entropy."""
    if isinstance(rng, np.random.Generator):
        return rng
    if rng is None:
        return np.random.default_rng()
    message = (
        f"rng must be a seed (a whole number of at least 0), a numpy.random.Generator or None, "
        f"not {rng!r}."
    )
    if isinstance(rng, bool) or not isinstance(rng, int | np.integer):
        raise TypeError(message)
    if rng < 0:
        raise ValueError(message)
    return np.random.default_rng(int(rng))


def check_points(points: ArrayLike, d: int | None, owner: Any) -> NDArray[np.float64]:
    """Return points as an array of shape (k, d), or raise an error that names it and the owner.

    Of one feature, (k,) and a single number will do.
    """
    grid = np.asarray(points, dtype=np.float64)
    if grid.ndim < 2:
        grid = grid.reshape(-1, 1)
    if grid.ndim != 2 or grid.shape[1] != d:
        raise ValueError(f"points must have shape (k, {d}) for {owner}, not {np.shape(points)}.")
    return grid


def check_complete(points: NDArray[np.float64], *, allow_missing: bool) -> None:
    """Refuse points with infinite values and, unless the method reads them, missing ones."""
    bad = np.isinf(points) if allow_missing else ~np.isfinite(points)
    rows = int(bad.any(axis=1).sum())
    if not rows:
        return
    wanted = "finite or missing (NaN)" if allow_missing else "finite"
    kinds = "infinite" if allow_missing else "NaN or infinite"
    raise ValueError(
        f"points must be {wanted}, but {rows} of {len(points)} rows have {kinds} values. Leave "
        f"those rows out, as in points[numpy.isfinite(points).all(axis=1)]."
    )


def check_device(device: Any, other: str = "") -> torch.device:
    """Return the device of torch that `device` names, or raise an error if it has none such here.

    `other` is what else the parameter may be, in words.
    """
    import torch

    try:
        found = torch.device(device)
        torch.zeros(1, device=found).tolist()  # on "meta" there are no values
    except (RuntimeError, AssertionError, TypeError, NotImplementedError) as error:
        raise ValueError(
            f'device must be {other}a device that torch has here, not {device!r}. Use "cpu".'
        ) from error
    return found


def all_finite(batch: Any) -> bool:
    """Whether a tensor holds neither NaN nor infinity: one sum, where it does not overflow."""
    return math.isfinite(batch.detach().sum()) or bool(batch.isfinite().all())


def check_batches(x: Any, y: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Return two batches of points as finite tensors of shape (n, d) and (m, d), or raise."""
    import torch

    batches = []
    for name, batch in (("x", x), ("y", y)):
        if not isinstance(batch, torch.Tensor) or not batch.is_floating_point():
            kind = batch.dtype if isinstance(batch, torch.Tensor) else type(batch).__name__
            raise TypeError(f"{name} must be a floating-point torch.Tensor, not {kind}.")
        if not all_finite(batch):
            raise ValueError(
                f"{name} must be finite, but {int((~torch.isfinite(batch)).sum())} of its "
                f"{batch.numel()} values are NaN or infinite. Did the last step diverge?"
            )
        if batch.ndim == 1:
            batch = batch.reshape(-1, 1)
        if batch.ndim != 2 or len(batch) < 2:
            raise ValueError(
                f"{name} must have shape (n_samples, n_features) with at least 2 samples, not "
                f"{tuple(batch.shape)}. Flatten images with {name}.flatten(1)."
            )
        batches.append(batch)
    if batches[0].shape[1] != batches[1].shape[1]:
        raise ValueError(
            f"x and y must have the same number of features, not {batches[0].shape[1]} and "
            f"{batches[1].shape[1]}."
        )
    return batches[0], batches[1]


def _interval_words(above: float, at_least: float, at_most: float, below: float) -> str:
    words = []
    if above > -math.inf:
        words.append(f"above {above:g}")
    if at_least > -math.inf:
        words.append(f"of at least {at_least:g}")
    if below < math.inf:
        words.append(f"below {below:g}")
    if at_most < math.inf:
        words.append(f"of at most {at_most:g}")
    return (" " + " and ".join(words)) if words else ""
