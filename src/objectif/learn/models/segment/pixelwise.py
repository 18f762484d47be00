"""Pixelwise: a network that says of each pixel what it is and how deep in its object. What all segmenters here share.

Trunk -> maps -> neck -> one map -> a linear function of each of its places: a logit for every class, and the depth, by
whose watershed touching objects are told apart. The map may be coarser than the picture by 2 or 4: logits are linear, so
that they can be made larger between, and the loss is asked at the truth's own pixels, where thin things still are. (Measured
on one core at 256 px from stride 2: 7 ms of the 110 that lite0_unet takes for a picture with 2 classes, 17 ms with 12 against 3
at the map's own size, where it needs a quarter of the memory; with more classes than FULL it is asked there.)
Nothing on the way may look at the whole picture (no squeeze-excite, no instance norm): large pictures are seen in tiles, and
tiles must agree where they meet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from objectif.learn.models.base import Whole
from objectif.learn.models.segment.depths import depths
from objectif.metrics.masks import VOID, classes_of

if TYPE_CHECKING:
    from objectif.learn.losses.base import Batch, Loss

DEPTH_GAIN = 1.0
SHALLOW = -1.0  # the depth's logit before anything is learned
FULL = 4  # classes up to which the loss is asked at the truth's size


class Pixelwise(Whole):
    """trunk: (N,C,H,W) in 0..255 -> maps, the finest first. neck: maps -> one (N,width,h,w), h and w whole fractions.

    deep: whether the depth is learned; else it is 0 everywhere. trunk_rate: of the trunk against the rest.
    """

    outputs = ("scores", "distance", "embedding")
    any_size = True

    def __init__(
        self,
        trunk: nn.Module,
        neck: nn.Module,
        width: int,
        classes: int,
        *,
        deep: bool = True,
        trunk_rate: float = 1.0,
    ) -> None:
        super().__init__()
        self.trunk, self.neck = trunk, neck
        self.head = nn.Conv2d(width, classes + deep, 1)
        self.classes, self.deep, self.trunk_rate = classes, deep, trunk_rate
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """scores (N,h,w,C) logits, distance (N,h,w,1) in 0..1, embedding (N,D)."""
        logits, depth, embedding = self.places(image)
        distance = torch.sigmoid(depth) if self.deep else torch.zeros_like(logits[:, :1])
        return logits.permute(0, 2, 3, 1), distance.permute(0, 2, 3, 1), embedding

    def places(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits (N,C,h,w), logits of the depth (N,1,h,w) (none where it is not learned), and embedding (N,D)."""
        maps = self.trunk(image.permute(0, 3, 1, 2).to(torch.float32))
        found = self.head(self.neck(maps))
        return found[:, : self.classes], found[:, self.classes :], maps[-1].mean((2, 3))

    def objective(self, image: Tensor, truth: Tensor, losses: tuple[Loss, ...], batch: Batch) -> Tensor:
        (loss,) = losses
        logits, depth, _ = self.places(image)
        packed = truth.to(torch.int64)
        total = loss(*self._opposed(logits.float(), packed & VOID), batch, self)
        if self.deep and bool((packed > VOID).any()):
            total = total + DEPTH_GAIN * depth_loss(depth[:, 0].float(), packed, batch.weight)
        return total

    def _opposed(self, logits: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and truth at one size: the truth's where classes are few, else the logits'.

        In the second case each picture gives another of the pixels that a place stands for, so that over many pictures
        none is preferred, and borders do not drift to one side.
        """
        if self.classes <= FULL:
            size = (classes.shape[1], classes.shape[2])
            return functional.interpolate(logits, size=size, mode="bilinear", align_corners=False), classes
        stride = classes.shape[1] // logits.shape[2]
        few = [c[k // stride % stride :: stride, k % stride :: stride] for k, c in enumerate(classes)]
        return logits, torch.stack(few)

    def begin(self, image: Tensor, truth: Tensor) -> None:
        """Logits start as the logarithms of the classes' shares, depth low: the first steps are not spent on them."""
        counts = self.counts(truth.cpu().numpy(), self.classes).clamp_min(1e-2)
        assert self.head.bias is not None
        self.head.bias[: self.classes] = torch.log(counts / counts.sum()).to(self.head.bias)
        self.head.bias[self.classes :] = SHALLOW

    def rates(self) -> list[dict[str, Any]]:
        groups = []
        for part, rate in ((self.trunk, self.trunk_rate), (self.neck, 1.0), (self.head, 1.0)):
            moving = [p for p in part.parameters() if p.requires_grad]
            groups += [
                {"params": [p for p in moving if p.ndim > 1], "lr": rate, "weight_decay": 1.0},
                {"params": [p for p in moving if p.ndim <= 1], "lr": rate, "weight_decay": 0.0},
            ]
        return groups

    def counts(self, truth: NDArray[Any], classes: int) -> Tensor:
        """The share of each class in all pixels that are known, times the number of images."""
        pixels = np.zeros(VOID + 1, np.int64)
        for mask in truth:
            pixels += np.bincount(classes_of(_whole(mask)).ravel(), minlength=VOID + 1)
        known = pixels[:classes]
        return torch.from_numpy(known / max(1, known.sum()) * len(truth)).float()


def _whole(mask: NDArray[Any]) -> NDArray[Any]:
    """A mask in the type that metrics.masks reads."""
    return mask if mask.dtype == np.uint8 else mask.astype(np.uint32)


def depth_loss(logits: Tensor, packed: Tensor, weight: Tensor) -> Tensor:
    """Cross-entropy of the depth (N,h,w) with that of masks (N,H,W); inside and outside of objects count the same.

    The entropy of what is asked for is taken away, so that the least value is 0. Depth is a share, and where the
    sigmoid is saturated on the wrong side cross-entropy still pulls, a squared distance no longer.
    """
    masks = packed.cpu().numpy().astype(np.uint32)
    wanted = torch.from_numpy(np.stack([depths(mask) for mask in masks])).to(logits)
    kinds = torch.stack([wanted, (packed > VOID).to(logits), (packed != VOID).to(logits)], 1)
    wanted, inside, known = functional.adaptive_avg_pool2d(kinds, (logits.shape[1], logits.shape[2])).unbind(
        1
    )
    values = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    values = values - functional.binary_cross_entropy(wanted, wanted, reduction="none")
    weight = weight.to(logits)[:, None, None]
    total = logits.new_zeros(())
    for share in (weight * inside, weight * (known - inside).clamp_min(0.0)):
        total = total + 0.5 * (share * values).sum() / share.sum().clamp_min(1.0)
    return total
