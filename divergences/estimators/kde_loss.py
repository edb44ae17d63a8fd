"""Leave-one-out log-ratios of kernel densities in torch, with gradients to both batches."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from divergences.density.background import log_student
from divergences.density.bandwidths import (
    BandwidthRule,
    CovarianceFactor,
    Scott,
    Silverman,
    as_bandwidth_setting,
    resolve_bandwidth,
)
from divergences.density.kernels import SmoothingKernel, as_kernel
from divergences.density.subspace import find_subspace
from divergences.estimators.kde_fit import CROSS_VALIDATED, Contrast, contrast
from divergences.estimators.ratios.calibration import calibration
from divergences.estimators.ratios.extrapolation import highest_believed
from divergences.measures.from_torch import to_numpy
from divergences.measures.samples import as_samples

if TYPE_CHECKING:
    import torch

    from divergences.definitions import RatioDivergence
    from divergences.estimators.kde import KDE
    from divergences.work import Run


def log_ratios(
    estimator: KDE, x: torch.Tensor, y: torch.Tensor, run: Run
) -> tuple[torch.Tensor, torch.Tensor]:
    """ln(p/q) at both batches, no point rating itself.

    Bandwidths from the covariance are part of the function: their gradient is taken too.
    Cross-validation picks among fixed multiples, so that its choice has no gradient.

    Parameters
    ----------
    estimator : KDE
        The settings.
    x, y : Tensor of shape (n, d), (m, d)
        The batches.
    run : Run
        Randomness of cross-validation beyond 2,000 points.

    Returns
    -------
    Tensor of shape (n,), Tensor of shape (m,)
    """
    kernel = as_kernel(estimator.kernel)
    _check_spanning(x, y)
    center = (x.mean(0) + y.mean(0)) / 2
    x, y = x - center, y - center
    best = _best_contrast(estimator, kernel, x, y, run)
    if best is not None and best.tails is not None:
        x, y = best.tails(x), best.tails(y)
        center = (x.mean(0) + y.mean(0)) / 2
        x, y = x - center, y - center
    factor_x, factor_y = _bandwidth_factors(estimator, kernel, x, y, best)
    floor_x, floor_y = _background(x, y)
    weight = math.log(estimator.background)
    x_at_x = _log_blend(kernel, x, x, factor_x, weight, floor_x, leave_out_self=True)
    y_at_x = _log_blend(kernel, x, y, factor_y, weight, floor_x)
    x_at_y = _log_blend(kernel, y, x, factor_x, weight, floor_y)
    y_at_y = _log_blend(kernel, y, y, factor_y, weight, floor_y, leave_out_self=True)
    sizes = math.log(len(x) + estimator.background) - math.log(len(y) + estimator.background)
    at_x, at_y = x_at_x - y_at_x - sizes, x_at_y - y_at_y - sizes
    mass_x, mass_y = (at.new_full(at.shape, 1 / len(at)) for at in (at_x, at_y))
    slope, offset = calibration(at_x, at_y, mass_x, mass_y, float(estimator.background))
    return slope * at_x + offset, slope * at_y + offset


def as_far_as_read(
    definition: RatioDivergence, at_x: torch.Tensor, at_y: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-ratios as far as an estimate reads them: where Q's points end their slope counts."""
    if definition.growth <= 0:
        return at_x, at_y
    values, samples = [], []
    for at in (at_x, at_y):
        values.append(to_numpy(at.detach()))
        samples.append(as_samples(values[-1]))
    highest = highest_believed(definition, values[0], values[1], samples[0], samples[1])
    beyond = 1 / definition.growth
    place = int(np.argmin(np.abs(values[1] + beyond - highest)))
    is_end = math.isclose(values[1][place] + beyond, highest, rel_tol=1e-5)
    limit = at_y[place] + beyond if is_end else at_y.new_tensor(highest)
    return at_x.minimum(limit), at_y.minimum(limit)


