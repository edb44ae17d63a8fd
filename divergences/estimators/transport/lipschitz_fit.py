"""Training of one Wasserstein critic, which the folds share."""

from __future__ import annotations

import copy
import math
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from divergences.estimators.ratios.labels import stratified_folds
from divergences.networks.constraints import (
    clip_weights,
    freeze_weights,
    gradient_penalty,
    lipschitz_bound,
    normalize_spectrally,
    slopes,
)
from divergences.networks.lipschitz import LipschitzPerceptron
from divergences.networks.own import require_finite, shape_of_output
from divergences.networks.perceptron import Perceptron
from divergences.networks.seeds import seeded
from divergences.work import row_tiles

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.estimators.lipschitz import LipschitzCritic
    from divergences.measures.samples import Samples

CLIP = 0.1
PENALTY = 10.0  # the weight of Gulrajani et al. (2017)
VALIDATION_FOLDS = 5
CHECKS = 40
PATIENCE = 10
ROUNDING = 1e-4
CERTIFIED = ("orthogonal", "spectral_norm")
_LATE = 0.9


@dataclass(frozen=True, eq=False)
class FittedNetwork:
    """A trained critic on the scale of the data: f(z) = scale h((z - center) / scale) / slope.

    Parameters
    ----------
    network : Module
        The letter h.
    center : ndarray of shape (d,)
    scale : float
    slope : float
        What h is divided by.
    bound : float
        What the slope of h is certain not to exceed; infinity where nothing is certain.
    improving : bool
        Whether the best state was that of the last steps.
    device : str
        Where it was trained, and is evaluated.
    """

    network: nn.Module
    center: NDArray[np.float64]
    scale: float
    slope: float
    bound: float
    improving: bool
    device: str

    def __call__(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Evaluate at (k, d) points."""
        values = np.empty(len(points))
        tensor = _tensor((points - self.center) / self.scale, self.network, self.device)
        with torch.no_grad():
            for rows in row_tiles(len(points), 1024):
                values[rows] = _values(self.network, tensor[rows]).double().cpu().numpy()
        return values * (self.scale / self.slope)


@dataclass(frozen=True, eq=False)
class _Side:
    """One sample as a tensor, with its cumulative weights to draw batches by."""

    points: torch.Tensor
    mass: torch.Tensor

    @classmethod
    def create(
        cls, points: NDArray[np.float64], mass: NDArray[np.float64], network: nn.Module, device: str
    ) -> _Side:
        weights = torch.as_tensor(mass / mass.sum(), device=device)
        return cls(_tensor(points, network, device), weights)

    def batch(self, size: int, rng: np.random.Generator) -> torch.Tensor:
        """Points drawn by their weights; all of them where a batch holds as many."""
        rows = torch.as_tensor(rng.random(size), device=self.mass.device)
        ends = self.mass.cumsum(0)
        chosen = torch.searchsorted(ends, rows * ends[-1]).clamp_(max=len(ends) - 1)
        return self.points[chosen]

    def mean(self, network: nn.Module) -> float:
        """Weighted mean of the network."""
        return float((_values(network, self.points).double() * self.mass).sum())


def fit_network(
    settings: LipschitzCritic, p: Samples, q: Samples, rng: np.random.Generator
) -> FittedNetwork:
    """Train a critic on two samples, a fifth of each kept apart to stop early.

    Parameters
    ----------
    settings : LipschitzCritic
    p, q : Samples
        What it may see.
    rng : Generator
        Of its start and its batches.

    Returns
    -------
    FittedNetwork
        With the slope that it is certain, or else was seen, to have divided out.
    """
    center = (p.mass @ p.points + q.mass @ q.points) / 2
    spread = sum(side.mass @ np.square(side.points - center).mean(axis=1) for side in (p, q)) / 2
    scale = math.sqrt(spread) or 1.0
    network = _built(settings, p.d, rng).to(settings.device)
    sides = []
    for side in (p, q):
        apart = stratified_folds(np.zeros(side.n, dtype=int), VALIDATION_FOLDS, rng) == 0
        inputs = (side.points - center) / scale
        sides.append(
            [
                _Side.create(inputs[rows], side.mass[rows], network, settings.device)
                for rows in (~apart, apart)
            ]
        )
    (fit_p, test_p), (fit_q, test_q) = sides
    # Layers of one's own may draw at random as they train, which ours do not.
    with nullcontext() if settings.network == "perceptron" else seeded(rng):
        improving = _train(settings, network, (fit_p, fit_q), (test_p, test_q), rng)
    network.eval()
    freeze_weights(network)
    _require_certificate(settings, network)
    bound = lipschitz_bound(network)
    if settings.constraint in CERTIFIED and math.isfinite(bound):
        slope = bound
    else:
        slope = _steepest(network, [fit_p, fit_q, test_p, test_q])
    require_finite(slope)
    return FittedNetwork(network, center, scale, slope or 1.0, bound, improving, settings.device)


def _built(settings: LipschitzCritic, d: int, rng: np.random.Generator) -> nn.Module:
    with seeded(rng):
        if isinstance(settings.network, nn.Module):
            network = _own(settings, d)
        elif settings.constraint == "orthogonal":
            network = LipschitzPerceptron(d, width=settings.width, depth=settings.depth)
        else:
            network = Perceptron(
                d, 1, width=settings.width, depth=settings.depth, activation="leaky_relu"
            )
        if settings.constraint == "spectral_norm":
            normalize_spectrally(network)
    return network


def _own(settings: LipschitzCritic, d: int) -> nn.Module:
    network: nn.Module = copy.deepcopy(settings.network)
    for part in network.modules():
        reset: Any = getattr(part, "reset_parameters", None)
        if reset is not None:
            reset()
    shape = shape_of_output(network, d)
    if shape not in ((2,), (2, 1)):
        raise ValueError(
            f"network must map (k, {d}) to (k,) or (k, 1), but it maps (2, {d}) to {shape}."
        )
    _require_certificate(settings, network)
    return network


def _require_certificate(settings: LipschitzCritic, network: nn.Module) -> None:
    bound = lipschitz_bound(network)
    if settings.constraint == "orthogonal" and not bound <= 1 + ROUNDING:
        steep = f"its layers allow a slope of {bound:.3g}" if math.isfinite(bound) else "it is not"
        raise ValueError(
            f"network must be certified 1-Lipschitz for the constraint 'orthogonal', but {steep}. "
            f"Build it of OrthogonalLinear and GroupSort, or choose another constraint."
        )


def _train(
    settings: LipschitzCritic,
    network: nn.Module,
    fit: tuple[_Side, _Side],
    test: tuple[_Side, _Side],
    rng: np.random.Generator,
) -> bool:
    """Ascend the dual objective; leave the network in its best state and say if it came late."""
    optimizer = torch.optim.Adam(network.parameters(), settings.learning_rate, betas=(0.5, 0.9))
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, settings.steps)
    every = max(1, settings.steps // CHECKS)
    best, best_state, best_step = -math.inf, network.state_dict(), 0
    for step in range(1, settings.steps + 1):
        x, y = (side.batch(settings.batch_size, rng) for side in fit)
        optimizer.zero_grad()
        loss = _values(network, y).mean() - _values(network, x).mean()
        if settings.constraint == "gradient_penalty":
            generator = torch.Generator(settings.device).manual_seed(int(rng.integers(2**63)))
            loss = loss + PENALTY * gradient_penalty(network, x, y, generator)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        decay.step()
        if settings.constraint == "clipping":
            clip_weights(network, CLIP)
        if step % every and step != settings.steps:
            continue
        found = _held_out(settings, network, test)
        if found > best:
            best, best_state, best_step = found, copy.deepcopy(network.state_dict()), step
        elif step - best_step >= PATIENCE * every:
            break
    require_finite(best)
    network.load_state_dict(best_state)
    return best_step > _LATE * settings.steps


def _held_out(settings: LipschitzCritic, network: nn.Module, test: tuple[_Side, _Side]) -> float:
    network.eval()
    with torch.no_grad():
        value = test[0].mean(network) - test[1].mean(network)
    if settings.constraint not in CERTIFIED:
        # Its scale is free: what counts is the value for a slope of one.
        value /= _steepest(network, list(test)) or 1.0
    network.train()
    return value


def _steepest(network: nn.Module, sides: list[_Side]) -> float:
    """Largest slope at the points, and half way between points of the two samples."""
    points = torch.cat([side.points for side in sides])
    between = (points + points.flip(0)) / 2
    return max(float(slopes(network, part).max()) for part in (points, between))


def _values(network: nn.Module, points: torch.Tensor) -> torch.Tensor:
    values: torch.Tensor = network(points)
    return values.reshape(len(points))


def _tensor(points: NDArray[np.float64], network: nn.Module, device: str) -> torch.Tensor:
    first: Any = next(network.parameters())
    return torch.as_tensor(points, dtype=first.dtype, device=device)
