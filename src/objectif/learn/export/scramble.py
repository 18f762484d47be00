"""A network that has forgotten: the numbers of its weights shuffled, so that each keeps its size and none its place.

For the test by randomised weights. Shuffled and not drawn anew: the spread of every layer stays as it was trained, so that
no map changes only because the numbers have become larger. Biases stay.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

Part = Literal["head", "network"]
HEAD = "head_weight"


def scrambled(graph: bytes, part: Part, seed: int = 0) -> bytes | None:
    """The graph with the weights of its head (join.py), or all weights, shuffled; None where it has no such head."""
    proto = onnx.load_from_string(graph)
    generator = np.random.default_rng(seed)
    touched = 0
    for tensor in proto.graph.initializer:
        weighs = tensor.data_type == TensorProto.FLOAT and sum(size > 1 for size in tensor.dims) >= 2
        if not weighs or (part == "head" and tensor.name != HEAD):
            continue
        values = numpy_helper.to_array(tensor)
        mixed = generator.permutation(values.ravel()).reshape(values.shape)
        tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(mixed), tensor.name))
        touched += 1
    return bytes(proto.SerializeToString()) if touched else None
