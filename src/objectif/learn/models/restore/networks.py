"""dncnn and restore_unet: two networks that learn what is to be taken away, both on a folded picture.

Folding (four pixels become four channels of one) makes every layer four times cheaper and see twice as far, which FFDNet found to
cost next to nothing (Zhang, Zuo, Zhang 2018, arXiv:1710.04026). The last layer starts at 0: the answer starts at the picture
itself. No norms: they mix images of a batch, and with residual blocks nothing needs them.

- dncnn: a chain of layers (Zhang et al. 2017, arXiv:1608.03981), here residual blocks as in EDSR (Lim et al. 2017).
- restore_unet: blocks at three scales, joined by sums (Ronneberger et al. 2015, arXiv:1505.04597; Zhang et al. 2021, DRUNet,
  arXiv:2008.13751): sees further around itself for less work.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional

from objectif.learn.models.base import Learner, Whole
from objectif.learn.models.restore.restorer import RANGE, Restorer, divisible, like
from objectif.learn.models.restore.view import view

FOLD = 2
WIDTH, BLOCKS = 48, 5
WIDTHS, DEPTHS = (48, 80, 128), (1, 1, 2)


class Block(nn.Module):
    """x + two 3 x 3 convolutions with a ReLU between them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(width, width, 3, 1, 1), nn.Conv2d(width, width, 3, 1, 1)
        nn.init.kaiming_normal_(self.first.weight, nonlinearity="relu")
        nn.init.normal_(self.second.weight, std=0.3 * (2.0 / (9 * width)) ** 0.5)
        for layer in (self.first, self.second):
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(functional.relu(self.first(x)))  # type: ignore[no-any-return]


def blocks(width: int, count: int) -> nn.Sequential:
    """Several of them."""
    return nn.Sequential(*(Block(width) for _ in range(count)))


def zeroed(layer: nn.Conv2d) -> nn.Conv2d:
    """A layer that starts at 0."""
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return layer


class Chain(nn.Module):
    """(N,folded,h,w) -> the same: blocks one after the other."""

    step = 1

    def __init__(self, folded: int, width: int = WIDTH, count: int = BLOCKS) -> None:
        super().__init__()
        self.head = nn.Conv2d(folded, width, 3, 1, 1)
        self.body = blocks(width, count)
        self.tail = zeroed(nn.Conv2d(width, folded, 3, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.tail(self.body(self.head(x)))  # type: ignore[no-any-return]


class Scales(nn.Module):
    """(N,folded,h,w) -> the same: blocks at each of three scales on the way down and on the way up."""

    step = 4

    def __init__(self, folded: int) -> None:
        super().__init__()
        self.head = nn.Conv2d(folded, WIDTHS[0], 3, 1, 1)
        self.down = nn.ModuleList(blocks(w, n) for w, n in zip(WIDTHS[:-1], DEPTHS, strict=False))
        self.fewer = nn.ModuleList(nn.Conv2d(a, b, 2, 2) for a, b in itertools.pairwise(WIDTHS))
        self.middle = blocks(WIDTHS[-1], DEPTHS[-1])
        self.more = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, 2) for a, b in itertools.pairwise(WIDTHS))
        self.up = nn.ModuleList(blocks(w, n) for w, n in zip(WIDTHS[:-1], DEPTHS, strict=False))
        self.tail = zeroed(nn.Conv2d(WIDTHS[0], folded, 3, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        maps = [self.head(x)]
        for body, fewer in zip(self.down, self.fewer, strict=True):
            maps[-1] = body(maps[-1])
            maps.append(fewer(maps[-1]))
        found = self.middle(maps[-1])
        for k in reversed(range(len(self.up))):
            found = self.up[k](maps[k] + self.more[k](found))
        return self.tail(found)  # type: ignore[no-any-return]


class Network(Restorer):
    """The given picture minus what a body finds in its folded form."""

    def __init__(self, channels: int, body: Callable[[int], nn.Module]) -> None:
        super().__init__()
        self.body = body(channels * FOLD**2)
        self.step = FOLD * int(self.body.step)  # type: ignore[arg-type]

    def restored(self, given: Tensor) -> Tensor:
        x = functional.pixel_unshuffle(divisible(given, self.step) / RANGE - 0.5, FOLD)
        away = functional.pixel_shuffle(self.body(x), FOLD)
        return given - RANGE * like(away, given)


def build_chain(channels: int, classes: int) -> Whole:
    """dncnn."""
    return Network(channels, Chain)


def build_scales(channels: int, classes: int) -> Whole:
    """restore_unet."""
    return Network(channels, Scales)


DNCNN = Learner(
    name="dncnn",
    approach="finetune",
    title="Residual denoising network on a folded picture",
    source="Zhang et al. 2017, arXiv:1608.03981; Zhang, Zuo & Zhang 2018, arXiv:1710.04026",
    licence="Apache-2.0 (no weights inside)",
    task="restore",
    sizes=(64,),
    build=build_chain,
    view=view,
    losses=("picture",),
    usual=("charbonnier",),
    epochs=(2, 4000),
    steps=150,
    batch=8,
    rate=4e-3,
    decay=1e-4,
)
UNET = Learner(
    name="restore_unet",
    approach="finetune",
    title="Small U-Net on a folded picture",
    source="Ronneberger et al. 2015, arXiv:1505.04597; Zhang et al. 2021, arXiv:2008.13751",
    licence="Apache-2.0 (no weights inside)",
    task="restore",
    sizes=(64,),
    build=build_scales,
    view=view,
    losses=("picture",),
    usual=("charbonnier",),
    epochs=(2, 4000),
    steps=150,
    batch=8,
    rate=4e-3,
    decay=1e-4,
)
