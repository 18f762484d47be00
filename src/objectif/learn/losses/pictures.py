"""What losses of pictures share: means over the pixels of an image, local windows, and what self-supervised ones need.

Outputs and truths are (N, C, H, W) in about 0..1, so that constants mean what their sources say. The mean over the pixels of
an image comes first, then the weighted mean over images.

A self-supervised loss must not look at truth: it takes given(), the picture that the network was given. Whoever has noisy
pictures alone calls them truth, so that is what it takes where the batch has no image. `self_supervised = True` marks it:
whoever trains then shows the same noise again and again, because fresh noise on the same picture would tell the clean one.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from objectif.learn.losses.base import Batch, weighted_mean

SIGMA, WINDOW = 1.5, 11  # of SSIM


def image_mean(values: Tensor, weight: Tensor) -> Tensor:
    """The weighted mean over images of the mean of values (N, ...)."""
    return weighted_mean(values.flatten(1).mean(1), weight)


def given(truth: Tensor, batch: Batch) -> Tensor:
    """The picture that the network was given."""
    return truth if batch.image is None else batch.image.to(truth)


def answered(model: nn.Module, image: Tensor) -> Tensor:
    """What a network answers for other pictures (N, C, H, W) in 0..1; its first output is a picture (N, H, W, C) in 0..255."""
    outputs: tuple[Tensor, ...] = model(image.permute(0, 2, 3, 1) * 255.0)
    return outputs[0].permute(0, 3, 1, 2) / 255.0


def noise_of(image: Tensor, batch: Batch) -> Tensor:
    """Standard deviation of the noise in image: batch.noise, or what its finest slanting details say (Donoho & Johnstone 1994)."""
    if batch.noise is not None:
        return image.new_tensor(batch.noise)
    slant = image[..., 1:, 1:] + image[..., :-1, :-1] - image[..., 1:, :-1] - image[..., :-1, 1:]
    return (0.5 * slant).abs().median() / 0.6745


def drawn(batch: Batch) -> torch.Generator:
    """Chance that is the same for the same progress, so that a loss gives the same value twice."""
    return torch.Generator().manual_seed(round(batch.progress * (2**31 - 1)))


def window(image: Tensor) -> Tensor:
    """(K,) Gaussian weights of SSIM's window, no wider than the picture."""
    side = min(WINDOW, *(s - 1 + s % 2 for s in image.shape[2:]))
    places = torch.arange(side, dtype=image.dtype, device=image.device) - side // 2
    weight = torch.exp(-places.square() / (2 * SIGMA**2))
    return weight / weight.sum()


def smoothed(values: Tensor, weight: Tensor) -> Tensor:
    """(N, C, h, w) weighted means of windows that lie within the picture (N, C, H, W)."""
    flat = values.flatten(0, 1)[:, None]
    flat = functional.conv2d(functional.conv2d(flat, weight[None, None, None]), weight[None, None, :, None])
    return flat.reshape(*values.shape[:2], *flat.shape[2:])


def likeness(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """(whole, structure), each (N, C): SSIM and its part without lightness, means over windows. K1 0.01, K2 0.03, range 1."""
    weight = window(x)
    mean_x, mean_y = smoothed(x, weight), smoothed(y, weight)
    spread_x = (smoothed(x * x, weight) - mean_x * mean_x).clamp_min(0)
    spread_y = (smoothed(y * y, weight) - mean_y * mean_y).clamp_min(0)
    together = smoothed(x * y, weight) - mean_x * mean_y
    c1, c2 = 0.01**2, 0.03**2
    structure = (2 * together + c2) / (spread_x + spread_y + c2)
    lightness = (2 * mean_x * mean_y + c1) / (mean_x * mean_x + mean_y * mean_y + c1)
    return (lightness * structure).mean((2, 3)), structure.mean((2, 3))
