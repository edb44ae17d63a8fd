"""Small convolutional networks for images: a generator and a critic that mirror each other."""

from __future__ import annotations

import torch
from torch import nn

from divergences.checks import check_whole

_START = 4
_LEAK = 0.2  # of Radford, Metz and Chintala (2016)


class ConvolutionalGenerator(nn.Module):
    """From (k, d_in) latent points to (k, channels, size, size) images with values in (-1, 1).

    A linear layer makes 4 x 4 images, which are doubled and convolved until they have the size;
    no normalization, so that an image depends on its own latent point alone.

    Parameters
    ----------
    d_in : int
        Number of latent features.
    channels : int
        Channels of the images.
    size : int
        Height and width: 4, 8, 16, 32 and so on.
    width : int
        Channels of the last hidden layer; each layer before has twice as many.

    Raises
    ------
    TypeError, ValueError
        If a setting is not usable; the message says which and what would be.

    References
    ----------
    Radford, Metz and Chintala (2016).

    Examples
    --------
    >>> ConvolutionalGenerator(10, channels=3, size=8, width=8)(torch.zeros(2, 10)).shape
    torch.Size([2, 3, 8, 8])
    """

    def __init__(self, d_in: int, *, channels: int = 1, size: int = 32, width: int = 32) -> None:
        super().__init__()
        check_whole("d_in", d_in)
        doublings = _doublings(channels, size, width)
        first = width * 2**doublings
        layers: list[nn.Module] = [
            nn.Linear(d_in, first * _START**2),
            nn.Unflatten(1, (first, _START, _START)),
            nn.LeakyReLU(_LEAK),
        ]
        for level in range(doublings, 0, -1):
            layers += [
                nn.Upsample(scale_factor=2),
                nn.Conv2d(width * 2**level, width * 2 ** (level - 1), 3, padding=1),
                nn.LeakyReLU(_LEAK),
            ]
        self.layers = nn.Sequential(*layers, nn.Conv2d(width, channels, 3, padding=1), nn.Tanh())
        initialize(self)

    def forward(self, latent: torch.Tensor) -> torch.Tensor:
        """Map (k, d_in) to (k, channels, size, size)."""
        images: torch.Tensor = self.layers(latent)
        return images


class ConvolutionalCritic(nn.Module):
    """From (k, channels, size, size) images to one value for each.

    Convolutions that halve the image until it is 4 x 4, then a linear layer; no normalization,
    so that gradient penalties mean what they say.

    Parameters
    ----------
    channels : int
        Channels of the images.
    size : int
        Height and width: 4, 8, 16, 32 and so on.
    width : int
        Channels of the first hidden layer; each layer after has twice as many.

    References
    ----------
    Radford, Metz and Chintala (2016).

    Examples
    --------
    >>> ConvolutionalCritic(channels=3, size=8, width=8)(torch.zeros(2, 3, 8, 8)).shape
    torch.Size([2, 1])
    """

    def __init__(self, *, channels: int = 1, size: int = 32, width: int = 32) -> None:
        super().__init__()
        halvings = _doublings(channels, size, width)
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 3, padding=1), nn.LeakyReLU(_LEAK)]
        for level in range(halvings):
            layers += [
                nn.Conv2d(width * 2**level, width * 2 ** (level + 1), 4, stride=2, padding=1),
                nn.LeakyReLU(_LEAK),
            ]
        last = width * 2**halvings * _START**2
        self.layers = nn.Sequential(*layers, nn.Flatten(), nn.Linear(last, 1))
        initialize(self)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map (k, channels, size, size) to (k, 1)."""
        values: torch.Tensor = self.layers(images)
        return values


def initialize(module: nn.Module) -> None:
    """Draw weights that keep the scale of the signal, from torch's global random state."""
    for layer in module.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, a=_LEAK)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def _doublings(channels: int, size: int, width: int) -> int:
    check_whole("channels", channels)
    check_whole("width", width)
    check_whole("size", size, at_least=_START)
    doublings = (size // _START).bit_length() - 1
    if size != _START * 2**doublings:
        raise ValueError(f"size must be 4, 8, 16, 32 or a further doubling, not {size}.")
    return doublings
