"""Convolutional networks and Fourier features: shapes, scale of the signal, refusals."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from divergences.networks import ConvolutionalCritic, ConvolutionalGenerator, FourierFeatures
from divergences.networks.seeds import seeded


@pytest.mark.parametrize("size", [4, 8, 32])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_pair_fits_together(size, channels):
    with seeded(np.random.default_rng(0)):
        generator = ConvolutionalGenerator(5, channels=channels, size=size, width=8)
        critic = ConvolutionalCritic(channels=channels, size=size, width=8)
        images = generator(torch.randn(6, 5))
        values = critic(images)
    assert images.shape == (6, channels, size, size)
    assert images.abs().max() <= 1
    assert values.shape == (6, 1)
    values.sum().backward()
    for module in (generator, critic):
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in module.parameters())


def test_the_signal_keeps_its_scale():
    with seeded(np.random.default_rng(0)):
        generator = ConvolutionalGenerator(64, size=32, width=8)
        critic = ConvolutionalCritic(size=32, width=8)
        # Before tanh, where padding takes a little at the edges.
        images = generator.layers[:-1](torch.randn(200, 64))
        values = critic(torch.randn(200, 1, 32, 32))
    assert 0.4 < float(images.detach().std()) < 2.5
    assert 0.4 < float(values.detach().std()) < 2.5


def test_an_image_depends_on_its_own_latent_point_alone():
    generator = ConvolutionalGenerator(5, size=8, width=4)
    latent = torch.randn(4, 5)
    torch.testing.assert_close(generator(latent)[:1], generator(latent[:1]))


@pytest.mark.parametrize("size", [2, 6, 12])
def test_other_sizes_are_refused(size):
    with pytest.raises(ValueError, match="size must be"):
        ConvolutionalCritic(size=size)
    with pytest.raises(ValueError, match="size must be"):
        ConvolutionalGenerator(2, size=size)


def test_waves_have_the_frequencies_they_say():
    with seeded(np.random.default_rng(0)):
        layer = FourierFeatures(1, count=2000, scale=0.5)
    # 2,000 normal frequencies: the deviation has a standard error of 1.6 %.
    assert float(layer.frequencies.std()) == pytest.approx(2 * np.pi * 0.5, rel=0.08)
    out = layer(torch.tensor([[0.0], [0.3]]))
    assert out.shape == (2, layer.d_out) == (2, 4001)
    torch.testing.assert_close(out[0, 1:], torch.cat([torch.ones(2000), torch.zeros(2000)]))
    torch.testing.assert_close(out[1, 1:2001], torch.cos(0.3 * layer.frequencies[0]))
    with pytest.raises(ValueError, match="scale must be a number above 0"):
        FourierFeatures(1, scale=0.0)
