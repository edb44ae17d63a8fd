"""Log-ratios brought to scale by the labels themselves: Platt's calibration."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from array_api_compat import array_namespace, is_torch_array

_STEPS = 60
_CONVERGED = 1e-10
_LONGEST_STEP = 0.5
_LARGEST = 80.0  # e^80 is finite in single precision too
_LEAST_SLOPE = 0.1


def calibration(
    at_p: Any, at_q: Any, mass_p: Any, mass_q: Any, prior: float, *, with_slope: bool = True
) -> tuple[Any, Any]:
    r"""Slope a and offset b such that a l + b fits best as the log-odds of P.

    Blurred densities understate every log-ratio, noisy ones overstate it, and uneven blur shifts
    all of them. Two numbers undo that, as l is out of sample: the logistic regression, at equal
    prior odds, of membership on l, which maximizes the Jensen–Shannon objective over a and b. A
    weak prior of so many points holds it near a = 1, b = 0, and so to finite values where the
    samples do not overlap. The slope stays positive: a negative one would take what leaving
    points out does to equal samples for a difference.

    Parameters
    ----------
    at_p, at_q : array or tensor of shape (n,), (m,)
        Out-of-sample log-ratios.
    mass_p, mass_q : array or tensor of shape (n,), (m,)
        Weights that sum to one.
    prior : float
        Strength of the prior, in points.
    with_slope : bool
        Whether to fit the slope too; otherwise it is 1.

    Returns
    -------
    slope, offset : scalars, differentiable for tensors

    References
    ----------
    Platt (1999).
    """
    size = 1 / float((mass_p**2).sum()) + 1 / float((mass_q**2).sum())
    strength = prior / (4 * size)
    problem = _Regression(at_p, at_q, mass_p, mass_q, strength)
    still = replace(problem, at_p=_detached(at_p), at_q=_detached(at_q))
    slope, offset = still.fitted(free=with_slope)
    free = with_slope
    if with_slope and slope < _LEAST_SLOPE:
        slope, free = _LEAST_SLOPE, False
        scaled = replace(still, at_p=slope * still.at_p, at_q=slope * still.at_q)
        _, offset = scaled.fitted(free=False)
    # One more step from the solution changes no value and carries its derivative, by the
    # implicit function theorem.
    up, turn = problem.newton_step(slope, offset, free=free)
    return slope + up, offset + turn


@dataclass(frozen=True, eq=False)
class _Regression:
    at_p: Any
    at_q: Any
    mass_p: Any
    mass_q: Any
    strength: float

    def fitted(self, *, free: bool) -> tuple[float, float]:
        """Slope and offset; the slope is 1 unless it is free."""
        slope, offset = 1.0, 0.0
        for _ in range(_STEPS):
            up, turn = map(float, self.newton_step(slope, offset, free=free))
            shorter = min(1.0, _LONGEST_STEP / max(abs(up), abs(turn), _LONGEST_STEP))
            slope, offset = slope + shorter * up, offset + shorter * turn
            if max(abs(up), abs(turn)) < _CONVERGED:
                break
        return slope, offset

    def newton_step(self, slope: float, offset: float, *, free: bool) -> tuple[Any, Any]:
        """What a step adds to slope and offset."""
        xp, strength = array_namespace(self.at_p), self.strength
        sides = (self.at_p, self.mass_p, 1.0), (self.at_q, self.mass_q, -1.0)
        hold = strength * sum((mass * at**2).sum() for at, mass, _ in sides) / 2
        # Gradient and information of the mean log-likelihood, each sample half of the mass.
        pull, pull_slope = -strength * offset, -hold * (slope - 1)
        info, info_cross, info_slope = strength, 0.0, hold
        for at, mass, sign in sides:
            wrong = 1 / (1 + xp.exp(xp.clip(sign * (slope * at + offset), -_LARGEST, _LARGEST)))
            spread = mass * wrong * (1 - wrong) / 2
            pull = pull + sign * (mass * wrong).sum() / 2
            pull_slope = pull_slope + sign * (mass * wrong * at).sum() / 2
            info = info + spread.sum()
            info_cross = info_cross + (spread * at).sum()
            info_slope = info_slope + (spread * at**2).sum()
        if not free or not hold > 0:
            return 0 * pull, pull / info
        determinant = info * info_slope - info_cross**2
        up = (info * pull_slope - info_cross * pull) / determinant
        turn = (info_slope * pull - info_cross * pull_slope) / determinant
        return up, turn


def _detached(at: Any) -> Any:
    return at.detach() if is_torch_array(at) else at
