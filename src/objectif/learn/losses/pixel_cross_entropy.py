"""Cross-entropy of pixels: the surprise of the true class of each pixel.

    L(z, y) = mean over pixels i of -log p_i(y_i),    p = softmax(z)

Source: J. Long, E. Shelhamer, T. Darrell, 2015, "Fully Convolutional Networks for Semantic Segmentation".
When it helps: the one to beat. Proper, convex, with gradients that never fade while a pixel is wrong. It weighs pixels and not
classes: a class of few pixels is learned last.
Mean over the known pixels of each image, then over images, so that a small picture counts as much as a large one.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from objectif.learn.losses.base import Batch, Kind
from objectif.learn.losses.pixels import image_mean, pixel_log_likelihood


@dataclass(frozen=True)
class PixelCrossEntropy:
    """Mean over pixels of -log p_y."""

    name = "pixel_cross_entropy"
    title = "Cross-entropy of pixels"
    kind: Kind = "mask"
    convex = True
    balanced = False
    source = "Long et al. 2015, Fully Convolutional Networks for Semantic Segmentation"

    def __call__(self, output: Tensor, truth: Tensor, batch: Batch, model: nn.Module | None) -> Tensor:
        return image_mean(-pixel_log_likelihood(output, truth), truth, batch.weight)


LOSS = PixelCrossEntropy()
