"""Any f-divergence that the user defines, checked against its own convexity and duality."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from array_api_compat import array_namespace

from divergences.definitions.f_divergence import RatioDivergence

Function = Callable[[Any], Any]

_RATIOS = np.exp(np.linspace(-4.0, 4.0, 81))
_TOLERANCE = 1e-5
_RESOLUTION = 1e-6


@dataclass(frozen=True)
class FDivergence(RatioDivergence):
    r"""D_phi(P || Q) = E_Q[phi(p/q)] for a convex phi with phi(1) = 0, from 0 to phi(0) + phi*(0),
    a pure number.

    Good for whatever divergence the catalogue lacks. Fails as its phi does: one that grows
    faster than linearly is decided by few points where P outweighs Q. It is read by its
    variational form; members of the catalogue have better formulas for some methods, and so
    may differ from a phi that equals theirs.

    Parameters
    ----------
    phi : callable
        The convex function, on arrays of positive ratios. It must accept numpy arrays, and
        torch tensors if it is to be used in a loss.
    derivative : callable
        phi', on the same arrays.
    conjugate : callable, optional
        phi*(t) = sup over u of (u t - phi(u)). It is not needed for any estimate; if it is
        given, it is checked at t = phi'(u).
    name : str
        Symbol for printing.

    Notes
    -----
    Rounding hides phi(u) - u phi'(u) where u is very large or small. The critic is held constant
    beyond the ratios that double precision resolves, which can only lower the value, and a
    warning counts the points.

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

    # Functions print as addresses, which differ from run to run.
    phi: Function = field(repr=False)
    derivative: Function = field(repr=False)
    conjugate: Function | None = field(default=None, repr=False)
    name: str = "f-divergence"
    symmetric: ClassVar[bool] = False
    metric: ClassVar[bool] = False
    title: ClassVar[str] = "f-divergence"
    unit: ClassVar[str] = ""
    _held: tuple[float, float] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for label, function in (("phi", self.phi), ("derivative", self.derivative)):
            if not callable(function):
                raise TypeError(f"{label} must be callable, not {function!r}.")
        if not isinstance(self.name, str):
            raise TypeError(f"name must be a string, not {self.name!r}.")
        values = _on_grid("phi", self.phi)
        slopes = _on_grid("derivative", self.derivative)
        _check_zero_at_one(self.phi)
        _check_convex(values)
        _check_derivative(self.phi, values, slopes)
        if self.conjugate is not None:
            _check_conjugate(self.conjugate, values, slopes)
        object.__setattr__(self, "_held", _held_log_ratios(self.phi, self.derivative))

    @property
    def symbol(self) -> str:
        """The name given."""
        return self.name

    def generator(self, ratio: Any) -> Any:
        """phi(u), as the user gave it."""
        return self.phi(ratio)

    def critic_p(self, log_ratio: Any) -> Any:
        """a(l) = phi'(e^l), which increases in l."""
        return self._held_constant(self._term_p, log_ratio, 1.0)

    def critic_q(self, log_ratio: Any) -> Any:
        """b(l) = phi(e^l) - e^l phi'(e^l), which decreases in l."""
        return self._held_constant(self._term_q, log_ratio, -1.0)

    def _term_p(self, ratio: Any) -> Any:
        return self.derivative(ratio)

    def _term_q(self, ratio: Any) -> Any:
        return self.phi(ratio) - ratio * self.derivative(ratio)

    def _held_constant(self, term: Function, log_ratio: Any, slope: float) -> Any:
        xp = array_namespace(log_ratio)
        low, high = self._held
        values = term(xp.exp(xp.clip(log_ratio, low, high)))
        for end, side in ((low, -1.0), (high, 1.0)):
            if not xp.any(side * log_ratio > side * end) or _has_settled(term, end):
                continue
            limit = log_ratio == side * math.inf
            count = int(xp.sum((side * log_ratio > side * end) & ~limit))
            values = xp.where(limit, side * slope * math.inf * xp.ones_like(values), values)
            if count:
                warnings.warn(
                    f"{self.name}: double precision resolves phi for log-ratios from {low:g} to "
                    f"{high:g}; the critic is held constant for {count} of "
                    f"{math.prod(log_ratio.shape)} points beyond, which can only lower the value.",
                    RuntimeWarning,
                    stacklevel=3,
                )
        return values


def _held_log_ratios(phi: Function, derivative: Function) -> tuple[float, float]:
    # b(l) = phi - u phi' cancels for large u. Rounding in phi itself shows as a spread between
    # ratios that differ by 1e-12, that of the difference is bounded by its parts.
    logs = np.arange(0.5, 700.0, 0.5)
    nearby = 1 + 1e-12 * np.arange(5)
    ends = []
    for sign in (-1.0, 1.0):
        ratios = np.exp(sign * logs)[:, None] * nearby
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            values = np.asarray(phi(ratios.ravel()), dtype=np.float64)
            slopes = np.asarray(derivative(ratios.ravel()), dtype=np.float64)
            # A constant slope may come as a scalar.
            values = (values + np.zeros(ratios.size)).reshape(ratios.shape)
            slopes = (slopes + np.zeros(ratios.size)).reshape(ratios.shape)
            terms = values - ratios * slopes
            parts = np.finfo(np.float64).eps * (np.abs(values) + np.abs(ratios * slopes))
            rounding = np.maximum(np.ptp(terms, axis=1), parts[:, 0])
            resolved = rounding <= _RESOLUTION * (1 + np.abs(terms[:, 0]))
        good = resolved & np.isfinite(terms).all(axis=1) & np.isfinite(slopes).all(axis=1)
        count = len(good) if good.all() else int(np.argmin(good))
        ends.append(sign * logs[max(count, 1) - 1])
    return float(ends[0]), float(ends[1])


def _has_settled(term: Function, end: float) -> bool:
    before, last = np.asarray(term(np.exp(np.array([end - math.copysign(3.0, end), end]))))
    return bool(abs(last - before) <= 1e-4 * (1.0 + abs(last)))


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


def _check_zero_at_one(phi: Function) -> None:
    at_one = float(np.asarray(phi(np.ones(1)), dtype=np.float64).ravel()[0])
    if not abs(at_one) <= 1e-9:
        raise ValueError(f"phi(1) must be 0, but it is {at_one:g}. Subtract it from phi.")


def _check_convex(values: np.ndarray) -> None:
    chords = np.diff(values) / np.diff(_RATIOS)
    slack = 1e-8 * (1 + np.abs(chords[1:]))
    if (np.diff(chords) < -slack).any():
        worst = _RATIOS[1:-1][np.argmin(np.diff(chords))]
        raise ValueError(f"phi must be convex, but its slope falls near u = {worst:.3g}.")


def _check_derivative(phi: Function, values: np.ndarray, slopes: np.ndarray) -> None:
    # A kink (TV has one) is met by accepting any slope between the one-sided ones.
    step = 1e-6 * _RATIOS
    left = (values - np.asarray(phi(_RATIOS - step), dtype=np.float64)) / step
    right = (np.asarray(phi(_RATIOS + step), dtype=np.float64) - values) / step
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
    try:
        given = np.asarray(conjugate(slopes.copy()), dtype=np.float64)
    except Exception as error:
        raise ValueError(f"conjugate must accept a numpy array; it raised {error!r}.") from error
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
