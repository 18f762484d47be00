"""A trained Whole as an ONNX graph with the task's outputs by name, simplified and checked.

The number of images is open. Sides are fixed, so that the points of a detector's grid become constants, but where the
network takes any size. The TorchScript exporter for the reason given in template.py.
"""

from __future__ import annotations

import copy
import io
import warnings

import onnx
import torch

from objectif.learn.export.template import OPSET, fill
from objectif.learn.models.base import Whole
from objectif.learn.models.identify.foreign import Finished


def export_whole(
    network: Whole, size: tuple[int, int], channels: int = 3, floating: bool = False, *, free: bool = True
) -> bytes:
    """Input `image` (N,H,W,C) uint8 RGB, or float32 in 0..255 where `floating`; outputs as network.outputs names them.

    free: whether the number of images is, and the sides where the network takes any; what a network costs can be counted
    where nothing is free, for one image.
    """
    if isinstance(network, Finished):
        return network.exported(floating)
    network = copy.deepcopy(network).eval()
    image = torch.zeros((2 if free else 1, *size, channels), dtype=torch.float32 if floating else torch.uint8)
    stream = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # it warns that it is the older exporter
        torch.onnx.export(
            network,
            (image,),
            stream,  # type: ignore[arg-type]  # it takes any binary file, its annotation says paths alone
            input_names=["image"],
            output_names=list(network.outputs),
            dynamic_axes=_open(network) if free else {},
            opset_version=OPSET,
            dynamo=False,
        )
    onnx.checker.check_model(onnx.load_from_string(stream.getvalue()))
    return fill(stream.getvalue())


def _open(network: Whole) -> dict[str, dict[int, str]]:
    """name -> axes whose length the graph leaves open."""
    axes = {name: {0: "n"} for name in ("image", *network.outputs)}
    if network.any_size:
        axes["image"] |= {1: "height", 2: "width"}
        for name in network.outputs:
            if name != "embedding":
                axes[name] |= {1: "rows", 2: "columns"}
    return axes
