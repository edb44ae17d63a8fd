"""Training of critic networks on one part of two samples, stopped by what was held out of it."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from divergences.density.units import NORMAL_QUARTILES
from divergences.estimators.neural_objectives import Objective
from divergences.estimators.ratios.cross_fitting import TrainingPart
from divergences.networks.own import first_parameter, require_finite, shape_of_output
from divergences.networks.perceptron import Perceptron
from divergences.networks.seeds import seeded

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.estimators.neural import Neural

_HELD_OUT = 0.2
_LOOK_EVERY = 5
_PATIENCE = 100
_FEWEST_STEPS = 400  # rings and other waves show hardly any slope to a network that has seen none
_GAIN = 2e-3  # over the root of the number of held-out points, a small share of their noise
_LONGEST_GRADIENT = 1.0
_ROWS = 2**16
_LINEAR = 3.0


@dataclass(frozen=True, eq=False)
class RobustScale:
    """Features by their medians and quartiles, logarithmic beyond 3 standard deviations.

    Parameters
    ----------
    center, scale : ndarray of shape (d,)
        Those that are constant have an infinite scale.
    """

    center: NDArray[np.float64]
    scale: NDArray[np.float64]

    @classmethod
    def of(cls, points: NDArray[np.float64], weights: NDArray[np.float64]) -> RobustScale:
        """Find the scales from weighted points."""
        low, center, high = _quantiles(points, weights, (0.25, 0.5, 0.75))
        size = np.maximum(np.abs(points).max(axis=0), np.finfo(np.float64).tiny)
        spread = size * np.sqrt(weights @ ((points - center) / size) ** 2 / weights.sum())
        quartiles = (high - low) / NORMAL_QUARTILES
        # Half of the points may be one value, and not all of them.
        scale = np.where(quartiles > 1e-12 * size, quartiles, spread)
        return cls(center, np.where(scale > 1e-12 * size, scale, np.inf))

    def __call__(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map (k, d) points to features of order one."""
        features = (points - self.center) / self.scale
        beyond = np.maximum(np.abs(features) - _LINEAR, 0.0)
        features = np.clip(features, -_LINEAR, _LINEAR) + np.sign(features) * np.log1p(beyond)
        # Rounding of the data must not steer the training: it can multiply any difference.
        return np.asarray(np.round(features, 6))


