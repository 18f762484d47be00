"""A trained Whole as an ONNX graph with the task's outputs by name, simplified and checked.

Sides are fixed, the number of images is not: points of a detector's grid then become constants. The TorchScript
exporter for the reason given in template.py.
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


def export_whole(network: Whole, size: tuple[int, int], channels: int = 3, floating: bool = False) -> bytes:
    """Input `image` (N,H,W,C) uint8 RGB, or float32 in 0..255 where `floating`; outputs as network.outputs names them."""
    if isinstance(network, Finished):
        return network.exported(floating)
    network = copy.deepcopy(network).eval()
    image = torch.zeros((2, *size, channels), dtype=torch.float32 if floating else torch.uint8)
    stream = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # it warns that it is the older exporter
        torch.onnx.export(
            network,
            (image,),
            stream,  # type: ignore[arg-type]  # it takes any binary file, its annotation says paths alone
            input_names=["image"],
            output_names=list(network.outputs),
            dynamic_axes={name: {0: "n"} for name in ("image", *network.outputs)},
            opset_version=OPSET,
            dynamo=False,
        )
    onnx.checker.check_model(onnx.load_from_string(stream.getvalue()))
    return fill(stream.getvalue())
