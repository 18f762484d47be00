"""Static int8 of an exported network: uint8 activations, int8 weights per channel; the head stays in float.

Signed activations are 2 to 5 times slower in onnxruntime on x86. The head is a thousandth of the work and the part
that decides, so it is left as it is; that also lets the effect be measured fold by fold with heads that were solved
on float features.
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

HEAD = frozenset({"scores", "map"})


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
    return [
        node.name
        for node in graph.node
        if HEAD & set(node.output) or (node.op_type == "Add" and constants & set(node.input))
    ]


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
