"""yolox_nano: a YOLOX-Nano of our own that starts from the COCO weights of the published ONNX file.

Source: Ge, Liu, Wang, Li, Sun 2021, "YOLOX: Exceeding YOLO Series in 2021", arXiv:2107.08430. The file is not part of any
package: it is looked for as yolox_nano.onnx in the folder $OBJECTIF_WEIGHTS, or given as yolox_nano:PATH.

The file's convolutions have swallowed their norms. Where a layer is to learn, a norm is put back behind it, whose
statistics are measured on training images and whose scale and shift are those same statistics: the network answers as
before, and learns as a network with norms does (`begin`). COCO's class layers are dropped; its "is there something" stays
and is added to every class's logit, so that a new detector starts from knowing what a thing is.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from objectif.errors import PluginError
from objectif.learn.models.base import Learner, always
from objectif.learn.models.detect.dense import Dense, from_centre, start_low
from objectif.learn.models.detect.view import view

FILE = "yolox_nano.onnx"
FOLDER = "OBJECTIF_WEIGHTS"
PINNED = "615e266100c341c28d62abe255f7a6d9d7e2b91c1b0b87fc24c5d9e53141a57b"
NOTE = "started from YOLOX-Nano (Apache-2.0, Copyright Megvii), trained on COCO"
WIDTH = 64  # of the heads
FIXED = 2  # parts of the trunk that never learn: up to stride 4
PATCHES = (
    (0, 0),
    (1, 0),
    (0, 1),
    (1, 1),
)  # (row, column) of the four pixels that the file's first layer stacks


class Conv(nn.Module):
    """Convolution, norm where it learns, SiLU. The convolution has the bias of the norm it once had."""

    def __init__(self, into: int, out: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(into, out, kernel, stride, (kernel - 1) // 2, groups=groups)
        self.norm: nn.Module = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return functional.silu(self.norm(self.conv(x)))


def _separable(into: int, out: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(Conv(into, into, 3, stride, groups=into), Conv(into, out))


class Bottleneck(nn.Module):
    """Pointwise, separable, and the input added where `add`."""

    def __init__(self, width: int, add: bool) -> None:
        super().__init__()
        self.add = add
        self.body = nn.Sequential(Conv(width, width), _separable(width, width))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.body(x)
        return x + y if self.add else y


class Stage(nn.Module):
    """Two halves, one through `depth` bottlenecks, joined (Wang et al. 2020, "CSPNet", arXiv:1911.11929)."""

    def __init__(self, into: int, out: int, depth: int = 1, add: bool = True) -> None:
        super().__init__()
        self.main = Conv(into, out // 2)
        self.side = Conv(into, out // 2)
        self.blocks = nn.Sequential(*(Bottleneck(out // 2, add) for _ in range(depth)))
        self.join = Conv(out, out)

    def forward(self, x: Tensor) -> Tensor:
        joined: Tensor = self.join(torch.cat([self.blocks(self.main(x)), self.side(x)], 1))
        return joined


class Pooled(nn.Module):
    """Maxima over 5, 9 and 13 cells beside the map itself: the last stage sees far."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.before, self.after = Conv(width, width // 2), Conv(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        x = self.before(x)
        maxima = [functional.max_pool2d(x, k, 1, k // 2) for k in (5, 9, 13)]
        seen: Tensor = self.after(torch.cat([x, *maxima], 1))
        return seen


class Trunk(nn.Module):
    """(N,C,H,W) in 0..255 -> maps at strides 8, 16 and 32. fixed: how many of the five parts never learn."""

    widths = (64, 128, 256)

    def __init__(self, channels: int, fixed: int) -> None:
        super().__init__()
        self.parts = nn.ModuleList(
            [
                Conv(channels, 16, 6, 2),  # the file's stacking of 2 x 2 pixels and 3 x 3 convolution, as one
                nn.Sequential(_separable(16, 32, 2), Stage(32, 32)),
                nn.Sequential(_separable(32, 64, 2), Stage(64, 64, 3)),
                nn.Sequential(_separable(64, 128, 2), Stage(128, 128, 3)),
                nn.Sequential(_separable(128, 256, 2), Pooled(256), Stage(256, 256, add=False)),
            ]
        )
        self.fixed = fixed
        for part in self.parts[:fixed]:
            part.requires_grad_(False)

    def forward(self, image: Tensor) -> list[Tensor]:
        x, maps = image, []
        for number, part in enumerate(self.parts):
            with torch.set_grad_enabled(torch.is_grad_enabled() and number >= self.fixed):
                x = part(x)
            maps.append(x)
        return maps[2:]


class Neck(nn.Module):
    """Top-down and bottom-up, with stages."""

    def __init__(self) -> None:
        super().__init__()
        self.narrow5 = Conv(256, 128)
        self.down4 = Stage(256, 128, add=False)
        self.narrow4 = Conv(128, 64)
        self.down3 = Stage(128, 64, add=False)
        self.shrink3 = _separable(64, 64, 2)
        self.up4 = Stage(128, 128, add=False)
        self.shrink4 = _separable(128, 128, 2)
        self.up5 = Stage(256, 256, add=False)

    def forward(self, levels: Sequence[Tensor]) -> list[Tensor]:
        c3, c4, c5 = levels
        narrow5 = self.narrow5(c5)
        narrow4 = self.narrow4(self.down4(torch.cat([_twice(narrow5), c4], 1)))
        p3 = self.down3(torch.cat([_twice(narrow4), c3], 1))
        p4 = self.up4(torch.cat([self.shrink3(p3), narrow4], 1))
        p5 = self.up5(torch.cat([self.shrink4(p4), narrow5], 1))
        return [p3, p4, p5]


def _twice(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2.0, mode="nearest")


class Branches(nn.Module):
    """One level's head: naming and boxing apart, "is there something" with boxing."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.stem = Conv(width, WIDTH)
        self.naming = nn.Sequential(_separable(WIDTH, WIDTH), _separable(WIDTH, WIDTH))
        self.coco = nn.Conv2d(WIDTH, 80, 1)  # a place for the file's class layer; taken away after loading
        self.boxing = nn.Sequential(_separable(WIDTH, WIDTH), _separable(WIDTH, WIDTH))
        self.box = nn.Conv2d(WIDTH, 4, 1)
        self.thing = nn.Conv2d(WIDTH, 1, 1)
        self.logits = start_low(nn.Conv2d(WIDTH, classes, 1), prior=0.5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        box = self.boxing(x)
        return torch.cat([self.box(box), self.logits(self.naming(x)) + self.thing(box)], 1)


class Head(nn.Module):
    """A head for each level."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.levels = nn.ModuleList(Branches(width, classes) for width in Trunk.widths)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        return [level(x) for level, x in zip(self.levels, maps, strict=True)]


class YoloxNano(Dense):
    """The whole; `begin` puts norms behind the convolutions that learn."""

    def __init__(self, channels: int, classes: int, file: Path | None, fixed: int) -> None:
        super().__init__(Trunk(channels, fixed), Neck(), Head(classes), from_centre, trunk_rate=0.5)
        if file is not None:
            _fill(self, file, channels)
        for level in self.head.levels:  # type: ignore[union-attr]
            del level.coco
        for layer in self._learning():
            layer.norm = nn.BatchNorm2d(layer.conv.out_channels)

    def _learning(self) -> list[Conv]:
        return [m for m in self.modules() if isinstance(m, Conv) and m.conv.weight.requires_grad]

    def begin(self, image: Tensor, truth: Tensor) -> None:
        """Norms get the mean and spread of what passes through them, as statistics and as what they give back."""
        layers = self._learning()
        norms = [layer.norm for layer in layers]
        for layer in layers:
            layer.norm = _Watch()
        self.places(image)
        for layer, norm in zip(layers, norms, strict=True):
            watch = layer.norm
            assert isinstance(watch, _Watch)
            assert isinstance(norm, nn.BatchNorm2d)
            norm.running_mean, norm.running_var = watch.mean, watch.variance
            norm.bias.data.copy_(watch.mean)
            norm.weight.data.copy_(torch.sqrt(watch.variance + norm.eps))
            layer.norm = norm


class _Watch(nn.Module):
    """Lets everything through and keeps its mean and variance."""

    mean: Tensor
    variance: Tensor

    def forward(self, x: Tensor) -> Tensor:
        self.mean, self.variance = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
        return x


def _fill(network: nn.Module, file: Path, channels: int) -> None:
    """Put the file's weights into the network's layers: both are in the order in which they run."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(file).graph
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    found = [[values[name] for name in node.input[1:3]] for node in graph.node if node.op_type == "Conv"]
    layers = [m for n, m in network.named_modules() if isinstance(m, nn.Conv2d) and not n.endswith("logits")]
    if found and found[0][0].shape == (16, 12, 3, 3):
        found[0][0] = _unstacked(found[0][0], channels)
    met, expected = [w.shape for w, _ in found], [tuple(layer.weight.shape) for layer in layers]
    if met != expected:
        raise PluginError(
            f"{file.name} is not a YOLOX-Nano: {len(met)} convolutions, expected {len(expected)} of its shapes. "
            "Take yolox_nano.onnx of the YOLOX releases (folded norms, 80 classes)."
        )
    for layer, (weight, bias) in zip(layers, found, strict=True):
        layer.weight.data = torch.from_numpy(weight.astype(np.float32))
        assert layer.bias is not None
        layer.bias.data = torch.from_numpy(bias.astype(np.float32))


def _unstacked(weight: NDArray[np.floating[Any]], channels: int) -> NDArray[np.floating[Any]]:
    """The file's first layer, on 2 x 2 pixels of BGR stacked, as one of 6 x 6 on RGB or another number of channels."""
    whole: NDArray[np.floating[Any]] = np.zeros((len(weight), 3, 6, 6), np.float32)
    for number, (row, column) in enumerate(PATCHES):
        whole[:, :, row::2, column::2] = weight[:, 3 * number : 3 * number + 3][:, ::-1]
    if channels != 3:
        whole = np.repeat(whole.mean(1, keepdims=True), channels, 1) * (3.0 / channels)
    return np.ascontiguousarray(whole)


def _folder() -> Path | None:
    """The file in $OBJECTIF_WEIGHTS, or None."""
    folder = os.environ.get(FOLDER)
    path = Path(folder) / FILE if folder else None
    return path if path is not None and path.is_file() else None


def _missing() -> str | None:
    if _folder() is not None:
        return None
    return f"needs {FILE} (YOLOX, Apache-2.0) in the folder that ${FOLDER} names, or the name yolox_nano:PATH"


def _build(channels: int, classes: int, file: Path | None) -> YoloxNano:
    if file is None:
        raise PluginError(f"yolox_nano {_missing()}.")
    return YoloxNano(channels, classes, file, FIXED)


def from_weights(name: str) -> Learner:
    """The Learner called yolox_nano:PATH; PluginError where there is no such file."""
    path = Path(name.removeprefix("yolox_nano:")).expanduser()
    if not path.is_file():
        raise PluginError(f"{name}: there is no file {path}; expected the published {FILE}.")
    known = hashlib.sha256(path.read_bytes()).hexdigest()
    note = NOTE if known == PINNED else f"started from {path.name} (sha256 {known[:12]}...), a YOLOX-Nano"
    return replace(
        YOLOX_NANO,
        name=name,
        note=note,
        available=always,
        build=lambda channels, classes: _build(channels, classes, path),
    )


YOLOX_NANO = Learner(
    name="yolox_nano",
    approach="finetune",
    title="YOLOX-Nano from COCO, fine-tuned",
    source="Ge et al. 2021, arXiv:2107.08430",
    licence="Apache-2.0 (weights trained on COCO)",
    task="detect",
    sizes=(320, 416, 512),
    build=lambda channels, classes: _build(channels, classes, _folder()),
    view=view,
    losses=("dense", "box"),
    usual=("quality_focal", "giou"),
    epochs=(10, 80),
    rate=2e-3,
    available=_missing,
    pretrained="COCO",
    note=NOTE,
)
