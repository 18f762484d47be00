"""A trained Whole as an ONNX graph with the task's outputs by name, simplified and checked.

The number of images is open. Sides are fixed, so that the points of a detector's grid become constants, but where the
network takes any size. The TorchScript exporter for the reason given in template.py.
"""

from __future__ import annotations

import copy
import io
import json
import warnings

import onnx
import torch

from objectif.learn.export.template import OPSET, fill
from objectif.learn.models.base import Whole
from objectif.learn.models.identify.foreign import Finished
from objectif.run.network import COLUMNS, NAMES_KEY


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
    inputs, given = ["image"], (image,)
    if network.columns:
        inputs.append(COLUMNS)
        given = (image, torch.zeros((2, len(network.columns))))  # type: ignore[assignment]
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # it warns that it is the older exporter
        torch.onnx.export(
            network,
            given,
            stream,  # type: ignore[arg-type]  # it takes any binary file, its annotation says paths alone
            input_names=inputs,
            output_names=list(network.outputs),
            dynamic_axes=_open(network, inputs) if free else {},
            opset_version=OPSET,
            dynamo=False,
        )
    onnx.checker.check_model(onnx.load_from_string(stream.getvalue()))
    return _named(fill(stream.getvalue()), network.columns)


def _open(network: Whole, inputs: list[str]) -> dict[str, dict[int, str]]:
    """name -> axes whose length the graph leaves open."""
    axes = {name: {0: "n"} for name in (*inputs, *network.outputs)}
    if network.any_size:
        axes["image"] |= {1: "height", 2: "width"}
        for name in network.outputs:
            if name != "embedding":
                axes[name] |= {1: "rows", 2: "columns"}
    return axes


def _named(graph: bytes, columns: tuple[str, ...]) -> bytes:
    """The graph with the names of its side columns, so that whoever runs it knows what to ask for."""
    if not columns:
        return graph
    model = onnx.load_from_string(graph)
    onnx.helper.set_model_props(model, {NAMES_KEY: json.dumps(columns)})
    return bytes(model.SerializeToString())
