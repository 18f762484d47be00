"""onnx:PATH: any local ONNX network as frozen features, seen through the contract that our own extractors keep.

Foreign networks disagree on layout, range and outputs, so what is taken is said in the file's own terms: the one
image input (N,3,H,W) or (N,H,W,3), and the last output, averaged over positions where it is a map. Pixels are
given as RGB in 0..1 with the ImageNet mean and deviation removed unless something else is stated (convention.py) or
the graph's metadata say otherwise (`mean`, `std` in units of 0..255, three numbers each).
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, compose, helper, numpy_helper

from objectif.errors import PluginError
from objectif.learn.models.base import Features, Model
from objectif.learn.models.convention import Convention, convention, parted

MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
USUAL_SIDE = 224


def from_file(name: str) -> Model:
    """The Model for 'onnx:PATH'. PluginError where there is no such file or it takes no image."""
    path, stated = parted(name.removeprefix("onnx:"))
    proto, digest = opened(path)
    layout, side = image_input(proto, path)
    wanted = convention(path, stated, proto, MEAN, STD)
    if wanted.align is not None:
        raise PluginError(
            f"{name}: align is for networks of faces, where the task is identify; leave it out."
        )

    def refuse(channels: int) -> Features:
        raise PluginError(f"{name} is a finished graph; it can be used frozen but not fine-tuned.")

    return Model(
        name=name,
        approach="frozen",
        title=f"{path.name} (frozen)",
        source=f"local file {path.name}, sha256 {digest[:16]}",
        licence="as its owner says; not known to objectif",
        features=f"onnx-{digest[:16]}" + (f"-{wanted.words}-{wanted.output}" if stated else ""),
        build=refuse,
        size=wanted.size or side or USUAL_SIDE,
        pretrained=path.name,
        graph=lambda: adapt(proto, layout, wanted),
    )


def opened(path: Path) -> tuple[onnx.ModelProto, str]:
    """The network in a file, checked, and the sha256 of the file. PluginError where there is none."""
    if not path.is_file():
        raise PluginError(f"no file {path}; expected onnx:PATH with the path of an ONNX network.")
    content = path.read_bytes()
    try:
        proto = onnx.shape_inference.infer_shapes(
            onnx.load_from_string(content)
        )  # some leave outputs without
        onnx.checker.check_model(proto)
    except Exception as error:  # protobuf and onnx raise many kinds, none of them ours
        raise PluginError(f"{path} is not an ONNX network ({str(error).splitlines()[0][:120]}).") from error
    return proto, hashlib.sha256(content).hexdigest()


def image_input(proto: onnx.ModelProto, path: Path) -> tuple[str, int]:
    """('NCHW' or 'NHWC', side) of the one input that is an image of three channels; side 0 where any will do."""
    constants = {tensor.name for tensor in proto.graph.initializer}
    inputs = [value for value in proto.graph.input if value.name not in constants]
    shapes = [[d.dim_value for d in value.type.tensor_type.shape.dim] for value in inputs]
    if len(inputs) == 1 and len(shapes[0]) == 4:
        shape = shapes[0]
        if shape[1] == 3:
            return "NCHW", shape[2]
        if shape[3] == 3:
            return "NHWC", shape[1]
    raise PluginError(f"{path} takes inputs of shapes {shapes}; expected one image, (N,3,H,W) or (N,H,W,3).")


def adapt(proto: onnx.ModelProto, layout: str, wanted: Convention, floating: bool = False) -> bytes:
    """The network between an `image` input (N,H,W,3) RGB, uint8 or float32 in 0..255, and an `embedding` output (N,D)."""
    network = onnx.ModelProto()
    network.CopyFrom(proto)
    constants = {tensor.name for tensor in network.graph.initializer}
    source = next(value for value in network.graph.input if value.name not in constants)
    output = next((o for o in network.graph.output if o.name == wanted.output), network.graph.output[-1])
    rank = len(output.type.tensor_type.shape.dim)
    for value in (source, *network.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "n"
    opset = next(o.version for o in network.opset_import if o.domain == "")
    before = _before(wanted, layout, floating, opset, network.ir_version)
    after = _after(_mapped(output), rank, opset, network.ir_version)
    joined = compose.merge_models(
        compose.add_prefix(before, "before_"),
        compose.add_prefix(network, "net_"),
        io_map=[("before_pixels", f"net_{source.name}")],
    )
    joined = compose.merge_models(
        joined,
        compose.add_prefix(after, "after_"),
        io_map=[(f"net_{output.name}", "after_found")],
        outputs=[f"after_{value.name}" for value in after.graph.output],
    )
    _rename(joined, {"before_image": "image", "after_embedding": "embedding", "after_map": "map"})
    return bytes(joined.SerializeToString())


def _before(wanted: Convention, layout: str, floating: bool, opset: int, ir: int) -> onnx.ModelProto:
    order = np.array([2, 1, 0] if wanted.order == "bgr" else [0, 1, 2], np.int64)
    taken = numpy_helper.from_array(order, "order")
    mean, std = (np.asarray(v, np.float32) for v in (wanted.mean, wanted.std))
    nodes = [
        helper.make_node("Cast", ["image"], ["plain"], to=TensorProto.FLOAT),
        helper.make_node("Gather", ["plain", "order"], ["float"], axis=3),
        helper.make_node("Sub", ["float", "mean"], ["centred"]),
        helper.make_node("Div", ["centred", "std"], ["scaled"]),
    ]
    if layout == "NCHW":
        nodes.append(helper.make_node("Transpose", ["scaled"], ["pixels"], perm=[0, 3, 1, 2]))
    else:
        nodes.append(helper.make_node("Identity", ["scaled"], ["pixels"]))
    shape: list[str | int | None] = ["n", 3, "h", "w"] if layout == "NCHW" else ["n", "h", "w", 3]
    kind = TensorProto.FLOAT if floating else TensorProto.UINT8
    graph = helper.make_graph(
        nodes,
        "before",
        [helper.make_tensor_value_info("image", kind, ["n", "h", "w", 3])],
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, shape)],
        [taken, numpy_helper.from_array(mean, "mean"), numpy_helper.from_array(std, "std")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir)


def _mapped(output: onnx.ValueInfoProto) -> int:
    """Channels of an output (N,D,h,w) with more than one place; 0 for all else: nothing says where tokens lie."""
    sizes = [d.dim_value for d in output.type.tensor_type.shape.dim]
    return sizes[1] if len(sizes) == 4 and (sizes[2], sizes[3]) != (1, 1) else 0


def _after(mapped: int, rank: int, opset: int, ir: int) -> onnx.ModelProto:
    """Average over positions (rank 4: height and width; rank 3: tokens), then flatten; the map where there is one."""
    node = "GlobalAveragePool" if rank == 4 else "Identity"
    nodes = [helper.make_node(node, ["found"], ["pooled"])]
    if rank == 3:
        if opset >= 18:
            nodes = [helper.make_node("ReduceMean", ["found", "axes"], ["pooled"], keepdims=0)]
        else:
            nodes = [helper.make_node("ReduceMean", ["found"], ["pooled"], axes=[1], keepdims=0)]
    nodes.append(helper.make_node("Flatten", ["pooled"], ["embedding"], axis=1))
    shape: list[str | int | None] = ["n", *[f"d{i}" for i in range(1, rank)]]
    given = [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", "width"])]
    if mapped:
        nodes.append(helper.make_node("Transpose", ["found"], ["map"], perm=[0, 2, 3, 1]))
        given.append(helper.make_tensor_value_info("map", TensorProto.FLOAT, ["n", "mh", "mw", mapped]))
    graph = helper.make_graph(
        nodes,
        "after",
        [helper.make_tensor_value_info("found", TensorProto.FLOAT, shape)],
        given,
        [numpy_helper.from_array(np.array([1], np.int64), "axes")] if rank == 3 and opset >= 18 else [],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir)


def _rename(proto: onnx.ModelProto, names: dict[str, str]) -> None:
    for node in proto.graph.node:
        for kind in (node.input, node.output):
            for place, value in enumerate(kind):
                kind[place] = names.get(value, value)
    for value in (*proto.graph.input, *proto.graph.output):
        value.name = names.get(value.name, value.name)
