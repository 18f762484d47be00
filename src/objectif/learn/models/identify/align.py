"""Faces are found and aligned inside the graph: a detector's five points, a similarity, a crop of 112 pixels.

Networks of faces are trained on crops whose eyes, nose and mouth lie at fixed places (Deng et al. 2019, ArcFace). What is
trained on aligned faces must see aligned faces, so alignment is part of the network that is measured and shipped, not a
script that ran before. The detector is one like CenterFace (Xu et al. 2019, arXiv:1911.03599): outputs heat map, scale, offset
and five points at stride 4, pixels RGB in 0..255. The surest face is taken; where none is seen the whole picture is.

The similarity is the one of least squares from the five places to the five points (Umeyama 1991, without a reflection): with
points as complex numbers a = k t + c it is k = sum conj(t) a / sum |t|^2, which exports as a few products.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import onnx
import torch
from onnx import TensorProto, compose, helper, version_converter
from torch import Tensor, nn
from torch.nn import functional

from objectif.errors import PluginError
from objectif.learn.models.onnxfile import opened

FRAME = 192  # side of the prepared picture in which a face is looked for
BORDER = 32  # gray around it: a face that fills its picture is found only where something is around
CROP = 112
PLACES = ((38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041))
"""Eyes, nose and corners of the mouth in a crop of 112 pixels, as published with ArcFace."""
STRIDE = 4
SEEN = 0.3  # heat from which something is a face
GRAY = 128.0
OPSET = 17
NAMES = ("heat", "scale", "offset", "points")


class Crop(nn.Module):
    """Bordered pictures (N,S,S,3) and a detector's outputs to crops (N,112,112,3), all in 0..255."""

    middle: Tensor
    around: Tensor
    pixels: Tensor

    def __init__(self) -> None:
        super().__init__()
        places = torch.tensor(PLACES)
        self.register_buffer("middle", places.mean(0))
        self.register_buffer("around", places - places.mean(0))
        across, down = torch.meshgrid(torch.arange(CROP), torch.arange(CROP), indexing="xy")
        self.register_buffer("pixels", torch.stack([across, down], -1).float())

    def forward(self, image: Tensor, heat: Tensor, scale: Tensor, offset: Tensor, points: Tensor) -> Tensor:
        side = FRAME + 2 * BORDER
        cells = side // STRIDE
        flat = heat.flatten(1)
        best = flat.argmax(1, keepdim=True)
        sure = flat.gather(1, best)

        def at(maps: Tensor) -> Tensor:
            found = maps.flatten(2)
            return found.gather(2, best[:, None].expand(-1, int(found.shape[1]), 1))[:, :, 0]

        row, column = torch.div(best[:, 0], cells, rounding_mode="floor"), best[:, 0] % cells
        size = at(scale).exp() * STRIDE  # height, width
        shift = at(offset)
        centre = torch.stack([column + shift[:, 1], row + shift[:, 0]], 1) * STRIDE + STRIDE / 2
        low = centre - size.flip(1) / 2
        met = at(points).reshape(-1, 5, 2).flip(2) * size.flip(1)[:, None] + low[:, None]
        own = met.mean(1)
        apart, around = met - own[:, None], self.around[None]
        square = (around**2).sum()
        real = (apart * around).sum((1, 2)) / square
        turned = (around[..., 0] * apart[..., 1] - around[..., 1] * apart[..., 0]).sum(1) / square
        plain = torch.full_like(real, FRAME / CROP)
        face = sure[:, 0] > SEEN
        real, turned = torch.where(face, real, plain), torch.where(face, turned, torch.zeros_like(turned))
        whole = torch.full_like(own, side / 2) + (self.middle - CROP / 2) * (FRAME / CROP)
        own = torch.where(face[:, None], own, whole)
        away = self.pixels - self.middle
        x = real[:, None, None] * away[..., 0] - turned[:, None, None] * away[..., 1] + own[:, 0, None, None]
        y = turned[:, None, None] * away[..., 0] + real[:, None, None] * away[..., 1] + own[:, 1, None, None]
        grid = (2 * torch.stack([x, y], -1) + 1) / side - 1
        planes = image.permute(0, 3, 1, 2) - GRAY
        seen = functional.grid_sample(
            planes, grid, mode="bilinear", padding_mode="zeros", align_corners=False
        )
        return (seen + GRAY).permute(0, 2, 3, 1)


