"""The differentiable form of kernel densities, against the estimate and finite differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import divergences as dv
from divergences.definitions import JensenShannon, TotalVariation
from divergences.errors import InvalidPairError
from divergences.estimators.estimator import differentiable_loss
from divergences.estimators.kde import KDE
from tests.naive import total_variation_of_ratios
from tests.truths import RATIO_DEFINITIONS

FACTOR = np.linalg.cholesky([[1, 0.5], [0.5, 1]])
RATIOS = (*RATIO_DEFINITIONS, dv.Renyi(2.0))
METHODS = [
    KDE(),
    KDE(bandwidth="silverman"),
    KDE(bandwidth=[0.4, 0.7]),
    KDE(kernel="exponential", bandwidth="scott"),
    KDE(kernel="epanechnikov", bandwidth="scott"),
]


def _batches():
    rng = np.random.default_rng(7)
    x, y = rng.normal(size=(60, 2)), rng.normal(size=(60, 2)) @ FACTOR.T + 1
    return torch.tensor(x[:55]), torch.tensor(y)


@pytest.mark.parametrize("method", METHODS, ids=repr)
@pytest.mark.parametrize("definition", RATIOS, ids=lambda definition: definition.symbol)
def test_equals_the_estimate(definition, method):
    x, y = _batches()
    loss = differentiable_loss(definition, x, y, method=method, rng=0)
    assert loss.shape == ()
    if isinstance(definition, TotalVariation):
        # Another form of it, as signs have no slope.
        expected = total_variation_of_ratios(method, x.numpy(), y.numpy(), rng=0)
    else:
        expected = dv.divergence(definition, x, y, method=method, rng=0)
    assert loss.item() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("method", METHODS, ids=repr)
@pytest.mark.parametrize("definition", RATIOS, ids=lambda definition: definition.symbol)
def test_gradient_by_finite_differences(definition, method):
    x, y = (batch.requires_grad_() for batch in _batches())
    loss = differentiable_loss(definition, x, y, method=method, rng=0)
    slopes = torch.autograd.grad(loss, (x, y))
    torch.testing.assert_close(
        [*map(torch.isfinite, slopes)], [torch.ones_like(x).bool(), torch.ones_like(y).bool()]
    )
    generator = torch.Generator().manual_seed(1)
    step = 1e-6
    for _ in range(3):
        along = [torch.randn(z.shape, generator=generator, dtype=z.dtype) for z in (x, y)]
        ends = []
        for sign in (1, -1):
            moved = [z.detach() + sign * step * a for z, a in zip((x, y), along, strict=True)]
            value = differentiable_loss(definition, *moved, method=method, rng=0)
            ends.append(value.item())
        expected = (ends[0] - ends[1]) / (2 * step)
        given = sum((s * a).sum().item() for s, a in zip(slopes, along, strict=True))
        assert given == pytest.approx(expected, rel=1e-5, abs=1e-5)


def test_training_on_it_moves_one_batch_to_the_other():
    rng = np.random.default_rng(0)
    target = torch.tensor(rng.normal(3, 0.5, (100, 1)))
    noise = torch.tensor(rng.normal(size=(100, 1)))
    shift = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    scale = torch.ones(1, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([shift, scale], lr=0.1)
    for _ in range(100):
        optimizer.zero_grad()
        loss = JensenShannon().loss(target, shift + scale * noise, method=KDE(bandwidth="scott"))
        loss.backward()
        optimizer.step()
    assert shift.item() == pytest.approx(3, abs=0.2)
    assert abs(scale.item()) == pytest.approx(0.5, abs=0.15)


def test_float32_stays_float32():
    x, y = (batch.float().requires_grad_() for batch in _batches())
    loss = differentiable_loss(JensenShannon(), x, y, method="kde", rng=0)
    assert loss.dtype == torch.float32


@pytest.mark.parametrize(
    ("method", "x", "error", "message"),
    [
        (KDE(integrate=True), None, InvalidPairError, r"^KDE\(integrate=True\) has no differ"),
        (
            KDE(bandwidth="likelihood"), None, ValueError,
            r"^bandwidth=\"likelihood\" has no gradient\. For a loss use \"cross_validated\"",
        ),
        (KDE(), torch.ones(9, 2), ValueError, r"^x has no density: column 0 is constant; c"),
        (KDE(), torch.ones(2, 2), ValueError, r"^x must have at least 3 samples for ke"),
        (KDE(), torch.full((9, 2), torch.nan), ValueError, r"^x must be finite, but 18 of its"),
    ],
)  # fmt: skip
def test_bad_batches_are_refused(method, x, error, message):
    good, y = _batches()
    with pytest.raises(error, match=message):
        differentiable_loss(JensenShannon(), good if x is None else x, y, method=method, rng=0)
