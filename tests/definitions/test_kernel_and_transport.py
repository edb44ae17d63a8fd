"""Laws of kernels, of the root that keeps its sign, and what definitions declare."""

import copy
import math
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from divergences.definitions import (
    MMD,
    Energy,
    EnergyKernel,
    GaussianKernel,
    LaplacianKernel,
    RationalQuadraticKernel,
    Sinkhorn,
    SlicedWasserstein,
    SumKernel,
    Wasserstein,
)
from divergences.definitions.definition import signed_root

KERNELS = [
    GaussianKernel(0.7),
    LaplacianKernel(1.3),
    RationalQuadraticKernel(0.8, alpha=0.5),
    RationalQuadraticKernel(2.0, alpha=3.0),
    EnergyKernel(),
    GaussianKernel(0.5) + 2 * LaplacianKernel(1.0) + EnergyKernel(),
]
FORMULAS = [
    lambda r: math.exp(-(r**2) / (2 * 0.7**2)),
    lambda r: math.exp(-r / 1.3),
    lambda r: (1 + r**2 / (2 * 0.5 * 0.8**2)) ** -0.5,
    lambda r: (1 + r**2 / (2 * 3.0 * 2.0**2)) ** -3.0,
    lambda r: -r,
    lambda r: math.exp(-(r**2) / 0.5) + 2 * math.exp(-r) - r,
]
names = [repr(kernel) for kernel in KERNELS]
DEFINITIONS = [
    Wasserstein(1), Wasserstein(2), Wasserstein(2.5), SlicedWasserstein(1), SlicedWasserstein(2),
    Sinkhorn(1), Sinkhorn(2, 0.1), MMD(GaussianKernel(1.0)), MMD(), MMD(squared=True), Energy(),
    Energy(squared=True),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kernel", "formula"), list(zip(KERNELS, FORMULAS, strict=True)), ids=names
)
def test_kernels_are_their_formulas(kernel, formula):
    distances = np.linspace(0.0, 5.0, 11)
    expected = [formula(r) for r in distances]
    np.testing.assert_allclose(kernel.of_squared_distance(distances**2), expected, rtol=1e-14)
    tensor = kernel.of_squared_distance(torch.as_tensor(distances**2))
    np.testing.assert_allclose(tensor, expected, rtol=1e-14)


@pytest.mark.parametrize("kernel", KERNELS, ids=names)
@settings(deadline=None, derandomize=True, max_examples=25)
@given(seed=st.integers(0, 2**32), n=st.integers(2, 8), d=st.integers(1, 3))
def test_kernels_are_positive_definite_on_contrasts(kernel, seed, n, d):
    points = np.random.default_rng(seed).normal(size=(n, d))
    squared = ((points[:, None] - points[None]) ** 2).sum(axis=-1)
    gram = kernel.of_squared_distance(squared)
    assert (np.diag(gram) >= gram.max() - 1e-12).all()
    contrast = np.eye(n) - 1 / n
    assert np.linalg.eigvalsh(contrast @ gram @ contrast).min() > -1e-10


@pytest.mark.parametrize("kernel", KERNELS, ids=names)
def test_a_point_at_distance_zero_does_not_poison_gradients(kernel):
    x = torch.zeros(3, 2, dtype=torch.float64, requires_grad=True)
    squared = ((x[:, None] - x[None]) ** 2).sum(dim=-1)
    kernel.of_squared_distance(squared).sum().backward()
    assert torch.isfinite(x.grad).all()


def test_median_bandwidths_wait_for_the_data():
    kernel = GaussianKernel() + 0.5 * LaplacianKernel(2.0)
    assert kernel.needs_scale
    fixed = kernel.at_scale(3.0)
    assert not fixed.needs_scale
    assert fixed == GaussianKernel(3.0) + 0.5 * LaplacianKernel(2.0)
    assert not EnergyKernel().needs_scale
    assert RationalQuadraticKernel().at_scale(2.0) == RationalQuadraticKernel(2.0)
    assert LaplacianKernel(1.0).at_scale(5.0) == LaplacianKernel(1.0)


def test_sums_flatten_and_scale():
    kernel = 2.0 * (GaussianKernel(1.0) + 3 * LaplacianKernel(1.0))
    assert kernel == SumKernel(((2.0, GaussianKernel(1.0)), (6.0, LaplacianKernel(1.0))))
    with pytest.raises(TypeError, match="unsupported operand"):
        GaussianKernel(1.0) + 1.0


@pytest.mark.parametrize("order", [1.0, 2.0, 3.5])
@given(value=st.floats(-1e6, 1e6))
@settings(deadline=None, derandomize=True, max_examples=60)
def test_signed_root_inverts_the_signed_power(order, value):
    root = signed_root(value, order)
    assert math.copysign(abs(root) ** order, root) == pytest.approx(value, rel=1e-12)
    tensor = signed_root(torch.tensor(value, dtype=torch.float64), order)
    assert float(tensor) == pytest.approx(root, rel=1e-14)


def test_signed_root_has_slope_zero_at_zero():
    at = torch.tensor(0.0, dtype=torch.float64, requires_grad=True)
    signed_root(at).backward()
    assert float(at.grad) == 0.0
    at = torch.tensor(4.0, dtype=torch.float64, requires_grad=True)
    signed_root(at).backward()
    assert float(at.grad) == 0.25


@pytest.mark.parametrize("definition", DEFINITIONS, ids=[repr(one) for one in DEFINITIONS])
def test_definitions_are_values(definition):
    twin = pickle.loads(pickle.dumps(definition))
    assert twin == definition == copy.deepcopy(definition)
    assert len({definition, twin}) == 1
    assert definition.symmetric
    assert definition.symbol
    assert definition.title


def test_symbols_units_and_laws():
    facts = [
        (d.symbol, d.unit, d.scaling, d.metric)
        for d in (
            Wasserstein(), Wasserstein(2), SlicedWasserstein(), Sinkhorn(), Sinkhorn(1),
            Sinkhorn(2, 0.5), MMD(), MMD(GaussianKernel(1.0)), MMD(squared=True), Energy(),
            Energy(squared=True),
        )
    ]  # fmt: skip
    assert facts == [
        ("W1", "data units", 1.0, True),
        ("W2", "data units", 1.0, True),
        ("SW2", "data units", 1.0, True),
        ("Sinkhorn2", "data units²", 2.0, False),
        ("Sinkhorn1", "data units", 1.0, False),
        ("Sinkhorn2", "data units²", None, False),
        ("MMD", "", 0.0, False),
        ("MMD", "", None, True),
        ("MMD²", "", 0.0, False),
        ("energy", "data units^(1/2)", 0.5, True),
        ("energy²", "data units", 1.0, False),
    ]


def test_orders_that_are_equal_make_equal_definitions():
    assert Wasserstein(1) == Wasserstein(1.0)
    assert hash(Wasserstein(1)) == hash(Wasserstein(1.0))


def test_energy_is_the_mmd_of_minus_distance():
    assert Energy().kernel == EnergyKernel()
