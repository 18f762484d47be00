"""embed:PATH, as a statement's onnx:PATH is called here: somebody's embedding network as an ONNX file, taken as it is.

Nothing in it learns and nothing is added but the preparation in front (onnxfile.adapt), so it is `solved` at once. Unless
stated otherwise (convention.py) pixels are (x - 127.5) / 128 RGB, as networks of faces mostly take them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from objectif.errors import PluginError
from objectif.learn.models.base import Learner, Whole
from objectif.learn.models.convention import Convention, convention, parted
from objectif.learn.models.identify.align import CROP, FRAME, aligned
from objectif.learn.models.identify.view import plainly
from objectif.learn.models.onnxfile import adapt, image_input, opened
from objectif.run.network import Network

if TYPE_CHECKING:
    from objectif.learn.losses.base import Batch, Loss

MEAN, STD = (127.5, 127.5, 127.5), (128.0, 128.0, 128.0)
USUAL_SIDE = 112


class Finished(Whole):
    """A network that is an ONNX graph already. graphs: of bytes, and of floats in 0..255."""

    outputs = ("embedding",)

    def __init__(self, graphs: tuple[bytes, bytes]) -> None:
        super().__init__()
        self.graphs = graphs
        self.nothing = nn.Parameter(
            torch.zeros(1)
        )  # an optimiser wants something, and there is nothing to learn

    def exported(self, floating: bool) -> bytes:
        """The graph."""
        return self.graphs[int(floating)]

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        graph = self.exported(image.is_floating_point())
        found = Network(graph, threads=1, needs=self.outputs).outputs(image.cpu().numpy())
        return (torch.from_numpy(np.array(found["embedding"])),)

    def solve(self, image: Tensor, truth: Tensor, losses: tuple[Loss, ...], batch: Batch) -> None:
        """It is finished."""


def from_file(name: str) -> Learner:
    """The Learner for 'embed:PATH'. PluginError where there is no such file, it takes no image, or what is stated is wrong."""
    path, stated = parted(name.partition(":")[2])
    proto, digest = opened(path)
    layout, fixed = image_input(proto, path)
    wanted: Convention = convention(path, stated, proto, MEAN, STD)
    side = FRAME if wanted.align else wanted.size or fixed or USUAL_SIDE
    if wanted.align and (wanted.size or fixed or CROP) != CROP:
        raise PluginError(
            f"{path.name} takes {wanted.size or fixed} pixels; faces are aligned to {CROP}. Leave align out."
        )

    def graph(floating: bool) -> bytes:
        if wanted.align is None:
            return adapt(proto, layout, wanted, floating)
        return aligned(onnx.load_from_string(adapt(proto, layout, wanted, True)), wanted.align, floating)

    return Learner(
        name=name,
        approach="frozen",
        title=f"{path.name} as it is ({wanted.words})",
        source=f"local file {path.name}, sha256 {digest[:16]}",
        licence="as its owner says; not known to objectif",
        task="identify",
        sizes=(side,),
        build=lambda channels, classes: Finished((graph(False), graph(True))),
        view=plainly,
        epochs=(1, 1),
        steps=0,
        multiple=1,
        pretrained=path.name,
        note=f"The network of {path.name} was taken as it is; what it was trained on is not known to objectif.",
        solved=True,
    )
