"""Detectors: their contract, which places are asked for what, where boxes go in a view, and YOLOX against its own file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from objectif import plugins
from objectif.errors import PluginError
from objectif.learn.models import find, find_learner, find_model
from objectif.learn.models.base import Learner
from objectif.learn.models.detect.assign import Settings as Assignment
from objectif.learn.models.detect.assign import assign, iou
from objectif.learn.models.detect.view import Settings, view
from objectif.learn.models.detect.yolox import FILE, FOLDER, NOTE
from objectif.learn.testing import check_model

LEARNERS = [n for n in plugins.names("models") if isinstance(plugins.load("models", n), Learner)]


@pytest.fixture
def weights(shared: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of published weights, as a user names it."""
    file = shared(FILE, room="weights")
    monkeypatch.setenv(FOLDER, str(file.parent))
    return file


@pytest.mark.parametrize("name", LEARNERS)
def test_keeps_the_contract(
    name: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    if find_learner(name).available() is not None:
        request.getfixturevalue("weights")
    failed = [f"{c.name}: {c.detail}" for c in check_model(name) if not c.ok]
    assert not failed


def test_a_learner_and_a_model_are_told_apart() -> None:
    with pytest.raises(PluginError, match="trained as a whole"):
        find_model(LEARNERS[0])
    with pytest.raises(PluginError, match="features and a head"):
        find_learner("lite0")


# --- weights that a user brings ------------------------------------------------------------------------------------


def test_missing_weights_are_said_with_the_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path))
    learner = find_learner("yolox_nano")
    assert FOLDER in str(learner.available())
    with pytest.raises(PluginError, match=FOLDER):
        learner.build(3, 2)
    checks = {c.name: c for c in check_model("yolox_nano")}
    assert checks["built"].ok
    assert "not here" in checks["built"].detail
    with pytest.raises(PluginError, match="there is no file"):
        find(f"yolox_nano:{tmp_path / 'none.onnx'}")


