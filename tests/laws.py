"""Laws that estimators claim, as checks that any subject can be put through.

A subject is one divergence found by one method. A new method joins by adding a row to `ROWS`,
with the laws that it obeys exactly; every method must have a row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import torch

from divergences.definitions import (
    MMD,
    ChiSquared,
    Definition,
    Energy,
    GaussianKernel,
    JensenShannon,
    JensenShannonDistance,
    KullbackLeibler,
    LaplacianKernel,
    Renyi,
    ReverseKL,
    Sinkhorn,
    SlicedWasserstein,
    SquaredHellinger,
    TotalVariation,
    Wasserstein,
)
from divergences.estimate import Estimate
from divergences.estimators import (
    DebiasedTransport,
    EntropicTransport,
    Estimator,
    ExactTransport,
    LipschitzCritic,
    Neighbors,
    Neural,
    PairwiseKernel,
    Sliced,
    Stacked,
    estimate_samples,
    losses_for,
    methods_for,
)
from divergences.estimators.classifier import Classifier
from divergences.estimators.kde import KDE
from divergences.measures import as_samples
from divergences.work import Run
from tests.exact_values import LE_CAM

DEFINITIONS: tuple[Definition, ...] = (
    JensenShannon(),
    JensenShannonDistance(2),
    KullbackLeibler(),
    ReverseKL(),
    TotalVariation(),
    SquaredHellinger(),
    ChiSquared(),
    Renyi(0.5),
    Renyi(2.0),
    LE_CAM,
    Wasserstein(1),
    Wasserstein(2),
    Wasserstein(2.5),
    SlicedWasserstein(1),
    SlicedWasserstein(2),
    Sinkhorn(2),
    Sinkhorn(1, 0.5),
    MMD(),
    MMD(GaussianKernel(1.0), squared=True),
    MMD(LaplacianKernel(1.0)),
    Energy(),
    Energy(squared=True),
)


@dataclass(frozen=True)
class Row:
    """A method with the laws that it obeys exactly, up to rounding.

    Parameters
    ----------
    estimator : Estimator
        The method.
    claims : frozenset of str
        Names in `LAWS`. Four hold for every method and need not be claimed.
    rtol : float
        Rounding of the values, relative, for values of order one.
    slow : bool
        Whether its fits take so long that one definition stands for all that share them.
    """

    estimator: Estimator
    claims: frozenset[str] = frozenset()
    rtol: float = 1e-9
    slow: bool = False


_STAND_INS = (JensenShannon(), KullbackLeibler(), Wasserstein(1))
EVERY_METHOD = frozenset({"seed", "workers", "untouched", "translation"})
_GEOMETRY = frozenset({"permutation", "symmetry", "scaling", "rotation"})
_EMPIRICAL = frozenset({"repeats", "zero", "nonnegative"})

ROWS: tuple[Row, ...] = (
    Row(KDE(second_opinion=False), _GEOMETRY | {"affine"}, rtol=1e-8),
    Row(KDE(bandwidth="scott", second_opinion=False), _GEOMETRY | {"affine"}, rtol=1e-8),
    Row(
        KDE(kernel="epanechnikov", bandwidth="silverman", second_opinion=False),
        _GEOMETRY | {"affine"},
        rtol=1e-8,
    ),
    Row(ExactTransport(), _GEOMETRY | _EMPIRICAL | {"triangle", "contraction"}),
    Row(DebiasedTransport(), frozenset({"scaling", "rotation"}), rtol=1e-8),
    Row(
        Sliced(16, "plug-in"),
        _EMPIRICAL | {"permutation", "symmetry", "scaling", "triangle"},
    ),
    Row(Sliced(16), frozenset({"scaling"}), rtol=1e-8),
    Row(EntropicTransport(), _GEOMETRY | _EMPIRICAL, rtol=1e-6),
    Row(PairwiseKernel(), _GEOMETRY),
    Row(PairwiseKernel("biased"), _GEOMETRY | _EMPIRICAL | {"triangle"}),
    Row(Neighbors(second_opinion=False), _GEOMETRY | {"affine"}, rtol=1e-8),
    Row(Classifier("logistic", folds=3), rtol=1e-4, slow=True),
    Row(Classifier("boosting", folds=2), slow=True),
    Row(LipschitzCritic(width=8, steps=20, folds=2), rtol=1e-3, slow=True),
    Row(LipschitzCritic("clipping", width=8, steps=20, folds=2), rtol=1e-3, slow=True),
    Row(Stacked(effort=0.3), rtol=1e-6, slow=True),
    Row(Neural(folds=2, restarts=1, steps=50), rtol=1e-6, slow=True),
)


@dataclass(frozen=True)
class Subject:
    """One divergence found by one method."""

    definition: Definition
    row: Row

    @property
    def name(self) -> str:
        """What test reports call it."""
        return f"{self.definition.symbol}, {self.row.estimator!r}"

    def __call__(
        self, x: Any, y: Any, *, rng: int = 0, workers: int = 1, **weights: Any
    ) -> Estimate:
        """Estimate from two samples."""
        p = as_samples(x, name="p", weights=weights.get("a"))
        q = as_samples(y, name="q", weights=weights.get("b"))
        run = Run.create(rng, workers, progress=False)
        return estimate_samples([self.definition], p, q, self.row.estimator, run)[0]

    def claims(self, law: str) -> bool:
        """Whether the law holds for the method, and is defined for the divergence."""
        if law not in EVERY_METHOD | self.row.claims:
            return False
        needs = {
            "symmetry": self.definition.symmetric,
            "triangle": self.definition.metric,
            "scaling": self.definition.scaling is not None,
            # The median over pairs of points sees repeats and not the weights' own copies.
            "repeats": self.definition != MMD(),
        }
        return needs.get(law, True)


@cache
def subjects() -> tuple[Subject, ...]:
    """Every registered pair of `DEFINITIONS` and `ROWS`."""
    return tuple(
        Subject(definition, row)
        for row in ROWS
        for definition in DEFINITIONS
        if type(row.estimator) in methods_for(definition)
        and not (row.slow and definition not in _STAND_INS)
    )


@dataclass
class Data:
    """Two samples, a third one, and the randomness for a law's own choices."""

    x: np.ndarray
    y: np.ndarray
    z: np.ndarray
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    @classmethod
    def draw(cls, seed: int, d: int, n: int = 24, m: int = 30) -> Data:
        """Three overlapping samples of different spread, none symmetric about anything."""
        rng = np.random.default_rng([seed, d])
        mix = np.eye(d) + 0.3 * rng.normal(size=(d, d))
        x = rng.normal(size=(n, d)) @ mix
        y = 0.6 + 1.3 * rng.gamma(3.0, 0.5, size=(m, d))
        z = rng.normal(0.3, 1.0, size=(n + 3, d))
        return cls(x, y, z, rng)