def _log_blend(
    kernel: SmoothingKernel,
    points: torch.Tensor,
    centers: torch.Tensor,
    factor: torch.Tensor,
    log_weight: float,
    floor: torch.Tensor,
    leave_out_self: bool = False,
) -> torch.Tensor:
    import torch

    # ln(n f + c r), in one sum, so that a row no kernel reaches still has a gradient.
    d = points.shape[1]
    white_points, white_centers = (
        torch.linalg.solve_triangular(factor, z.T, upper=False).T for z in (points, centers)
    )
    distances = torch.cdist(
        white_points, white_centers, compute_mode="donot_use_mm_for_euclid_dist"
    )
    terms = kernel.log_profile(distances**2)
    if leave_out_self:
        own = torch.eye(len(points), dtype=torch.bool, device=points.device)
        terms = terms.masked_fill(own, -math.inf)
        # The other n - 1 points stand for all n.
        terms = terms + math.log(len(points) / (len(points) - 1))
    log_determinant = torch.log(torch.diagonal(factor)).sum()
    terms = terms - (kernel.log_normalizer(d) + log_determinant)
    return torch.logsumexp(torch.cat([terms, (log_weight + floor)[:, None]], dim=1), dim=1)


def _background(x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    import torch

    # Both batches are centered at the mean of their means.
    scatter = (x.T @ x / len(x) + y.T @ y / len(y)) / 2
    factor = torch.linalg.cholesky(scatter)
    log_determinant = torch.log(torch.diagonal(factor)).sum()
    floors = []
    for z in (x, y):
        squared = (torch.linalg.solve_triangular(factor, z.T, upper=False) ** 2).sum(0)
        floors.append(log_student(squared, x.shape[1], log_determinant))
    return floors[0], floors[1]


def _best_contrast(
    estimator: KDE, kernel: SmoothingKernel, x: torch.Tensor, y: torch.Tensor, run: Run
) -> Contrast | None:
    if estimator.bandwidth != CROSS_VALIDATED:
        return None
    p, q = as_samples(x, name="x"), as_samples(y, name="y")
    return contrast(p, q, kernel, float(estimator.background), run)


def _bandwidth_factors(
    estimator: KDE,
    kernel: SmoothingKernel,
    x: torch.Tensor,
    y: torch.Tensor,
    best: Contrast | None,
) -> tuple[torch.Tensor, torch.Tensor]:
    import torch

    d = x.shape[1]
    if best is not None:
        widths = [
            best.scale * kernel.canonical_factor(d) * len(z) ** (-1 / (d + 4)) for z in (x, y)
        ]
        covariances = [torch.cov(z.T).reshape(d, d) for z in (x, y)]
        if best.shape == "common":
            covariances = [(covariances[0] + covariances[1]) / 2] * 2
        factors = [torch.linalg.cholesky(covariance) for covariance in covariances]
        return widths[0] * factors[0], widths[1] * factors[1]
    setting = as_bandwidth_setting(estimator.bandwidth)
    if isinstance(setting, BandwidthRule):
        widths = [
            _covariance_multiple(setting, len(z), d) * kernel.canonical_factor(d) for z in (x, y)
        ]
        return (
            widths[0] * torch.linalg.cholesky(torch.cov(x.T).reshape(d, d)),
            widths[1] * torch.linalg.cholesky(torch.cov(y.T).reshape(d, d)),
        )
    fixed = _fixed_factor(setting, d)
    factor = torch.as_tensor(fixed, dtype=x.dtype, device=x.device)
    return factor, factor


def _covariance_multiple(rule: BandwidthRule, n: int, d: int) -> float:
    if isinstance(rule, CovarianceFactor):
        return rule.factor
    if isinstance(rule, Scott):
        return float(n ** (-1 / (d + 4)))
    if isinstance(rule, Silverman):
        return float((n * (d + 2) / 4) ** (-1 / (d + 4)))
    raise ValueError(
        f'bandwidth="{rule.name}" has no gradient. For a loss use "cross_validated", "scott", '
        f'"silverman" or numbers.'
    )


def _fixed_factor(setting: Any, d: int) -> Any:
    return resolve_bandwidth(setting, np.zeros((1, d)), np.ones(1)).factor


def _check_spanning(x: torch.Tensor, y: torch.Tensor) -> None:
    for name, batch in (("x", x), ("y", y)):
        points = to_numpy(batch)
        if not np.isfinite(points).all():
            raise ValueError(
                f"{name} must be finite, but {int((~np.isfinite(points)).sum())} of its "
                f"{points.size} values are not."
            )
        d = points.shape[1]
        if len(points) <= d:
            raise ValueError(
                f"{name} must have at least {d + 1} samples for kernel densities of {d} "
                f"features, but it has {len(points)}."
            )
        subspace = find_subspace(points)
        if not subspace.is_full:
            raise ValueError(
                f"{name} has no density: {subspace.words()}. Add noise to the batch, or use "
                f"another method."
            )
