"""A head on fixed features leaves as two small nodes joined to an extractor that was exported once."""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper


def join(
    extractor: bytes,
    weight: NDArray[np.float32],
    bias: NDArray[np.float32],
    *,
    columns: tuple[int, int | None] = (0, None),
) -> bytes:
    """The whole network: `scores` (N,C) = embedding[columns] @ weight + bias, `embedding`, and `map` where exact.

    weight (D,C), bias (C,), D the number of columns. The class activation map (N,h,w,C) is the feature map times `weight`
    (Zhou et al. 2016, "Learning Deep Features for Discriminative Localization"): its mean over positions plus bias is
    `scores`. Where the feature map does not hold all of the columns there is none.
    """
    proto = onnx.load_from_string(extractor)
    graph = proto.graph
    maps = [output for output in graph.output if output.name == "map"]
    map_width = maps[0].type.tensor_type.shape.dim[3].dim_value if maps else 0
    has_map = columns[0] + len(weight) <= map_width
    _rename(graph, {"embedding": "all_features", "map": "feature_map"})
    classes = weight.shape[1]
    whole = columns[0] == 0 and columns[1] is None
    for name, array in _constants(weight, bias, None if whole else columns).items():
        graph.initializer.append(numpy_helper.from_array(array, name))
    if whole:
        graph.node.append(helper.make_node("Identity", ["all_features"], ["embedding"]))
    else:
        cut = ["all_features", "cut_start", "cut_stop", "cut_axis"]
        graph.node.append(helper.make_node("Slice", cut, ["embedding"]))
    graph.node.append(helper.make_node("Gemm", ["embedding", "head_weight", "head_bias"], ["scores"]))
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", classes]))
    graph.output.append(helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", weight.shape[0]]))
    if has_map:
        places = "feature_map"
        if not whole:
            cut = ["feature_map", "cut_start", "cut_stop", "cut_map_axis"]
            graph.node.append(helper.make_node("Slice", cut, ["cut_map"]))
            places = "cut_map"
        graph.node.append(helper.make_node("MatMul", [places, "head_weight"], ["map"]))
        graph.output.append(
            helper.make_tensor_value_info("map", TensorProto.FLOAT, ["n", "mh", "mw", classes])
        )
    onnx.checker.check_model(proto)
    return bytes(proto.SerializeToString())


def _constants(
    weight: NDArray[np.float32],
    bias: NDArray[np.float32],
    columns: tuple[int, int | None] | None,
) -> dict[str, NDArray[np.generic]]:
    """The initialisers that the new nodes use, and no others."""
    arrays: dict[str, NDArray[np.generic]] = {
        "head_weight": np.ascontiguousarray(weight, np.float32),
        "head_bias": np.ascontiguousarray(bias, np.float32),
    }
    if columns is not None:
        stop = np.iinfo(np.int64).max if columns[1] is None else columns[1]
        arrays["cut_start"] = np.array([columns[0]], np.int64)
        arrays["cut_stop"] = np.array([stop], np.int64)
        arrays["cut_axis"] = np.array([1], np.int64)
        arrays["cut_map_axis"] = np.array([3], np.int64)
    return arrays


def _rename(graph: onnx.GraphProto, names: dict[str, str]) -> None:
    """Rename values wherever nodes and outputs speak of them."""
    for node in graph.node:
        for kind in (node.input, node.output):
            for place, value in enumerate(kind):
                if value in names:
                    kind[place] = names[value]
    for value in [*graph.output, *graph.value_info]:
        if value.name in names:
            value.name = names[value.name]
