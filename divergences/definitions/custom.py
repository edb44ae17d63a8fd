"""Any f-divergence that the user defines, checked against its own convexity and duality."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from array_api_compat import array_namespace

from divergences.definitions.f_divergence import RatioDivergence

Function = Callable[[Any], Any]

_RATIOS = np.exp(np.linspace(-4.0, 4.0, 81))
_TOLERANCE = 1e-5


@dataclass(frozen=True)
class FDivergence(RatioDivergence):
    r"""D_phi(P || Q) = E_Q[phi(p/q)] for a convex phi with phi(1) = 0, from 0 to phi(0) + phi*(0),
    a pure number.

    Good for whatever divergence the catalogue lacks. Fails as its phi does: one that grows
    faster than linearly is decided by few points where P outweighs Q.

    Parameters
    ----------
    phi : callable
        The convex function, on arrays of positive ratios. It must accept numpy arrays, and
        torch tensors if it is to be used in a loss.
    derivative : callable
        phi', on the same arrays.
    conjugate : callable, optional
        phi*(t) = sup over u of (u t - phi(u)). It is not needed for any estimate; if it is
        given, it is checked.
    name : str
        Symbol for printing.

    Raises
    ------
    ValueError
        If phi(1) is not 0, phi is not convex, or phi, its derivative and its conjugate do not
        agree with each other numerically on ratios between e^-4 and e^4.

    References
    ----------
    Ali and Silvey (1966); Csiszár (1967).

    Examples
    --------
    >>> import divergences as dv
    >>> import numpy as np
    >>> neyman = dv.FDivergence(
    ...     phi=lambda u: (u - 1) ** 2 / u, derivative=lambda u: 1 - u**-2.0, name="Neyman chi²"
    ... )
    >>> neyman.symbol
    'Neyman chi²'
    """

    phi: Function
    derivative: Function
    conjugate: Function | None = None
    name: str = "f-divergence"
    symmetric: ClassVar[bool] = False
    metric: ClassVar[bool] = False
    title: ClassVar[str] = "f-divergence"
    unit: ClassVar[str] = ""

    def __post_init__(self) -> None:
        for label, function in (("phi", self.phi), ("derivative", self.derivative)):
            if not callable(function):
                raise TypeError(f"{label} must be callable, not {function!r}.")
        values = _on_grid("phi", self.phi)
        slopes = _on_grid("derivative", self.derivative)
        _check_convex(self.phi, values, slopes)
        _check_derivative(self.phi, slopes)
        if self.conjugate is not None:
            _check_conjugate(self.conjugate, values, slopes)

    @property
    def symbol(self) -> str:
        """The name given."""
        return self.name

    def generator(self, ratio: Any) -> Any:
        """phi(u), as the user gave it."""
        return self.phi(ratio)

    def critic_p(self, log_ratio: Any) -> Any:
        """a(l) = phi'(e^l)."""
        return self.derivative(array_namespace(log_ratio).exp(log_ratio))

    def critic_q(self, log_ratio: Any) -> Any:
        """b(l) = phi(e^l) - e^l phi'(e^l)."""
        ratio = array_namespace(log_ratio).exp(log_ratio)
        return self.phi(ratio) - ratio * self.derivative(ratio)


def _on_grid(label: str, function: Function) -> np.ndarray:
    try:
        values = np.asarray(function(_RATIOS.copy()), dtype=np.float64)
    except Exception as error:
        raise ValueError(
            f"{label} must accept a numpy array of positive ratios; it raised {error!r}."
        ) from error
    values = np.broadcast_to(values, _RATIOS.shape) if values.ndim == 0 else values
    if values.shape != _RATIOS.shape or not np.isfinite(values).all():
        raise ValueError(
            f"{label} must return one finite number for each positive ratio; for "
            f"{len(_RATIOS)} ratios between e^-4 and e^4 it returned {_summary(values)}."
        )
    return values


def _summary(values: np.ndarray) -> str:
    if values.shape != _RATIOS.shape:
        return f"shape {values.shape}"
    return f"{int((~np.isfinite(values)).sum())} that are not finite"


def _check_convex(phi: Function, values: np.ndarray, slopes: np.ndarray) -> None:
    at_one = float(np.asarray(phi(np.ones(1))).ravel()[0])
    if abs(at_one) > 1e-9:
        raise ValueError(f"phi(1) must be 0, but it is {at_one:g}. Subtract it from phi.")
    chords = np.diff(values) / np.diff(_RATIOS)
    slack = 1e-8 * (1 + np.abs(chords[1:]))
    if (np.diff(chords) < -slack).any():
        worst = _RATIOS[1:-1][np.argmin(np.diff(chords))]
        raise ValueError(f"phi must be convex, but its slope falls near u = {worst:.3g}.")


def _check_derivative(phi: Function, slopes: np.ndarray) -> None:
    # A kink (TV has one) is met by accepting any slope between the one-sided ones.
    step = 1e-6 * _RATIOS
    here = np.asarray(phi(_RATIOS), dtype=np.float64)
    left = (here - np.asarray(phi(_RATIOS - step))) / step
    right = (np.asarray(phi(_RATIOS + step)) - here) / step
    slack = _TOLERANCE * (1 + np.abs(slopes))
    wrong = (slopes < left - slack) | (slopes > right + slack)
    if wrong.any():
        at = int(np.argmax(wrong))
        raise ValueError(
            f"derivative does not match phi: at u = {_RATIOS[at]:.3g} it is {slopes[at]:.6g}, "
            f"while phi's slope there is {(left[at] + right[at]) / 2:.6g}."
        )


def _check_conjugate(conjugate: Function, values: np.ndarray, slopes: np.ndarray) -> None:
    if not callable(conjugate):
        raise TypeError(f"conjugate must be callable, not {conjugate!r}.")
    expected = _RATIOS * slopes - values
    given = np.asarray(conjugate(slopes.copy()), dtype=np.float64)
    if given.shape != expected.shape:
        raise ValueError(
            f"conjugate must return one number for each t; for shape {slopes.shape} it "
            f"returned shape {given.shape}."
        )
    wrong = ~(np.abs(given - expected) <= _TOLERANCE * (1 + np.abs(expected)))
    if wrong.any():
        at = int(np.argmax(wrong))
        raise ValueError(
            f"conjugate does not match phi: at t = {slopes[at]:.6g} it is {given[at]:.6g}, "
            f"while u t - phi(u) is {expected[at]:.6g}."
        )