def assert_close(found: float, expected: float, subject: Subject) -> None:
    """Compare two values to the rounding that the method is allowed."""
    scale = max(1.0, abs(float(expected)))
    assert abs(float(found) - float(expected)) <= subject.row.rtol * scale, (
        f"{subject.name}: {float(found)!r} should be {float(expected)!r}"
    )


def permutation(subject: Any, data: Data) -> None:
    """The order of the rows does not matter."""
    shuffled = subject(data.rng.permutation(data.x), data.rng.permutation(data.y))
    assert_close(shuffled, subject(data.x, data.y), subject)


def symmetry(subject: Any, data: Data) -> None:
    """D(P, Q) = D(Q, P)."""
    assert_close(subject(data.y, data.x), subject(data.x, data.y), subject)


def translation(subject: Any, data: Data) -> None:
    """Moving both samples together changes nothing."""
    move = 0.5 + np.arange(data.x.shape[1])
    assert_close(subject(data.x + move, data.y + move), subject(data.x, data.y), subject)


def scaling(subject: Any, data: Data) -> None:
    """Scaling the data by c scales the value by c to the power that the definition declares."""
    for c in (3.0, 0.25):
        expected = c**subject.definition.scaling * subject(data.x, data.y)
        assert_close(subject(c * data.x, c * data.y), expected, subject)


def rotation(subject: Any, data: Data) -> None:
    """Turning and mirroring both samples together changes nothing."""
    d = data.x.shape[1]
    turn, _ = np.linalg.qr(data.rng.normal(size=(d, d)))
    assert_close(subject(data.x @ turn, data.y @ turn), subject(data.x, data.y), subject)


def affine(subject: Any, data: Data) -> None:
    """An invertible affine map of both samples changes nothing."""
    d = data.x.shape[1]
    shape = np.eye(d) * [7.0, 0.2, 1.0][:d] + 0.3 * data.rng.normal(size=(d, d))
    moved = [points @ shape + 5.0 for points in (data.x, data.y)]
    assert_close(subject(*moved), subject(data.x, data.y), subject)


def repeats(subject: Any, data: Data) -> None:
    """Integer weights are repeated rows: the value is a functional of the weighted measures."""
    a = data.rng.integers(0, 4, size=len(data.x))
    b = data.rng.integers(1, 3, size=len(data.y))
    weighted = subject(data.x, data.y, a=a, b=b)
    repeated = subject(np.repeat(data.x, a, axis=0), np.repeat(data.y, b, axis=0))
    assert_close(weighted, repeated, subject)


