"""pixels: a bank of fixed filters at four scales, and a small network of each pixel's responses: trainable segmentation.

At each scale colour, gradient, Laplacian, local spread, and the eigenvalues of the structure tensor and of the Hessian (none
depends on how the picture is turned): the measures of the tools by which biologists segment by a few strokes of a brush
(Arganda-Carreras et al. 2017, "Trainable Weka Segmentation"; Berg et al. 2019, "ilastik"), whose random forest is a hidden
layer of 32 units here, so that it is trained by any loss and exports. Coarse scales are measured on a smaller picture.
Nothing is pretrained; what a network has to beat.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from objectif.learn.models.base import Learner
from objectif.learn.models.segment.pixelwise import Pixelwise
from objectif.learn.models.segment.view import view

STRIDE = 2
SCALES = 4  # each half the size of the one before
HIDDEN = 32
MOST_PLANES = 4  # with more channels the filters see their mean; their values are measures all the same
FLOOR = 0.02  # least spread of gray values, of 0..1


def opponent(image: Tensor) -> Tensor:
    """(N,3,H,W) -> gray, red against green, blue against yellow; other numbers of channels are left as they are."""
    if image.shape[1] != 3:
        return image
    red, green, blue = image[:, :1], image[:, 1:2], image[:, 2:3]
    return torch.cat([(red + green + blue) / 3.0, red - green, blue - 0.5 * (red + green)], 1)


class Bank(nn.Module):
    """(N,C,H,W) in 0..255 -> (N,width,h,w) at strides 2, 4, 8, 16. Nothing in it learns."""

    kernels: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.filtered = channels if channels <= MOST_PLANES else 1
        self.width = channels + 3 * self.filtered + 5
        bell = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16
        slope = torch.tensor([-1.0, -2.0, 0.0, 2.0, 1.0]) / 8
        bend = torch.tensor([1.0, 0.0, -2.0, 0.0, 1.0]) / 4
        pairs = [(bell, bell), (bell, slope), (slope, bell), (bell, bend), (bend, bell), (slope, slope)]
        self.register_buffer("kernels", torch.stack([torch.outer(down, along) for down, along in pairs]))

    @torch.no_grad()
    def forward(self, image: Tensor) -> list[Tensor]:
        x = opponent(image / 255.0)
        maps = []
        for _ in range(SCALES):
            x = functional.avg_pool2d(x, STRIDE)
            maps.append(self._measures(x))
        return maps

    def _measures(self, x: Tensor) -> Tensor:
        """(N,C,h,w) of one scale -> (N,width,h,w)."""
        seen = x if self.filtered == x.shape[1] else x.mean(1, keepdim=True)
        smooth, right, down, across, along, twist = (
            self._filtered(seen, self.filtered, k) for k in range(len(self.kernels))
        )
        edge = torch.sqrt(right.square() + down.square() + 1e-6)
        tensor = self._tensor(seen[:, :1], smooth[:, :1], right[:, :1], down[:, :1])
        bends = _curvatures(across[:, :1], along[:, :1], twist[:, :1])
        return torch.cat([x, smooth, edge, across + along, *tensor, *bends], 1)

    def _tensor(self, gray: Tensor, smooth: Tensor, right: Tensor, down: Tensor) -> list[Tensor]:
        """Local spread, and roots of the eigenvalues of the structure tensor, each (N,1,h,w)."""
        square, xx, yy, xy = (
            self._filtered(part, 1, 0)
            for part in (gray.square(), right.square(), down.square(), right * down)
        )
        spread = torch.sqrt((square - smooth.square()).clamp_min(0.0) + 1e-6)
        lean = torch.sqrt((xx - yy).square() + 4 * xy.square() + 1e-12)
        both = [(0.5 * (xx + yy + lean)), (0.5 * (xx + yy - lean))]
        return [spread, *(torch.sqrt(value.clamp_min(0.0) + 1e-8) for value in both)]

    def _filtered(self, x: Tensor, planes: int, number: int) -> Tensor:
        """Each of the planes by one of the kernels; what is beyond the side is as what is at it."""
        kernel = self.kernels[number].expand(planes, 1, -1, -1)
        return functional.conv2d(functional.pad(x, (2, 2, 2, 2), mode="replicate"), kernel, groups=planes)


def _curvatures(across: Tensor, along: Tensor, twist: Tensor) -> list[Tensor]:
    """Twice the eigenvalues of the Hessian: of a ridge one is large, of a blob both."""
    lean = torch.sqrt((across - along).square() + 4 * twist.square() + 1e-8)
    return [across + along + lean, across + along - lean]


class Hidden(nn.Module):
    """Measures of all scales at the finest, each with mean 0 and spread 1 over the training images, then one layer."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.BatchNorm2d(width, affine=False, momentum=0.05) for _ in range(SCALES))
        self.mix = nn.Conv2d(SCALES * width, HIDDEN, 1)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        alike = []
        for number, (norm, x) in enumerate(zip(self.norms, maps, strict=True)):
            x = norm(x).clamp(-4.0, 4.0)
            if number:
                x = functional.interpolate(
                    x, scale_factor=float(2**number), mode="bilinear", align_corners=False
                )
            alike.append(x)
        return functional.relu(self.mix(torch.cat(alike, 1)))


def _build(channels: int, classes: int) -> Pixelwise:
    bank = Bank(channels)
    return Pixelwise(bank, Hidden(bank.width), HIDDEN, classes)


PIXELS = Learner(
    name="pixels",
    approach="classical",
    title="Filter bank at four scales, a small network on each pixel",
    source="Arganda-Carreras et al. 2017, Trainable Weka Segmentation; Berg et al. 2019, ilastik",
    licence="Apache-2.0 (no weights inside)",
    task="segment",
    sizes=(256, 384, 512),
    build=_build,
    view=view,
    losses=("mask",),
    usual=("dice_ce",),
    epochs=(10, 200),
    steps=200,
    rate=1e-2,
    decay=1e-3,
)
