"""Embedding networks: how a foreign file is said to be fed, alignment, whitening. Contracts are tried with all learners."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from onnx import TensorProto, helper, numpy_helper

from objectif.errors import PluginError
from objectif.learn.export.whole import export_whole
from objectif.learn.models import find_learner, find_model, for_task
from objectif.learn.models.identify.align import BORDER, CROP, FRAME, GRAY, PLACES, STRIDE, Crop
from objectif.learn.models.identify.projected import whitening
from objectif.run.network import Network


@pytest.fixture
def face(tmp_path: Path) -> Path:
    """A network (N,3,8,8) -> the mean of each channel, and, as 'other', twice that."""
    nodes = [
        helper.make_node("GlobalAveragePool", ["x"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["mean"]),
        helper.make_node("Mul", ["mean", "two"], ["other"]),
    ]
    outputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n", 3]) for n in ("mean", "other")]
    graph = helper.make_graph(
        nodes,
        "face",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 8, 8])],
        outputs,
        [numpy_helper.from_array(np.float32(2), "two")],
    )
    path = tmp_path / "face.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def given(name: str, pixels: np.ndarray) -> np.ndarray:
    learner = find_learner(for_task(name, "identify"))
    graph = export_whole(learner.build(3, 2), (8, 8), floating=pixels.dtype != np.uint8)
    return Network(graph, threads=1, needs=("embedding",)).outputs(pixels)["embedding"]


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_a_network_is_fed_as_it_is_said(face: Path, kind: type) -> None:
    pixels = np.full((2, 8, 8, 3), (10, 20, 30), kind)
    plain = given(f"onnx:{face}?output=mean", pixels)
    assert np.allclose(plain, (np.array([10, 20, 30]) - 127.5) / 128, atol=1e-5)
    assert np.allclose(given(f"onnx:{face}?output=mean&mean=0&std=1&order=bgr", pixels), (30, 20, 10))
    assert np.allclose(given(f"onnx:{face}?mean=1,2,3&std=1", pixels), (18, 36, 54))
    face.with_suffix(".toml").write_text('mean = [0, 0, 0]\nstd = 10\noutput = "mean"\n')
    assert np.allclose(given(f"onnx:{face}", pixels), (1, 2, 3))
    assert np.allclose(given(f"onnx:{face}?std=1", pixels), (10, 20, 30))


def test_the_same_file_gives_features_where_classes_are_asked(face: Path) -> None:
    assert find_model(f"onnx:{face}").size == find_learner(for_task(f"onnx:{face}", "identify")).sizes[0] == 8
    assert for_task("lite0", "identify") == "lite0"
    assert for_task("onnx:a", "classify") == "onnx:a"


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("colour=bgr", "'colour=bgr' is not understood"),
        ("order=grb", "expected rgb or bgr"),
        ("size=big", "expected pixels"),
        ("mean=1,2", "expected one number or three"),
        ("std=0", "not 0"),
        ("output=none", "expected one of mean, other"),
        ("align=none.onnx", "which is no file"),
    ],
)
def test_what_cannot_be_is_refused(face: Path, query: str, says: str) -> None:
    with pytest.raises(PluginError, match=says):
        find_learner(f"embed:{face}?{query}")


def test_a_file_that_is_none_is_refused(face: Path) -> None:
    with pytest.raises(PluginError, match="no file"):
        find_learner("embed:/none.onnx")
    face.with_suffix(".toml").write_text("shade = 1\n")
    with pytest.raises(PluginError, match="'shade' is not known"):
        find_learner(f"embed:{face}")
    face.with_suffix(".toml").write_text("")
    with pytest.raises(PluginError, match=r"expected a detector of faces"):
        find_learner(f"embed:{face}?align=face.onnx&size=112").build(3, 2)


def seen(points: np.ndarray, heat: float) -> tuple[torch.Tensor, ...]:
    """A bordered picture and what a detector would say of a face with these points (5, 2)."""
    side = FRAME + 2 * BORDER
    cells = side // STRIDE
    maps = [torch.zeros(1, depth, cells, cells) for depth in (1, 2, 2, 10)]
    row, column = 30, 28
    maps[0][0, 0, row, column] = heat
    maps[1][0, :, row, column] = torch.log(torch.tensor([25.0, 20.0]))  # 100 high, 80 wide
    low = np.array([column * 4 + 2 - 40, row * 4 + 2 - 50])
    maps[3][0, :, row, column] = torch.from_numpy(((points - low) / (80, 100))[:, ::-1].ravel().copy())
    across, down = np.meshgrid(np.arange(side), np.arange(side))
    image = np.stack([across, down, np.zeros_like(down)], -1).astype(np.float32)[None]
    return torch.from_numpy(image), *maps


@pytest.mark.parametrize(("scale", "angle"), [(1.0, 0.0), (1.4, 20.0), (0.8, -35.0)])
def test_a_crop_puts_the_points_where_they_belong(scale: float, angle: float) -> None:
    turn = np.deg2rad(angle)
    matrix = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    places = np.array(PLACES)
    points = (places - places.mean(0)) @ matrix.T + (120, 130)
    crop = Crop()(*seen(points, 0.9))[0].numpy()
    for place, point in zip(np.rint(places).astype(int), points, strict=True):
        expected = matrix @ (place - places.mean(0)) + (120, 130)
        assert np.allclose(crop[place[1], place[0], :2], expected, atol=0.6), point


def test_where_no_face_is_seen_the_whole_picture_is() -> None:
    crop = Crop()(*seen(np.array(PLACES), 0.1))[0].numpy()
    assert crop.shape == (CROP, CROP, 3)
    middle = (FRAME + 2 * BORDER) / 2
    assert np.allclose(crop[CROP // 2, CROP // 2, :2], middle, atol=1.0)
    assert crop[0, 0, 0] == pytest.approx(BORDER, abs=1.5)
    assert GRAY == 128.0


def test_whitening_makes_all_directions_within_identities_alike() -> None:
    rng = np.random.default_rng(0)
    identity = np.repeat(np.arange(40), 10)
    spread = np.array([9.0, 1.0, 0.5])
    rows = rng.normal(size=(40, 3))[identity] + spread * rng.normal(size=(400, 3))
    rows -= rows.mean(0)
    before, after = (
        np.linalg.cond(np.cov((r - np.stack([r[identity == k].mean(0) for k in identity])).T))
        for r in (rows, rows @ whitening(rows, identity, 3))
    )
    assert after < before / 2  # drawn half the way towards equal
    single = whitening(rows, np.arange(400), 3)
    assert np.isfinite(single).all()
    assert not whitening(np.zeros((4, 3)), np.arange(4), 2).any()


def test_faces_are_aligned_inside_the_graph(shared: Callable[..., Path]) -> None:
    network = shared("mobilefacenet.onnx", room="weights")
    learner = find_learner(for_task(f"onnx:{network}?align=centerface.onnx", "identify"))
    built = learner.build(3, 2)
    pixels = np.random.default_rng(0).integers(0, 255, (2, FRAME, FRAME, 3), dtype=np.uint8)
    found = Network(export_whole(built, (FRAME, FRAME)), threads=1, needs=("embedding",)).outputs(pixels)
    alone = built(torch.from_numpy(pixels[1:].astype(np.float32)))[0].numpy()
    assert found["embedding"].shape == (2, 192)
    assert np.allclose(found["embedding"][1:], alone, atol=1e-3)


def test_probes_show_nobody() -> None:
    from objectif.learn.race.deliver import coloured

    for kind in (np.uint8, np.float32):
        like = np.zeros((2, 30, 20, 3), kind)
        seen = coloured(like)
        assert (seen.shape, seen.dtype) == (like.shape, like.dtype)
        assert len(np.unique(seen.reshape(-1, 3), axis=0)) > 40
        assert np.array_equal(seen, coloured(like + 9))
