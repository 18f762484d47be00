"""Fixtures for all tests: real images where they are at hand, otherwise a skip that says so."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray

if TYPE_CHECKING:
    from objectif.solution.file import Solution

SHARED = Path(os.environ.get("OBJECTIF_SHARED", Path(__file__).resolve().parents[2] / "shared"))


@pytest.fixture(scope="session")
def shared() -> Callable[..., Path]:
    """shared("flowers") is that folder of the real test images; skips where they are not at hand."""

    def find(*parts: str, room: str = "data") -> Path:
        path = SHARED.joinpath(room, *parts)
        if not path.exists():
            pytest.skip(f"real images {'/'.join(parts)!r} are not beside the project (set OBJECTIF_SHARED)")
        return path

    return find


@pytest.fixture(scope="session")
def colours() -> Callable[..., Solution]:
    """colours() is a Solution that answers "red", "green" or "blue" by the mean of each channel; keywords replace fields.

    Its network is a small convolution made with `onnx`: raw scores are 12 times the mean colour (11.9 times in int8).
    """
    onnx = pytest.importorskip("onnx", reason="networks for tests are made with the onnx package")
    from objectif.images.prepare import Preparation
    from objectif.solution.file import Solution
    from objectif.tasks.classify import Decoding

    def make(**fields: Any) -> Solution:
        networks = {"fp32": _colour_network(onnx, 12.0), "int8": _colour_network(onnx, 11.9)}
        inputs = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), dtype=np.uint8)
        means = inputs.reshape(6, -1, 3).mean(1) / 255
        probes = {"inputs": inputs} | {
            f"scores_{name}": (k * means).astype(np.float32) for name, k in (("fp32", 12.0), ("int8", 11.9))
        }
        plain: dict[str, Any] = {
            "task": "classify",
            "classes": ("red", "green", "blue"),
            "multilabel": False,
            "preparation": Preparation(8, 8),
            "decoding": Decoding(),
            "networks": networks,
            "card": {"name": "colours"},
            "probes": probes,
        }
        return Solution(**{**plain, **fields})

    return make


@pytest.fixture(scope="session")
def hues(colours: Callable[..., Solution]) -> Callable[..., Solution]:
    """hues() is a Solution that tells things apart by the hue of their mean colour; keywords replace fields.

    Its strangers were searched in galleries of ten entries, and one in a hundred had a cosine above 0.9.
    """
    from objectif.solution.file import Solution
    from objectif.tasks.identify import Decoding

    def make(**fields: Any) -> Solution:
        plain = colours()
        means = plain.probes["inputs"].reshape(6, -1, 3).mean(1).astype(np.float32) / 255
        made: dict[str, Any] = {
            "task": "identify",
            "classes": ("red", "green", "blue"),
            "multilabel": False,
            "preparation": plain.preparation,
            "decoding": Decoding(
                0.01, 10, 20, 200, (0.0, 0.001, 0.01, 0.1, 0.5), (0.99, 0.95, 0.9, 0.8, 0.6)
            ),
            "networks": plain.networks,
            "card": {"name": "hues"},
            "probes": {"inputs": plain.probes["inputs"], "embedding_fp32": means, "embedding_int8": means},
        }
        return Solution(**{**made, **fields})

    return make


def _colour_network(onnx: Any, scale: float) -> bytes:
    """image (N,8,8,3) uint8 -> scores = scale * mean colour, embedding = mean colour, map = scale * colour of 4 x 4."""
    helper, kinds = onnx.helper, onnx.TensorProto
    pool = np.zeros((3, 3, 2, 2), np.float32)
    pool[[0, 1, 2], [0, 1, 2]] = 0.25 / 255
    constants = {"pool": pool, "scale": np.array(scale, np.float32)}
    nodes = [
        helper.make_node("Cast", ["image"], ["real"], to=kinds.FLOAT),
        helper.make_node("Transpose", ["real"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["planes", "pool"], ["small"], strides=[2, 2]),
        helper.make_node("GlobalAveragePool", ["small"], ["one"]),
        helper.make_node("Flatten", ["one"], ["embedding"]),
        helper.make_node("Mul", ["embedding", "scale"], ["scores"]),
        helper.make_node("Mul", ["small", "scale"], ["scaled"]),
        helper.make_node("Transpose", ["scaled"], ["map"], perm=[0, 2, 3, 1]),
    ]
    shapes = {"scores": ["N", 3], "embedding": ["N", 3], "map": ["N", 4, 4, 3]}
    graph = helper.make_graph(
        nodes,
        "colours",
        [helper.make_tensor_value_info("image", kinds.UINT8, ["N", 8, 8, 3])],
        [helper.make_tensor_value_info(name, kinds.FLOAT, shape) for name, shape in shapes.items()],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


@pytest.fixture(scope="session")
def brightness() -> Callable[..., Solution]:
    """brightness() is a Solution that tells the mean level of a picture, 1 less and 1 more; keywords replace fields."""
    onnx = pytest.importorskip("onnx", reason="networks for tests are made with the onnx package")
    from objectif.images.prepare import Preparation
    from objectif.run.check import probes
    from objectif.solution.file import Solution
    from objectif.tasks import find

    def make(**fields: Any) -> Solution:
        network = _level_network(onnx)
        networks = {"fp32": network, "int8": network}
        inputs = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), dtype=np.uint8)
        plain: dict[str, Any] = {
            "task": "regress",
            "classes": ("level",),
            "multilabel": False,
            "preparation": Preparation(8, 8),
            "decoding": find("regress").decoding(),
            "networks": networks,
            "card": {"name": "brightness"},
            "probes": probes(networks, inputs, find("regress").outputs),
        }
        return Solution(**{**plain, **fields})

    return make


def _level_network(onnx: Any) -> bytes:
    """image (N,8,8,3) uint8 -> quantity = mean level and 1 to either side, embedding = mean level."""
    helper, kinds = onnx.helper, onnx.TensorProto
    nodes = [
        helper.make_node("Cast", ["image"], ["real"], to=kinds.FLOAT),
        helper.make_node("ReduceMean", ["real"], ["one"], axes=[1, 2, 3], keepdims=1),
        helper.make_node("Flatten", ["one"], ["embedding"]),
        helper.make_node("Add", ["embedding", "ends"], ["quantity"]),
    ]
    shapes = {"quantity": ["N", 3], "embedding": ["N", 1]}
    graph = helper.make_graph(
        nodes,
        "brightness",
        [helper.make_tensor_value_info("image", kinds.UINT8, ["N", 8, 8, 3])],
        [helper.make_tensor_value_info(name, kinds.FLOAT, shape) for name, shape in shapes.items()],
        [onnx.numpy_helper.from_array(np.array([[-1, 0, 1]], np.float32), "ends")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


@pytest.fixture(scope="session")
def squares() -> Callable[..., Solution]:
    """squares() is a Solution that finds bright "red" and "green" rectangles of 4 px or more; keywords replace fields.

    Its network is made with `onnx`: each place looks along its row and column for the first dark pixel, so that boxes
    are exact, and end at the image's edge. side: of the prepared image.
    """
    onnx = pytest.importorskip("onnx", reason="networks for tests are made with the onnx package")
    from objectif.images.prepare import Preparation
    from objectif.run.check import probes
    from objectif.solution.file import Solution
    from objectif.tasks import find

    def make(*, side: int = 64, **fields: Any) -> Solution:
        network = _square_network(onnx, side)
        inputs = np.stack([bright_rectangles(side, side, seed)[0] for seed in range(4)])
        plain: dict[str, Any] = {
            "task": "detect",
            "classes": ("red", "green"),
            "multilabel": True,
            "preparation": Preparation(side, side, fit="pad"),
            "decoding": find("detect").decoding(),
            "networks": {"fp32": network, "int8": network},
            "card": {"name": "squares"},
            "probes": probes({"fp32": network, "int8": network}, inputs, find("detect").outputs),
        }
        return Solution(**{**plain, **fields})

    return make


@pytest.fixture(scope="session")
def rectangles() -> Callable[..., tuple[NDArray[np.uint8], NDArray[np.float64]]]:
    """rectangles(height, width, seed) is a picture for squares() and its boxes (n, 5)."""
    return bright_rectangles


def bright_rectangles(
    height: int, width: int, seed: int = 0, *, cell: int = 32
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """A dark noisy picture (height, width, 3) with a red or green rectangle in most cells, and its boxes (n, 5).

    Boxes are x1 y1 x2 y2 class (0 red, 1 green), between a quarter and three quarters of a cell's side long.
    """
    random = np.random.default_rng(seed)
    pixels = random.integers(0, 90, (height, width, 3), dtype=np.uint8)
    boxes = []
    for top in range(0, height - cell + 1, cell):
        for left in range(0, width - cell + 1, cell):
            high, wide = random.integers(cell // 4, 3 * cell // 4, 2)
            y, x = (
                top + 1 + random.integers(0, cell - high - 1),
                left + 1 + random.integers(0, cell - wide - 1),
            )
            label = int(random.integers(0, 2))
            if random.random() < 0.75:
                pixels[y : y + high, x : x + wide, label] = 230
                boxes.append((x, y, x + wide, y + high, label))
    return pixels, np.array(boxes, np.float64).reshape(-1, 5)


def _square_network(onnx: Any, side: int) -> bytes:
    """image (N,side,side,3) uint8 -> boxes (N,A,4), scores (N,A,2), one place for every fourth pixel; embedding (N,3)."""
    helper, kinds = onnx.helper, onnx.TensorProto
    from_start, from_end = np.arange(1, side + 1, dtype=np.float32), np.arange(side, 0, -1, dtype=np.float32)
    constants = {
        "limit": np.array(160, np.float32),
        "one": np.array(1, np.float32),
        "side": np.array(side, np.float32),
        "scale": np.array(1 / 255, np.float32),
        "first": np.array([2, 2]), "last": np.array([side, side]), "axes": np.array([2, 3]), "step": np.array([4, 4]),
        "zero": np.array([0]), "two": np.array([2]), "channel": np.array([1]),
        "as_boxes": np.array([0, 4, -1]), "as_scores": np.array([0, 2, -1]),
        "x": from_start.reshape(1, 1, 1, -1), "y": from_start.reshape(1, 1, -1, 1),
        "x_back": from_end.reshape(1, 1, 1, -1), "y_back": from_end.reshape(1, 1, -1, 1),
    }  # fmt: skip
    nodes = [
        helper.make_node("Cast", ["image"], ["real"], to=kinds.FLOAT),
        helper.make_node("Transpose", ["real"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("ReduceMax", ["planes"], ["bright"], axes=[1], keepdims=1),
        helper.make_node("Greater", ["bright", "limit"], ["is_object"]),
        helper.make_node("Cast", ["is_object"], ["object"], to=kinds.FLOAT),
        helper.make_node("Sub", ["one", "object"], ["dark"]),
        helper.make_node("GlobalAveragePool", ["planes"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["embedding"]),
    ]
    far = side - 1
    for name, shape, pads in (
        ("x", [1, side], [0, far, 0, 0]), ("y", [side, 1], [far, 0, 0, 0]),
        ("x_back", [1, side], [0, 0, 0, far]), ("y_back", [side, 1], [0, 0, far, 0]),
    ):  # fmt: skip
        nodes += [
            helper.make_node("Mul", ["dark", name], [f"dark_{name}"]),
            helper.make_node("MaxPool", [f"dark_{name}"], [f"edge_{name}"], kernel_shape=shape, pads=pads),
        ]
    nodes += [
        helper.make_node("Sub", ["side", "edge_x_back"], ["x2"]),
        helper.make_node("Sub", ["side", "edge_y_back"], ["y2"]),
        helper.make_node("Concat", ["edge_x", "edge_y", "x2", "y2"], ["sides"], axis=1),
        helper.make_node("Slice", ["planes", "zero", "two", "channel"], ["colours"]),
        helper.make_node("Mul", ["colours", "scale"], ["light"]),
        helper.make_node("Mul", ["light", "object"], ["sure"]),
    ]
    for source, name in (("sides", "boxes"), ("sure", "scores")):
        nodes += [
            helper.make_node("Slice", [source, "first", "last", "axes", "step"], [f"some_{name}"]),
            helper.make_node("Reshape", [f"some_{name}", f"as_{name}"], [f"flat_{name}"]),
            helper.make_node("Transpose", [f"flat_{name}"], [name], perm=[0, 2, 1]),
        ]
    shapes = {"boxes": ["N", "A", 4], "scores": ["N", "A", 2], "embedding": ["N", 3]}
    graph = helper.make_graph(
        nodes,
        "squares",
        [helper.make_tensor_value_info("image", kinds.UINT8, ["N", side, side, 3])],
        [helper.make_tensor_value_info(name, kinds.FLOAT, shape) for name, shape in shapes.items()],
        [onnx.numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


@pytest.fixture(scope="session")
def regions() -> Callable[..., Solution]:
    """regions() is a Solution that names the pixels of rectangles() as background, "red" or "green"; exact at any size.

    side: of the prepared image.
    """
    onnx = pytest.importorskip("onnx", reason="networks for tests are made with the onnx package")
    from objectif.images.prepare import Preparation
    from objectif.run.check import probes
    from objectif.solution.file import Solution
    from objectif.tasks import find

    def make(*, side: int = 64, **fields: Any) -> Solution:
        network = _region_network(onnx, side)
        inputs = np.stack([bright_rectangles(side, side, seed)[0] for seed in range(2)])
        plain: dict[str, Any] = {
            "task": "segment",
            "classes": ("background", "red", "green"),
            "multilabel": True,
            "preparation": Preparation(side, side, fit="pad"),
            "decoding": find("segment").decoding(),
            "networks": {"fp32": network, "int8": network},
            "card": {"name": "regions"},
            "probes": probes({"fp32": network, "int8": network}, inputs, find("segment").outputs),
        }
        return Solution(**{**plain, **fields})

    return make


def _region_network(onnx: Any, side: int) -> bytes:
    """image (N,side,side,3) uint8 -> scores (N,side,side,3): 160, red, green, over 10; distance 0; embedding (N,3)."""
    helper, kinds = onnx.helper, onnx.TensorProto
    constants = {
        "weight": np.array([[0, 0, 0], [0.1, 0, 0], [0, 0.1, 0]], np.float32).T,
        "bias": np.array([16, 0, 0], np.float32),
        "none": np.array(0, np.float32),
        "zero": np.array([0]), "one": np.array([1]), "channel": np.array([3]),
    }  # fmt: skip
    nodes = [
        helper.make_node("Cast", ["image"], ["real"], to=kinds.FLOAT),
        helper.make_node("MatMul", ["real", "weight"], ["light"]),
        helper.make_node("Add", ["light", "bias"], ["scores"]),
        helper.make_node("Slice", ["real", "zero", "one", "channel"], ["first"]),
        helper.make_node("Mul", ["first", "none"], ["distance"]),
        helper.make_node("ReduceMean", ["real"], ["embedding"], axes=[1, 2], keepdims=0),
    ]
    shapes = {"scores": ["N", side, side, 3], "distance": ["N", side, side, 1], "embedding": ["N", 3]}
    graph = helper.make_graph(
        nodes,
        "regions",
        [helper.make_tensor_value_info("image", kinds.UINT8, ["N", side, side, 3])],
        [helper.make_tensor_value_info(name, kinds.FLOAT, shape) for name, shape in shapes.items()],
        [onnx.numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


@pytest.fixture(scope="session")
def lights() -> Callable[..., Solution]:
    """lights() is a Solution to which what is bright is unusual; keywords replace fields. side: of the prepared image."""
    onnx = pytest.importorskip("onnx", reason="networks for tests are made with the onnx package")
    from objectif.images.prepare import Preparation
    from objectif.run.check import probes
    from objectif.solution.file import Solution
    from objectif.tasks.anomaly import OUTPUT, Decoding

    def make(*, side: int = 32, **fields: Any) -> Solution:
        network = _light_network(onnx, side)
        inputs = np.random.default_rng(0).integers(0, 256, (2, side, side, 3), dtype=np.uint8)
        plain: dict[str, Any] = {
            "task": "anomaly",
            "classes": ("good", "spot"),
            "multilabel": False,
            "preparation": Preparation(side, side),
            "decoding": Decoding(threshold=0.5, good=40, kept=True),
            "networks": {"fp32": network, "int8": network},
            "card": {"name": "lights"},
            "probes": probes({"fp32": network, "int8": network}, inputs, (OUTPUT,)),
        }
        return Solution(**{**plain, **fields})

    return make


def _light_network(onnx: Any, side: int) -> bytes:
    """image (N,side,side,3) uint8 -> anomaly (N,side,side), the mean of the channels in 0..1; embedding (N,3)."""
    helper, kinds = onnx.helper, onnx.TensorProto
    nodes = [
        helper.make_node("Cast", ["image"], ["real"], to=kinds.FLOAT),
        helper.make_node("Mul", ["real", "scale"], ["light"]),
        helper.make_node("ReduceMean", ["light"], ["anomaly"], axes=[3], keepdims=0),
        helper.make_node("ReduceMean", ["real"], ["embedding"], axes=[1, 2], keepdims=0),
    ]
    shapes = {"anomaly": ["N", side, side], "embedding": ["N", 3]}
    graph = helper.make_graph(
        nodes,
        "lights",
        [helper.make_tensor_value_info("image", kinds.UINT8, ["N", side, side, 3])],
        [helper.make_tensor_value_info(name, kinds.FLOAT, shape) for name, shape in shapes.items()],
        [onnx.numpy_helper.from_array(np.array(1 / 255, np.float32), "scale")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


@pytest.fixture(scope="session")
def mirror() -> Callable[..., Solution]:
    """mirror() is a Solution of restoration that gives back what it is given, pictures of any size."""
    onnx = pytest.importorskip("onnx", reason="networks for tests are made with the onnx package")
    from objectif.images.prepare import Preparation
    from objectif.run.check import probes
    from objectif.solution.file import Solution
    from objectif.tasks import find

    helper, kinds = onnx.helper, onnx.TensorProto
    nodes = [
        helper.make_node("Identity", ["image"], ["picture"]),
        helper.make_node("ReduceMean", ["image"], ["embedding"], axes=[1, 2], keepdims=0),
    ]
    sides = ["N", "H", "W", 3]
    outputs = {"picture": sides, "embedding": ["N", 3]}
    graph = helper.make_graph(
        nodes,
        "mirror",
        [helper.make_tensor_value_info("image", kinds.FLOAT, sides)],
        [helper.make_tensor_value_info(name, kinds.FLOAT, shape) for name, shape in outputs.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    network = bytes(model.SerializeToString())

    def make(**fields: Any) -> Solution:
        inputs = np.random.default_rng(0).uniform(0, 255, (2, 24, 20, 3)).astype(np.float32)
        plain: dict[str, Any] = {
            "task": "restore",
            "classes": ("picture",),
            "multilabel": True,
            "preparation": Preparation(24, 20, fit="keep"),
            "decoding": find("restore").decoding(),
            "networks": {"fp32": network, "int8": network},
            "card": {"name": "mirror"},
            "probes": probes({"fp32": network, "int8": network}, inputs, find("restore").outputs),
        }
        return Solution(**{**plain, **fields})

    return make


@pytest.fixture
def paint(tmp_path: Path) -> Callable[..., Path]:
    """paint("sub/a.png", "red") writes a noisy picture of that colour below tmp_path and returns its path."""

    def write(name: str, colour: str, size: tuple[int, int] = (20, 24)) -> Path:
        import cv2

        pixels = np.random.default_rng(0).integers(0, 60, (*size, 3), dtype=np.uint8)
        pixels[:, :, ("blue", "green", "red").index(colour)] += 180  # OpenCV writes BGR
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(cv2.imencode(path.suffix, pixels)[1].tobytes())
        return path

    return write
