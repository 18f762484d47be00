"""What the operators share: planes at their working size, lightness and chroma, soft histograms, co-occurrence.

Everything is made of convolutions, products and sums of fixed shapes, so that it exports; nothing is binned by
indexing, and nothing jumps: a value between two bins counts for both, so that two machines agree.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

_XYZ = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
_WHITE = (0.9505, 1.0, 1.089)


def planes(image: Tensor, side: int) -> Tensor:
    """(N,H,W,C) in 0..255 -> (N,C,side,side) in 0..1; shrunk by whole steps first, so that nothing aliases."""
    x = image.to(torch.float32).permute(0, 3, 1, 2) / 255.0
    step = int(x.shape[-1]) // side
    if step > 1:
        x = F.avg_pool2d(x, step)
    if tuple(x.shape[-2:]) != (side, side):
        x = F.interpolate(x, size=(side, side), mode="bilinear", align_corners=False)
    return x


def luma(x: Tensor) -> Tensor:
    """(N,C,h,w) -> (N,1,h,w): Rec. 601 weights for three channels, the mean for other numbers."""
    if x.shape[1] != 3:
        return x.mean(1, keepdim=True)
    weight = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    return (x * weight).sum(1, keepdim=True)


def lab(x: Tensor) -> Tensor:
    """sRGB (N,3,h,w) in 0..1 -> (N,3,h,w): CIE L*, a*, b*, each divided by 100, without the linear part near black."""
    linear = ((x + 0.055) / 1.055).clamp_min(1e-4) ** 2.4
    to_xyz = torch.tensor(_XYZ) / torch.tensor(_WHITE)[:, None]
    xyz = F.conv2d(linear, to_xyz.view(3, 3, 1, 1)).clamp_min(1e-4) ** (1.0 / 3.0)
    red, green, blue = xyz[:, 0:1], xyz[:, 1:2], xyz[:, 2:3]
    return torch.cat([1.16 * green - 0.16, 5.0 * (red - green), 2.0 * (green - blue)], 1)


def soft_bins(value: Tensor, low: float, high: float, bins: int) -> Tensor:
    """(N,1,h,w) -> (N,bins,h,w): membership of the two nearest bins, so that a small change changes little."""
    centres = torch.linspace(low, high, bins).view(1, bins, 1, 1)
    width = (high - low) / (bins - 1)
    return F.relu(1.0 - (value.clamp(low, high) - centres).abs() / width)


def chroma_bins(colour: Tensor, bins: int) -> Tensor:
    """lab (N,3,h,w) -> (N,bins*bins,h,w): the joint bin of a* and b*, finer near gray where most colours are."""
    axes = []
    for axis in (1, 2):
        value = colour[:, axis : axis + 1]
        axes.append(soft_bins(1.3 * value / (value.abs() + 0.3), -0.85, 0.85, bins))
    return (axes[0][:, :, None] * axes[1][:, None]).flatten(1, 2)


def contrast(gray: Tensor) -> Tensor:
    """(N,1,h,w) -> (N,1,h,w): log of the standard deviation in a window of 5 x 5 pixels."""
    padded = F.pad(gray, (2, 2, 2, 2), mode="replicate")
    mean = F.avg_pool2d(padded, 5, 1)
    variance = F.avg_pool2d(padded * padded, 5, 1) - mean * mean
    return torch.log(torch.sqrt(variance.clamp_min(1e-6)) + 0.005)


def contrast_bins(gray: Tensor) -> Tensor:
    """(N,1,h,w) -> (N,6,h,w): flat to rough."""
    return soft_bins(contrast(gray), -5.0, -1.0, 6)


def together(one: Tensor, other: Tensor) -> Tensor:
    """(N,A,h,w), (N,B,h,w) -> (N,A*B): how much of the image is in bin a of the one and b of the other, as roots.

    Roots of shares: differences then weigh as in Hellinger's distance, and frequent bins do not rule.
    """
    pixels = float(one.shape[-1] * one.shape[-2])
    share = torch.matmul(one.flatten(2), other.flatten(2).transpose(1, 2)) / pixels
    return torch.sqrt(share.clamp_min(0.0) + 1e-6).flatten(1)


def gaussian(sigma: float, order: int) -> Tensor:
    """(k,) samples of a Gaussian's derivative of order 0, 1 or 2, in units of sigma; the derivatives sum to 0."""
    reach = math.ceil(3 * sigma)
    x = torch.arange(-reach, reach + 1, dtype=torch.float64)
    bell = torch.exp(-(x**2) / (2 * sigma**2))
    bell = bell / bell.sum()
    if order == 1:
        bell = -x / sigma * bell
    if order == 2:
        bell = (x**2 / sigma**2 - 1) * bell
        bell = bell - bell.mean()
    return bell.to(torch.float32)
