"""Fixtures for all tests: real images where they are at hand, otherwise a skip that says so."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

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
