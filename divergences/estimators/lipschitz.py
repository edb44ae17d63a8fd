"""The Wasserstein critic: a network trained to tell the samples apart without being steep."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from divergences.checks import check_choice, check_device, check_real, check_whole
from divergences.confidence import LEVEL
from divergences.definitions import Definition, Wasserstein
from divergences.estimate import Critic, Reading
from divergences.estimators.estimator import Estimator, register
from divergences.estimators.exact_transport import plug_in
from divergences.estimators.ratios.labels import stratified_folds
from divergences.estimators.transport import quantile_transport as line
from divergences.estimators.transport.transport_bracket import rounding_of_means, upper_end
from divergences.inference.skewed_means import reach_of_means
from divergences.measures.samples import Samples
from divergences.numerals import two_digits
from divergences.work import Run

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.estimators.transport.lipschitz_fit import FittedNetwork

CONSTRAINTS = ("orthogonal", "clipping", "gradient_penalty", "spectral_norm")
PLUG_IN_POINTS = 1_000


@dataclass(frozen=True)
class LipschitzCritic(Estimator):
    r"""Train a 1-Lipschitz network on some folds and evaluate it on the others, for W1.

    W_1 >= E_P[f] - E_Q[f] for every f that is nowhere steeper than 1, so the held-out value is a
    lower bound on average, at any number of features and points: where exact transport shows
    n^(-1/d) of noise, or does not fit in memory. How far below the truth it lies is bounded by
    exact transport between at most 1,000 points of each sample, which lies above it: `bracket` is
    that pair, and the interval reaches up to there.

    Parameters
    ----------
    constraint : {"orthogonal", "clipping", "gradient_penalty", "spectral_norm"}
        What keeps the critic from growing steep. Orthogonal layers with GroupSort are exactly
        1-Lipschitz; layers divided by their spectral norms are no steeper than 1. Weight clipping
        and the gradient penalty promise nothing: the critic is divided by the steepest slope that
        was seen, and the notes say that this is no certificate.
    network : Module or "perceptron"
        Maps (k, d) to (k,) or (k, 1). Of a module of your own, a copy is trained for each fold,
        its parameters drawn anew by each part that has `reset_parameters`. "orthogonal" accepts
        those that `lipschitz_bound` certifies.
    width, depth : int
        Hidden layers of the perceptron: their features, an even number, and how many.
    steps : int
        Most training steps. A fifth of the training points is kept apart, and the state that
        was the best on them is kept.
    learning_rate : float
        Of Adam; it falls to zero along a cosine.
    batch_size : int
        Points of each sample in a step.
    folds : int
        Number of critics, at least 2; each is evaluated where it was not trained.
    device : str
        Where torch computes, such as "cpu" or "cuda".

    Raises
    ------
    TypeError, ValueError
        If a setting is not usable; the message says which and what would be.

    References
    ----------
    Anil, Lucas and Grosse (2019); Arjovsky, Chintala and Bottou (2017); Gulrajani et al. (2017);
    Miyato et al. (2018).

    Examples
    --------
    >>> import numpy as np
    >>> import divergences as dv
    >>> x, y = np.random.default_rng(0).normal(size=(2, 400, 50))
    >>> y[:, 0] += 3
    >>> critic = dv.LipschitzCritic(steps=50, folds=2)
    >>> exact = dv.wasserstein_distance(x, y, method="exact", rng=0)
    >>> held_out = dv.wasserstein_distance(x, y, method=critic, rng=0)
    >>> f"{exact:.0f}", 2.4 < held_out < 3.2
    ('8', True)
    """

    constraint: str = "orthogonal"
    network: Any = "perceptron"
    width: int = 32
    depth: int = 2
    steps: int = 1_000
    learning_rate: float = 0.02
    batch_size: int = 256
    folds: int = 3
    device: str = "cpu"
    shorthand: ClassVar[str] = "critic"
    minimum: ClassVar[int] = 20

    def __post_init__(self) -> None:
        check_choice("constraint", self.constraint, CONSTRAINTS)
        if check_whole("width", self.width, remedy="It must be even.") % 2:
            raise ValueError(
                f"width must be even, as features are sorted in pairs, not {self.width}."
            )
        check_whole("depth", self.depth, at_least=0)
        check_whole("steps", self.steps, remedy="1,000 is usual.")
        check_real("learning_rate", self.learning_rate, above=0, remedy="0.02 is usual.")
        check_whole("batch_size", self.batch_size, remedy="256 is usual.")
        check_whole("folds", self.folds, at_least=2, remedy="3 is usual.")
        if self.device != "cpu":
            check_device(self.device)
        if not (self.network == "perceptron" or _is_module(self.network)):
            raise TypeError(
                f'network must be a torch.nn.Module or "perceptron", not {self.network!r}.'
            )

    @classmethod
    def serves(cls, definition: Definition) -> bool:
        """W1 alone: for other orders a critic is a pair of functions."""
        return isinstance(definition, Wasserstein) and definition.order == 1

    def describe(self) -> str:
        """Return the constraint and the folds."""
        return f"critic, {self.constraint.replace('_', ' ')}, {self.folds}-fold"


def _is_module(network: Any) -> bool:
    from torch import nn

    return isinstance(network, nn.Module)


@dataclass(frozen=True, eq=False)
class MeanCritic:
    """The critic of all data: the mean over the folds, which is as flat as its parts."""

    critics: tuple[Critic, ...]

    def __call__(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Evaluate at (k, d) points."""
        return np.asarray(np.mean([critic(points) for critic in self.critics], axis=0))


