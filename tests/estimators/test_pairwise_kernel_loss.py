"""The loss of kernel distances: it is the estimate, and its gradient the slope."""

import numpy as np
import pytest
import torch

import divergences as dv
from divergences.definitions import (
    MMD,
    Energy,
    EnergyKernel,
    GaussianKernel,
    LaplacianKernel,
    RationalQuadraticKernel,
)
from divergences.estimators import PairwiseKernel, pairwise_kernel_loss
from tests.draws import normals

KERNELS = [
    GaussianKernel(0.8),
    LaplacianKernel(1.5),
    RationalQuadraticKernel(0.7, alpha=0.5),
    EnergyKernel(),
    GaussianKernel(0.3) + 2.0 * LaplacianKernel(2.0),
    GaussianKernel(),
    LaplacianKernel(),
    RationalQuadraticKernel(),
    GaussianKernel() + 0.5 * LaplacianKernel(2.0),
]
BIASED, UNBIASED = PairwiseKernel("biased"), PairwiseKernel("unbiased")


class TestLoss:
    @pytest.mark.parametrize("method", [BIASED, UNBIASED])
    @pytest.mark.parametrize("d", [1, 3])
    @pytest.mark.parametrize(
        "definition",
        [Energy(), Energy(True), *(MMD(k, squared=True) for k in KERNELS)],
    )
    def test_is_the_estimate(self, definition, method, d):
        x, y = normals(23, 40, 60, d, 0.5, 1.2)
        loss = definition.loss(torch.tensor(x), torch.tensor(y), method=method)
        assert loss.shape == ()
        value = dv.divergence(definition, x, y, method=method, rng=0).value
        assert loss.item() == pytest.approx(value, abs=1e-10)

    @pytest.mark.parametrize("method", [BIASED, UNBIASED])
    @pytest.mark.parametrize("d", [1, 3])
    @pytest.mark.parametrize("kernel", KERNELS)
    def test_gradient_is_the_slope(self, kernel, method, d):
        rng = np.random.default_rng(24)
        pair = normals(24, 20, 31, d, 0.5, 1.2)
        batches = [torch.tensor(points, requires_grad=True) for points in pair]
        definition = MMD(kernel)
        definition.loss(*batches, method=method).backward()
        for which in (0, 1):
            direction = torch.tensor(rng.normal(0, 1, batches[which].shape))
            values = []
            for step in (1e-6, -1e-6):
                moved = [batch.detach().clone() for batch in batches]
                moved[which] += step * direction
                values.append(definition.loss(*moved, method=method).item())
            slope = (values[0] - values[1]) / 2e-6
            inner = (batches[which].grad * direction).sum().item()
            assert inner == pytest.approx(slope, rel=1e-5, abs=1e-7)

    @pytest.mark.parametrize("kernel", KERNELS)
    @pytest.mark.parametrize("d", [1, 2])
    def test_no_nan_where_points_coincide(self, kernel, d):
        x = torch.ones(6, d, dtype=torch.float64, requires_grad=True)
        y = torch.cat([torch.ones(3, d), torch.zeros(3, d)]).double().requires_grad_()
        for method in (BIASED, UNBIASED):
            MMD(kernel).loss(x, y, method=method).backward()
            MMD(kernel).loss(x, x, method=method).backward()
        assert torch.isfinite(x.grad).all()
        assert torch.isfinite(y.grad).all()

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
    @pytest.mark.parametrize("d", [1, 2])
    def test_keeps_the_dtype(self, dtype, d):
        x, y = (torch.tensor(points) for points in normals(25, 40, 60, d, 0.5, 1.2))
        rough = x.to(dtype).requires_grad_()
        for definition in (Energy(), MMD()):
            loss = definition.loss(rough, y.to(dtype))
            assert loss.dtype == dtype
            loss.backward()
            assert loss.item() == pytest.approx(definition.loss(x, y).item(), rel=0.03)
        assert rough.grad.dtype == dtype

    @pytest.mark.parametrize("kernel", [GaussianKernel(), EnergyKernel()])
    def test_tiles_change_nothing(self, kernel, monkeypatch):
        x, y = (torch.tensor(points) for points in normals(26, 40, 60, 3, 0.5, 1.2))
        results = []
        for pairs in (2**22, 150):
            monkeypatch.setattr(pairwise_kernel_loss, "_TILE_PAIRS", pairs)
            batches = [batch.clone().requires_grad_() for batch in (x, y)]
            loss = MMD(kernel).loss(*batches)
            loss.backward()
            results.append((loss.item(), *(batch.grad for batch in batches)))
        assert results[0][0] == pytest.approx(results[1][0], rel=1e-12)
        for whole, tiled in zip(results[0][1:], results[1][1:], strict=True):
            torch.testing.assert_close(whole, tiled, rtol=1e-10, atol=1e-14)

    def test_many_points_draw_the_median(self):
        x, y = torch.randn(1600, 1, generator=torch.manual_seed(0)), torch.zeros(1500, 1)
        first, again = MMD().loss(x, y, rng=1), MMD().loss(x, y, rng=1)
        assert first == again
