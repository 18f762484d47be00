"""What an exported network costs: parameters and multiply-adds, counted on its graph."""

from __future__ import annotations

import math

import onnx
from onnx import shape_inference


def count(graph: bytes, shape: tuple[int, int, int]) -> tuple[int, int]:
    """(parameters, multiply-adds for one image of (height, width, channels)); convolutions and matrix products count."""
    proto = onnx.load_from_string(graph)
    for dimension, size in zip(proto.graph.input[0].type.tensor_type.shape.dim, (1, *shape), strict=True):
        dimension.dim_value = size
    for value in list(proto.graph.value_info):
        proto.graph.value_info.remove(value)
    for output in proto.graph.output:
        output.type.tensor_type.ClearField("shape")
    proto = shape_inference.infer_shapes(proto, data_prop=True)
    constants = {tensor.name: tuple(tensor.dims) for tensor in proto.graph.initializer}
    sizes = {**constants, **{v.name: _dims(v) for v in [*proto.graph.value_info, *proto.graph.output]}}
    adds = 0
    for node in proto.graph.node:
        out = math.prod(sizes.get(node.output[0], ()) or (0,))
        if node.op_type == "Conv":
            adds += out * math.prod(sizes[node.input[1]][1:])
        elif node.op_type in {"Gemm", "MatMul"} and node.input[1] in constants:
            weight = constants[node.input[1]]
            adds += out * (weight[1] if _transposed(node) else weight[0])
    params = sum(math.prod(t.dims) for t in proto.graph.initializer if t.data_type == onnx.TensorProto.FLOAT)
    return int(params), int(adds)


def _dims(value: onnx.ValueInfoProto) -> tuple[int, ...]:
    return tuple(max(1, d.dim_value) for d in value.type.tensor_type.shape.dim)


def _transposed(node: onnx.NodeProto) -> bool:
    return any(a.name == "transB" and a.i == 1 for a in node.attribute)
