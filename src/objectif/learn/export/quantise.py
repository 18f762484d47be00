"""Static int8 of an exported network: uint8 activations, int8 weights per channel; what decides stays in float.

Signed activations are 2 to 5 times slower in onnxruntime on x86. The head is a thousandth of the work and the part
that decides, so it is left as it is; that also lets the effect be measured fold by fold with heads that were solved
on float features. Of a detector that is the last convolution of every branch and all that turns its numbers into boxes and
scores: 256 steps would be too coarse for a distance in pixels.
"""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

HEAD = frozenset({"scores", "map", "boxes", "distance", "anomaly", "quantity"})
WEIGHTED = frozenset({"Conv", "Gemm", "MatMul"})


class _Images(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, images: NDArray[Any]) -> None:
        self._batches = iter([{"image": images[i : i + 1]} for i in range(len(images))])

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        return next(self._batches, None)


def quantise(graph: bytes, images: NDArray[Any]) -> bytes:
    """A float network in int8. images (n,H,W,C), prepared, from training: they set the ranges of activations."""
    proto = onnx.load_from_string(graph)
    for number, node in enumerate(proto.graph.node):
        node.name = node.name or f"node{number}"
    left_out = _fine(proto.graph)
    logger = logging.getLogger()
    level = logger.level
    logger.setLevel(logging.ERROR)  # it advises a preprocessing that the export has done
    try:
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "int8.onnx"
            quantize_static(
                proto,
                str(target),
                _Images(images),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                op_types_to_quantize=["Conv", "Clip", "Relu", "Add", "Gemm", "MatMul"],
                nodes_to_exclude=left_out,
            )
            return target.read_bytes()
    finally:
        logger.setLevel(level)


def _fine(graph: onnx.GraphProto) -> list[str]:
    """Nodes that stay in float: the head, and sums with a constant, which are statistics and not residuals."""
    constants = {tensor.name for tensor in graph.initializer}
    constants |= {value for node in graph.node if node.op_type == "Constant" for value in node.output}
    sums = [n.name for n in graph.node if n.op_type == "Add" and constants & set(n.input)]
    return sorted({*sums, *_head(graph)})


def _head(graph: onnx.GraphProto) -> set[str]:
    """Names of the nodes from the last weighted ones (these included) to the outputs in HEAD."""
    makers = {value: node for node in graph.node for value in node.output}
    waiting = [output.name for output in graph.output if output.name in HEAD]
    found: set[str] = set()
    while waiting:
        node = makers.get(waiting.pop())
        if node is None or node.name in found:
            continue
        found.add(node.name)
        if node.op_type not in WEIGHTED:
            waiting += node.input
    return found


def sample(
    rows: NDArray[np.int64], truth: NDArray[np.int64], most: int = 64, seed: int = 0
) -> NDArray[np.int64]:
    """At most `most` of the rows, drawn evenly from the classes: what the ranges are measured on."""
    generator = np.random.default_rng(seed)
    labels = truth[rows] if truth.ndim == 1 else truth[rows].argmax(1)
    shuffled = generator.permutation(len(rows))
    rank = np.zeros(len(rows), np.int64)
    for label in np.unique(labels):
        own = shuffled[labels[shuffled] == label]
        rank[own] = np.arange(len(own))
    return np.sort(rows[np.argsort(rank, kind="stable")[:most]])