@register(Wasserstein, LipschitzCritic)
def held_out_critic(
    definition: Wasserstein, estimator: LipschitzCritic, p: Samples, q: Samples, run: Run
) -> Reading:
    """Train on all folds but one, evaluate on that one, and bound from above by the plug-in."""
    p, q = line.without_empty(p), line.without_empty(q)
    line.require_range(p, q, definition.order)
    folds_p, folds_q = (_folds(side, estimator.folds, run) for side in (p, q))
    seeds = run.rng.integers(2**63, size=estimator.folds)
    some_p, some_q = (_some_points(side, run) for side in (p, q))
    upper = plug_in(some_p, some_q, 1.0)

    def fit(fold: int) -> tuple[FittedNetwork, float]:
        from divergences.estimators.transport.lipschitz_fit import fit_network

        train_p, train_q = (
            p.take(np.flatnonzero(folds_p != fold)),
            q.take(np.flatnonzero(folds_q != fold)),
        )
        fitted = fit_network(estimator, train_p, train_q, np.random.default_rng(seeds[fold]))
        # Critics of different folds differ by a constant, which is no spread of the samples.
        middle = train_p.mean(fitted(train_p.points)) + train_q.mean(fitted(train_q.points))
        return fitted, middle / 2

    fits = list(run.map(fit, range(estimator.folds), f"{estimator.describe()} fits"))
    at_p, at_q = (_out_of_fold(fits, side, folds) for side, folds in ((p, folds_p), (q, folds_q)))
    value = p.mean(at_p) - q.mean(at_q)
    stderr = math.sqrt(p.variance_of_mean(at_p) + q.variance_of_mean(at_q))
    down, _ = reach_of_means((p, at_p), (q, -at_q), (1 - LEVEL) / 2, (at_q, -at_p))
    low = value - down - rounding_of_means(p, q, at_p, at_q)
    networks = [fitted for fitted, _ in fits]
    bracket = (max(0.0, low), upper_end(upper, some_p, some_q))
    return Reading(
        inner=value,
        stderr=stderr,
        bias=min(0.0, value - upper.inner),
        notes=(
            f"A lower bound on average: the held-out value of critics. Exact transport between "
            f"{min(p.n, PLUG_IN_POINTS):,} and {min(q.n, PLUG_IN_POINTS):,} points, an upper bound "
            f"on average, shows {two_digits(upper.inner)}; the interval reaches up to there.",
            *_notes(estimator, networks),
            *_contradiction(*bracket),
        ),
        critic=MeanCritic(tuple(networks)),
        bracket=bracket,
        diagnostics={
            "plug_in": upper.inner,
            "slope": max(fitted.slope for fitted in networks),
            "slope_bound": max(fitted.bound for fitted in networks),
            "still_improving": sum(fitted.improving for fitted in networks),
        },
    )


def _folds(sample: Samples, folds: int, run: Run) -> NDArray[np.intp]:
    return stratified_folds(np.zeros(sample.n, dtype=np.intp), folds, run.rng)


def _out_of_fold(
    fits: list[tuple[FittedNetwork, float]], sample: Samples, folds: NDArray[np.intp]
) -> NDArray[np.float64]:
    values = np.empty(sample.n)
    for fold, (fitted, middle) in enumerate(fits):
        values[folds == fold] = fitted(sample.points[folds == fold]) - middle
    return values


def _some_points(side: Samples, run: Run) -> Samples:
    if side.n > PLUG_IN_POINTS:
        side = side.take(np.sort(run.rng.permutation(side.n)[:PLUG_IN_POINTS]))
    return line.in_order(side) if side.d == 1 else side


def _notes(estimator: LipschitzCritic, networks: list[FittedNetwork]) -> list[str]:
    notes = [_certificate(estimator, networks)]
    late = sum(fitted.improving for fitted in networks)
    if late:
        notes.append(
            f"{late} of {len(networks)} critics were still improving when training ended: more "
            f"steps would raise the value."
        )
    else:
        notes.append("No critic was still improving when training ended.")
    return notes


def _contradiction(low: float, high: float) -> tuple[str, ...]:
    if low <= high:
        return ()
    return (
        f"The bracket contradicts itself: its lower end, {two_digits(low)}, lies above its upper "
        f"end, {two_digits(high)}. Unless by rare chance, the critics are steeper than 1: trust "
        f'neither the value nor the lower end, and use "orthogonal" or "spectral_norm".',
    )


def _certificate(estimator: LipschitzCritic, networks: list[FittedNetwork]) -> str:
    slope = max(fitted.slope for fitted in networks)
    bound = max(fitted.bound for fitted in networks)
    if estimator.constraint == "orthogonal":
        return "The critics are exactly 1-Lipschitz, by their layers."
    if slope >= bound:
        return (
            f"Divided by {slope:.4g}, the product of the layers' spectral norms, which certifies "
            f"that the critics are 1-Lipschitz."
        )
    allowed = (
        f"the layers allow up to {two_digits(bound)}"
        if math.isfinite(bound)
        else "no more is known"
    )
    return (
        f"Not certified: divided by {two_digits(slope)}, the steepest slope that was seen at the "
        f"points and between them; {allowed}, so the value can lie above what a 1-Lipschitz critic "
        f"would show."
    )