def zero(subject: Any, data: Data) -> None:
    """D(P, P) = 0."""
    # A root of rounding is as large as the root of what was rounded.
    size = abs(subject(data.x, data.x + 1.0))
    value = float(subject(data.x, data.x.copy()))
    inner = subject(data.x, data.x.copy()).reading.inner
    tolerance = subject.row.rtol * max(1.0, size)
    assert abs(value) <= tolerance or abs(inner) <= tolerance**1.5, f"{subject.name}: {value}"


def nonnegative(subject: Any, data: Data) -> None:
    """D(P, Q) >= 0, and above zero where the samples differ."""
    assert subject(data.x, data.y) > 0
    near = subject(data.x, data.x + 1e-3 * data.rng.normal(size=data.x.shape))
    assert near.reading.inner > -subject.row.rtol


def triangle(subject: Any, data: Data) -> None:
    """D(P, R) <= D(P, Q) + D(Q, R), for every corner."""
    sides = [
        float(subject(data.x, data.y)),
        float(subject(data.y, data.z)),
        float(subject(data.z, data.x)),
    ]
    for longest in range(3):
        others = sum(sides) - sides[longest]
        assert sides[longest] <= others + subject.row.rtol, f"{subject.name}: {sides}"


def contraction(subject: Any, data: Data) -> None:
    """A 1-Lipschitz map of both samples brings them no farther apart."""
    whole = subject(data.x, data.y)
    for shrink in (np.tanh, lambda points: points[:, :1], lambda points: points / 2):
        assert subject(shrink(data.x), shrink(data.y)) <= whole + subject.row.rtol


def seed(subject: Any, data: Data) -> None:
    """The same seed gives the same answer, whatever ran before."""
    first = subject(data.x, data.y, rng=11)
    subject(data.y, data.x, rng=12)
    again = subject(data.x, data.y, rng=11)
    assert (first.reading.inner, first.stderr, first.bias) == (
        again.reading.inner,
        again.stderr,
        again.bias,
    )


def workers(subject: Any, data: Data) -> None:
    """The number of threads changes no bit of the answer."""
    one = subject(data.x, data.y, rng=7, workers=1)
    for count in (2, 3):
        more = subject(data.x, data.y, rng=7, workers=count)
        assert (float(more), more.stderr, more.bias) == (float(one), one.stderr, one.bias), (
            f"{subject.name}: {count} workers"
        )


def untouched(subject: Any, data: Data) -> None:
    """The caller's arrays, torch's and numpy's random states stay as they were."""
    x, y = data.x.copy(), data.y.copy()
    states = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    subject(x, y)
    np.testing.assert_array_equal(x, data.x)
    np.testing.assert_array_equal(y, data.y)
    assert x.flags.writeable
    assert torch.equal(torch.get_rng_state(), states[0])
    np.testing.assert_array_equal(np.random.get_state()[1], states[1])  # noqa: NPY002


Law = Callable[[Any, Data], None]
LAWS: dict[str, Law] = {
    law.__name__: law
    for law in (
        permutation, symmetry, translation, scaling, rotation, affine, repeats, zero, nonnegative,
        triangle, contraction, seed, workers, untouched,
    )
}  # fmt: skip


def claimed() -> Iterator[tuple[str, Subject]]:
    """Every law with every subject that claims it."""
    for name in LAWS:
        for subject in subjects():
            if subject.claims(name):
                yield name, subject


# Differentiable losses.

LOSS_ROWS: tuple[Estimator, ...] = (
    KDE(),
    KDE(bandwidth=0.8),
    KDE(bandwidth="scott"),
    ExactTransport(),
    Sliced(12, "plug-in"),
    EntropicTransport(tolerance=1e-11),
    PairwiseKernel(),
    PairwiseKernel("biased"),
)


def losses() -> Iterator[tuple[Definition, Estimator]]:
    """Every registered pair that has a differentiable form."""
    for definition in DEFINITIONS:
        for estimator in LOSS_ROWS:
            if type(estimator) in losses_for(definition):
                yield definition, estimator


def directional_slopes(
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    x: torch.Tensor,
    y: torch.Tensor,
    rng: np.random.Generator,
    step: float = 1e-5,
) -> tuple[float, float]:
    """Slope of a loss along a random direction of both arguments: by gradient, by difference."""
    x, y = (batch.detach().clone().requires_grad_() for batch in (x, y))
    dx, dy = (torch.as_tensor(rng.normal(size=batch.shape)) for batch in (x, y))
    gradients = torch.autograd.grad(loss(x, y), (x, y))
    by_gradient = float((gradients[0] * dx).sum() + (gradients[1] * dy).sum())
    with torch.no_grad():
        # Four points: the error is of fourth order in the step.
        values = [float(loss(x + t * step * dx, y + t * step * dy)) for t in (-2, -1, 1, 2)]
    by_difference = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * step)
    return by_gradient, by_difference