def test_another_network_is_not_taken_for_a_yolox(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    empty = onnx.helper.make_model(onnx.helper.make_graph([], "none", [], []))
    path = tmp_path / "other.onnx"
    path.write_bytes(empty.SerializeToString())
    learner = find_learner(f"yolox_nano:{path}")
    assert "sha256" in learner.note
    with pytest.raises(PluginError, match="not a YOLOX-Nano"):
        learner.build(3, 2)


def test_starts_as_the_published_file_also_with_norms_put_back(weights: Path) -> None:
    import onnxruntime as ort

    learner = find_learner(f"yolox_nano:{weights}")
    assert learner.note == NOTE
    network = learner.build(3, 2).eval()
    image = np.random.default_rng(0).integers(0, 256, (2, 416, 416, 3), dtype=np.uint8)
    pixels = torch.from_numpy(image)
    session = ort.InferenceSession(weights, providers=["CPUExecutionProvider"])
    bgr = np.ascontiguousarray(image[:1, :, :, ::-1].transpose(0, 3, 1, 2), np.float32)
    expected = session.run(None, {"images": bgr})[0][0]
    things = []
    for level in network.head.levels:
        level.thing.register_forward_hook(lambda _module, _given, out: things.append(out))
    with torch.no_grad():
        network.begin(pixels, torch.empty(0))
        things.clear()
        boxes = network.eval()(pixels)[0][0].numpy()
    met = torch.cat([t[0].flatten() for t in things]).sigmoid().numpy()
    assert np.abs(met - expected[:, 4]).max() < 1e-4
    cells = [(y, x, s) for s in (8, 16, 32) for y in range(416 // s) for x in range(416 // s)]
    y, x, stride = np.array(cells).T
    centre = (expected[:, :2] + np.stack([x, y], 1)) * stride[:, None]
    half = np.exp(expected[:, 2:4]) * stride[:, None] / 2
    assert np.abs(boxes - np.concatenate([centre - half, centre + half], 1)).max() < 0.05


# --- assignment ----------------------------------------------------------------------------------------------------


def places(side: int = 64, stride: int = 8) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Points and strides of one level, and a square of 4 strides around each."""
    steps = torch.arange(side // stride) * stride + stride / 2
    y, x = torch.meshgrid(steps, steps, indexing="ij")
    points = torch.stack([x, y], 2).reshape(-1, 2)
    boxes = torch.cat([points - 2 * stride, points + 2 * stride], 1)
    return points, torch.full((len(points),), float(stride)), boxes[None]


def objects(*rows: list[float]) -> torch.Tensor:
    return torch.tensor([rows])


def test_places_inside_an_object_are_asked_for_its_overlap() -> None:
    points, strides, boxes = places()
    truth = objects([12.0, 12, 44, 44, 1, 0], [0.0, 0, 0, 0, -1, 0])
    scores = torch.full((1, len(points), 3), 0.1)
    wanted = assign(points, strides, boxes, scores, truth, Assignment())
    inside = ((points > 12) & (points < 44)).all(1)
    assert 0 < int(wanted.chosen.sum()) <= 10
    assert bool(inside[wanted.chosen[0]].all())
    assert bool((wanted.quality[0, :, [0, 2]] == 0).all())
    best = float(iou(boxes[0], truth[0, 0, :4]).max())
    assert float(wanted.quality.max()) == pytest.approx(best)
    assert torch.equal(wanted.boxes[wanted.chosen], truth[0, :1, :4].expand(int(wanted.chosen.sum()), 4))


def test_an_object_between_places_still_gets_one_and_a_place_has_one_object() -> None:
    points, strides, boxes = places()
    truth = objects([7.0, 7, 9, 9, 0, 0], [10.0, 10, 50, 50, 0, 0], [12.0, 12, 52, 52, 1, 0])
    wanted = assign(points, strides, boxes, torch.full((1, len(points), 2), 0.1), truth, Assignment())
    taken = wanted.boxes[wanted.chosen]
    for row in truth[0]:
        assert bool((taken == row[:4]).all(1).any())
    assert int((wanted.quality > 0).sum(2).max()) == 1


def test_what_is_to_be_ignored_is_neither_asked_for_nor_background() -> None:
    points, strides, boxes = places()
    truth = objects([8.0, 8, 40, 40, 0, 1])
    wanted = assign(points, strides, boxes, torch.full((1, len(points), 1), 0.1), truth, Assignment())
    inside = ((points > 8) & (points < 40)).all(1)
    assert not bool(wanted.chosen.any())
    assert torch.equal(wanted.counted[0] == 0, inside)


# --- views ---------------------------------------------------------------------------------------------------------


def marked(n: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Gray pictures, each with one white rectangle, and its box."""
    rng = np.random.default_rng(0)
    images = np.full((n, 96, 128, 3), 60, np.uint8)
    truth = np.full((n, 2, 6), -1.0)
    for row in range(n):
        x, y = rng.integers(10, 70), rng.integers(10, 50)
        images[row, y : y + 30, x : x + 40] = 255
        truth[row, 0] = [x, y, x + 40, y + 30, 1, 0]
    return images, truth


@pytest.mark.parametrize("mosaic", [0.0, 1.0])
@pytest.mark.parametrize("symmetries", [(), ("mirror",), ("mirror", "flip", "turn")])
def test_boxes_stay_on_their_objects(mosaic: float, symmetries: tuple[str, ...]) -> None:
    images, truth = marked()
    settings = Settings(mosaic=mosaic, light=0.0)
    seen, told = view(images, truth, (96, 128), np.random.default_rng(2), 0.0, symmetries, settings)
    assert (told[..., 4] >= 0).sum() >= 6
    for image, rows in zip(seen, told, strict=True):
        covered = np.zeros(image.shape[:2], bool)
        for x1, y1, x2, y2, label, _ in rows[rows[:, 4] >= 0]:
            assert label == 1
            assert 0 <= x1 < x2 <= 128
            assert 0 <= y1 < y2 <= 96
            inner = image[int(np.ceil(y1)) + 1 : int(y2) - 1, int(np.ceil(x1)) + 1 : int(x2) - 1]
            assert inner.size == 0 or inner.min() > 200
            covered[max(0, int(y1) - 1) : int(y2) + 2, max(0, int(x1) - 1) : int(x2) + 2] = True
        assert image[~covered].max(initial=0) < 200


def test_slivers_are_to_be_ignored() -> None:
    images, truth = marked(1)
    settings = replace(Settings(), mosaic=0.0, zoom=(3.0, 3.0), light=0.0)
    flags = [
        view(images, truth, (96, 128), np.random.default_rng(seed), 0.0, (), settings)[1]
        for seed in range(40)
    ]
    met = np.concatenate([f[f[..., 4] >= 0] for f in flags])
    assert 0 < met[:, 5].sum() < len(met)