def aligned(recogniser: onnx.ModelProto, detector: Path, floating: bool) -> bytes:
    """A graph 'image' (N,192,192,3) RGB -> 'embedding', of one that takes float crops (N,112,112,3) as 'image'.

    PluginError where the detector is none.
    """
    finder = _finder(detector)
    network = version_converter.convert_version(recogniser, OPSET)
    for proto in (finder, network):
        proto.ir_version = network.ir_version
    joined = compose.merge_models(
        compose.add_prefix(_border(floating, network.ir_version), "b_"),
        compose.add_prefix(finder, "d_"),
        io_map=[("b_planes", f"d_{finder.graph.input[0].name}")],
        outputs=["b_framed", *(f"d_{o.name}" for o in finder.graph.output)],
    )
    crop = _crop(network.ir_version)
    taken = dict(zip(NAMES, (f"d_{o.name}" for o in finder.graph.output), strict=True))
    joined = compose.merge_models(
        joined,
        compose.add_prefix(crop, "c_"),
        io_map=[("b_framed", "c_framed"), *((taken[name], f"c_{name}") for name in NAMES)],
        outputs=["c_crop"],
    )
    joined = compose.merge_models(
        joined, compose.add_prefix(network, "n_"), io_map=[("c_crop", "n_image")], outputs=["n_embedding"]
    )
    for node in joined.graph.node:
        for values in (node.input, node.output):
            for place, value in enumerate(values):
                values[place] = {"b_image": "image", "n_embedding": "embedding"}.get(value, value)
    joined.graph.input[0].name, joined.graph.output[0].name = "image", "embedding"
    del joined.graph.value_info[:]
    return bytes(joined.SerializeToString())


def _finder(path: Path) -> onnx.ModelProto:
    """The detector for pictures of any size and number."""
    proto, _ = opened(path)
    constants = {tensor.name for tensor in proto.graph.initializer}
    inputs = [value for value in proto.graph.input if value.name not in constants]
    if len(inputs) != 1 or len(proto.graph.output) != 4:
        raise PluginError(
            f"{path.name} has {len(inputs)} inputs and {len(proto.graph.output)} outputs; expected a detector of faces like "
            "CenterFace: one picture in; heat map, scale, offset and five points out."
        )
    del proto.graph.input[:]
    proto.graph.input.extend(inputs)
    side = FRAME + 2 * BORDER
    sizes = (side, *[side // STRIDE] * 4)
    values = (*proto.graph.input, *proto.graph.output)
    for value, depth, size in zip(values, (3, 1, 2, 2, 10), sizes, strict=True):
        shape: list[str | int | None] = ["n", depth, size, size]
        value.CopyFrom(helper.make_tensor_value_info(value.name, TensorProto.FLOAT, shape))
    del proto.graph.value_info[:]
    return version_converter.convert_version(proto, OPSET)


def _border(floating: bool, ir: int) -> onnx.ModelProto:
    """'image' to 'framed' (N,S,S,3) floats with gray around, and to its 'planes' (N,3,S,S)."""
    pads = helper.make_tensor("pads", TensorProto.INT64, [8], [0, BORDER, BORDER, 0, 0, BORDER, BORDER, 0])
    gray = helper.make_tensor("gray", TensorProto.FLOAT, [], [GRAY])
    nodes = [
        helper.make_node("Cast", ["image"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Pad", ["float", "pads", "gray"], ["framed"]),
        helper.make_node("Transpose", ["framed"], ["planes"], perm=[0, 3, 1, 2]),
    ]
    side = FRAME + 2 * BORDER
    kind = TensorProto.FLOAT if floating else TensorProto.UINT8
    graph = helper.make_graph(
        nodes,
        "border",
        [helper.make_tensor_value_info("image", kind, ["n", FRAME, FRAME, 3])],
        [
            helper.make_tensor_value_info("framed", TensorProto.FLOAT, ["n", side, side, 3]),
            helper.make_tensor_value_info("planes", TensorProto.FLOAT, ["n", 3, side, side]),
        ],
        [pads, gray],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=ir)


def _crop(ir: int) -> onnx.ModelProto:
    """The crop, traced."""
    side = FRAME + 2 * BORDER
    cells = side // STRIDE
    shapes = [(2, side, side, 3), *((2, depth, cells, cells) for depth in (1, 2, 2, 10))]
    names = ["framed", *NAMES]
    stream = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # it warns that it is the older exporter
        torch.onnx.export(
            Crop().eval(),
            tuple(torch.zeros(shape) for shape in shapes),
            stream,  # type: ignore[arg-type]  # it takes any binary file, its annotation says paths alone
            input_names=names,
            output_names=["crop"],
            dynamic_axes={name: {0: "n"} for name in [*names, "crop"]},
            opset_version=OPSET,
            dynamo=False,
        )
    proto = onnx.load_from_string(stream.getvalue())
    proto.ir_version = ir
    return proto