@dataclass(frozen=True, eq=False)
class FittedNetworks:
    """Log-ratio of the mean of several trained networks.

    Parameters
    ----------
    scale : RobustScale
    networks : tuple of Module
        In evaluation mode, on the CPU.
    limit : float
        Largest log-ratio; infinite for none. Each network approaches it smoothly.
    offset : float
        What is added to the mean.
    unfinished : int
        How many networks were still improving when their steps were used up.
    """

    scale: RobustScale
    networks: tuple[nn.Module, ...]
    limit: float
    offset: float
    unfinished: int

    def __call__(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Evaluate at (k, d) points."""
        tiles = [points[start : start + _ROWS] for start in range(0, max(len(points), 1), _ROWS)]
        with torch.no_grad():
            log_ratio = np.concatenate([self._tile(tile) for tile in tiles]) + self.offset
        return np.clip(log_ratio, -self.limit, self.limit)

    def _tile(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        features = torch.from_numpy(self.scale(points))
        outputs = [
            _limited(_output(network, features.to(first_parameter(network))), self.limit).double()
            for network in self.networks
        ]
        return np.asarray(torch.stack(outputs).mean(dim=0).numpy())


def fit_networks(
    settings: Neural, objective: Objective, limit: float, part: TrainingPart
) -> FittedNetworks:
    """Train `settings.restarts` networks, each with a held-out share of its own.

    Parameters
    ----------
    settings : Neural
    objective : Objective
        What is maximized.
    limit : float
        Largest log-ratio, approached smoothly; infinite for none.
    part : TrainingPart
    """
    rng = np.random.default_rng(part.seed)
    scale = RobustScale.of(part.points, part.weights)
    features = scale(part.points)
    one = partial(_restart, settings, objective, limit, features, part, rng)
    trained = [one() for _ in range(settings.restarts)]
    networks = tuple(network for network, _ in trained)
    unfinished = sum(not finished for _, finished in trained)
    critic = FittedNetworks(scale, networks, limit, 0.0, unfinished)
    offset = objective.offset(*_means(objective, critic(part.points), part))
    return replace(critic, offset=float(offset))


def _means(
    objective: Objective, log_ratio: NDArray[np.float64], part: TrainingPart
) -> tuple[Any, Any]:
    of_p = part.labels == 1
    at_p, at_q = objective.terms(log_ratio[of_p], log_ratio[~of_p])
    return (
        np.average(at_p, weights=part.weights[of_p]),
        np.average(at_q, weights=part.weights[~of_p]),
    )


@dataclass(frozen=True, eq=False)
class _Batch:
    """Features and weights of points of P and of Q."""

    p: torch.Tensor
    q: torch.Tensor
    mass_p: torch.Tensor
    mass_q: torch.Tensor

    def value(self, objective: Objective, limit: float, network: nn.Module) -> torch.Tensor:
        both = _limited(_output(network, torch.cat([self.p, self.q])), limit)
        at_p, at_q = objective.terms(both[: len(self.p)], both[len(self.p) :])
        mean_p = (self.mass_p * at_p).sum() / self.mass_p.sum()
        mean_q = (self.mass_q * at_q).sum() / self.mass_q.sum()
        # An objective that no constant changes would let the outputs drift to where they are
        # limited; held at a mean ratio of one it has the same maximum.
        value: torch.Tensor = objective.join(mean_p, mean_q) - objective.offset(mean_p, mean_q) ** 2
        return value

    def pieces(self, size: int, rng: np.random.Generator) -> Iterator[_Batch]:
        """Endless pieces of about `size` points, which keep the proportion of the samples."""
        sizes = (len(self.p), len(self.q))
        count = math.ceil(sum(sizes) / size)
        while True:
            if count == 1:
                yield self
                continue
            orders = [torch.as_tensor(rng.permutation(n), device=self.p.device) for n in sizes]
            for piece in range(count):
                rows_p, rows_q = (order[piece::count] for order in orders)
                if len(rows_p) and len(rows_q):
                    yield _Batch(
                        self.p[rows_p], self.q[rows_q], self.mass_p[rows_p], self.mass_q[rows_q]
                    )


_Rows = tuple["NDArray[np.intp]", "NDArray[np.intp]"]


def _split(part: TrainingPart, rng: np.random.Generator) -> tuple[_Rows, _Rows]:
    """Rows of P and Q that are fitted, and those that decide when to stop."""
    of_p, of_q = (rng.permutation(np.flatnonzero(part.labels == label)) for label in (1, 0))
    cut_p, cut_q = (max(1, round(_HELD_OUT * len(rows))) for rows in (of_p, of_q))
    return (of_p[cut_p:], of_q[cut_q:]), (of_p[:cut_p], of_q[:cut_q])


def _batch(
    network: nn.Module,
    features: NDArray[np.float64],
    part: TrainingPart,
    of_p: NDArray[np.intp],
    of_q: NDArray[np.intp],
) -> _Batch:
    like = first_parameter(network)
    return _Batch(
        *(torch.as_tensor(features[rows]).to(like) for rows in (of_p, of_q)),
        *(torch.as_tensor(part.weights[rows]).to(like) for rows in (of_p, of_q)),
    )


def _restart(
    settings: Neural,
    objective: Objective,
    limit: float,
    features: NDArray[np.float64],
    part: TrainingPart,
    rng: np.random.Generator,
) -> tuple[nn.Module, bool]:
    rows = _split(part, rng)
    with torch.inference_mode(False), torch.enable_grad(), ExitStack() as stack:
        with seeded(rng):
            network = build(settings.network, features.shape[1]).to(settings.torch_device())
            if settings.network != "perceptron":
                shape_of_output(network, features.shape[1])
        if settings.network != "perceptron":
            # It may draw while it is trained, as dropout does.
            stack.enter_context(seeded(rng))
        fitted, held_out = (_batch(network, features, part, *pair) for pair in rows)
        finished = _train(settings, objective, limit, network, fitted, held_out, rng)
    return network.cpu(), finished


def build(network: Any, d: int) -> nn.Module:
    """A network that is ready to be trained, from whatever `Neural.network` is."""
    if network == "perceptron":
        perceptron = Perceptron(d, 1)
        # The first critic sees no difference.
        nn.init.zeros_(perceptron.last.weight)
        return perceptron
    if not isinstance(network, nn.Module):
        made = network(d)
        if not isinstance(made, nn.Module):
            raise TypeError(
                f"network must make a torch.nn.Module from the number of features, but it made "
                f"{made!r}."
            )
        return made
    fresh = copy.deepcopy(network)
    for module in fresh.modules():
        reset = getattr(module, "reset_parameters", None)
        if callable(reset):
            reset()
    return fresh


def _train(
    settings: Neural,
    objective: Objective,
    limit: float,
    network: nn.Module,
    fitted: _Batch,
    held_out: _Batch,
    rng: np.random.Generator,
) -> bool:
    """Ascend until the held-out objective has not risen for long; whether it had stopped rising."""
    parameters = list(network.parameters())
    ascent = torch.optim.AdamW(
        parameters, lr=settings.learning_rate, weight_decay=settings.weight_decay, maximize=True
    )
    judges = len(held_out.p) + len(held_out.q)
    every, gain = max(_LOOK_EVERY, judges // settings.batch_size), _GAIN / math.sqrt(judges)
    pieces = fitted.pieces(settings.batch_size, rng)
    best, best_step, best_state = -math.inf, 0, copy.deepcopy(network.state_dict())
    for step in range(settings.steps + 1):
        if step % every == 0 or step == settings.steps:
            value = _held_out_value(objective, limit, network, held_out)
            if value > best + gain:
                best, best_step, best_state = value, step, copy.deepcopy(network.state_dict())
            if step > max(2 * best_step + _PATIENCE, _FEWEST_STEPS):
                break
        network.train()
        loss = next(pieces).value(objective, limit, network)
        ascent.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(parameters, _LONGEST_GRADIENT)
        ascent.step()
    require_finite(best)
    network.load_state_dict(best_state)
    network.eval()
    network.requires_grad_(False)
    return best_step < settings.steps - max(every, settings.steps // 20)


def _held_out_value(
    objective: Objective, limit: float, network: nn.Module, held_out: _Batch
) -> float:
    network.eval()
    with torch.no_grad():
        return float(held_out.value(objective, limit, network))


def _output(network: nn.Module, features: torch.Tensor) -> torch.Tensor:
    output: torch.Tensor = network(features)
    if output.shape not in {(len(features),), (len(features), 1)}:
        raise ValueError(
            f"network must map (k, d) to (k, 1), but it made {tuple(output.shape)} of "
            f"{tuple(features.shape)}."
        )
    return output.reshape(-1)


def _limited(output: torch.Tensor, limit: float) -> torch.Tensor:
    return output if math.isinf(limit) else limit * torch.tanh(output / limit)


def _quantiles(
    points: NDArray[np.float64], weights: NDArray[np.float64], levels: tuple[float, ...]
) -> NDArray[np.float64]:
    """Weighted quantiles of each feature, shape (levels, d)."""
    found = np.empty((len(levels), points.shape[1]))
    for feature, column in enumerate(points.T):
        order = np.argsort(column)
        heap = np.cumsum(weights[order])
        places = np.searchsorted(heap, np.array(levels) * heap[-1])
        found[:, feature] = column[order][np.minimum(places, len(column) - 1)]
    return found
