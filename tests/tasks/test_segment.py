"""The task of masks: from grids to pictures and back, biases and seeds by evidence, tiles whose seams do not show."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from objectif.errors import DataError, SolutionError
from objectif.images.prepare import Placement, Preparation, placement
from objectif.metrics.catalog import metric
from objectif.metrics.masks import VOID, classes_of, objects_of, packed, padded
from objectif.run.predictor import Predictor
from objectif.tasks.segment import TASK, Decoding
from objectif.tasks.segment_tuning import best_bias


def blobs(height: int, width: int, seed: int) -> NDArray[np.uint8]:
    """A mask of three classes with large parts, so that a coarse grid can hold it."""
    rng = np.random.default_rng(seed)
    mask = np.zeros((height, width), np.uint8)
    for label in (1, 2, 1):
        y, x = int(rng.integers(height)), int(rng.integers(width))
        cv2.circle(mask, (x, y), min(height, width) // 3, label, -1)
    return mask


def outputs(masks: NDArray[Any], step: int = 1, sure: float = 8.0) -> dict[str, NDArray[np.float32]]:
    """What a network would give that is sure of masks (n, h, w), on a grid of every `step` pixels."""
    small = masks[:, step // 2 :: step, step // 2 :: step]
    scores = sure * np.eye(3, dtype=np.float32)[np.minimum(classes_of(small), 2)]
    return {"scores": scores, "distance": np.zeros((*small.shape, 1), np.float32)}


@given(
    st.integers(40, 300),
    st.integers(40, 300),
    st.sampled_from([1, 2, 4]),
    st.sampled_from(["pad", "stretch"]),
)
@settings(max_examples=40, deadline=None)
def test_masks_come_back_to_the_picture(height: int, width: int, step: int, fit: Any) -> None:
    preparation = Preparation(96, 128, fit=fit)
    place = placement(height, width, preparation)
    mask = blobs(height, width, height)
    there = TASK.forth(mask[None], [place], (96, 128))
    back = TASK.decode(outputs(there, step), Decoding(), True, [place])[0]
    assert back.shape == mask.shape
    reach = int(np.ceil(2 * step / min(place.scale_x, place.scale_y, 1.0)))
    kernel = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    even = cv2.dilate(mask, kernel) == cv2.erode(mask, kernel)  # where the grid cannot have mixed classes
    even[:reach], even[-reach:], even[:, :reach], even[:, -reach:] = False, False, False, False
    assert (back == mask)[even].all()
    assert (back == mask).mean() > 0.5


def test_bars_are_void_in_training_and_gone_in_answers() -> None:
    place = placement(100, 50, Preparation(64, 64, fit="pad"))
    there = TASK.forth(np.ones((1, 100, 50), np.uint8), [place], (64, 64))[0]
    assert (there[:, :15] == VOID).all()
    assert (there[:, 17:46] == 1).all()
    assert TASK.decode(outputs(there[None]), Decoding(), True, [place]).shape == (1, 100, 50)


def test_pictures_of_two_sizes_are_one_array() -> None:
    places = [
        placement(40, 60, Preparation(64, 64, fit="pad")),
        placement(60, 30, Preparation(64, 64, fit="pad")),
    ]
    found = TASK.decode(outputs(np.zeros((2, 64, 64), np.uint8)), Decoding(), True, places)
    assert found.shape == (2, 60, 60)
    assert (found[0, 40:] == VOID).all()
    answers = TASK.answers(["a", "b"], ("background", "x", "y"), found, Decoding(), True, places)
    assert [a.mask.shape for a in answers] == [(40, 60), (60, 30)]
    truth = np.zeros((5, 70, 80), np.uint8)
    assert TASK.stacked([found, found[:1]], truth).shape == (3, 70, 80)


@pytest.mark.parametrize("view", ["mirror", "flip", "turn"])
def test_truth_is_turned_as_pixels_are(view: str) -> None:
    from objectif.learn.race.work import turned

    mask = blobs(40, 60, 1)
    pixels = np.repeat(mask[None, :, :, None], 3, axis=3)
    assert np.array_equal(TASK.turned(mask[None], view, 40, 60), turned(pixels, view)[..., 0])


def test_a_bias_mends_a_network_that_is_shy_of_a_class() -> None:
    truth = np.stack([blobs(64, 64, k) for k in range(4)])
    raw = outputs(truth, sure=1.0)
    rng = np.random.default_rng(0)
    raw["scores"] = raw["scores"] + rng.normal(0, 0.4, raw["scores"].shape).astype(np.float32)
    raw["scores"][..., 2] -= 1.0
    places = [Placement(64, 64)] * 4
    judge = metric("mIoU")
    shy = judge.value(truth, TASK.decode(raw, Decoding(), True, places))
    fitted = TASK.fit_decoding(raw, truth, True, places, judge)
    assert fitted.bias is not None
    assert fitted.bias[2] > 0.3
    assert judge.value(truth, TASK.decode(raw, fitted, True, places)) > shy + 0.05
    assert best_bias(outputs(truth)["scores"], truth, places) is None


def touching(seed: int) -> NDArray[np.uint32]:
    """Discs that touch, each an object."""
    rng = np.random.default_rng(seed)
    mask, number = np.zeros((96, 96), np.uint32), 0
    for row in range(3):
        for column in range(3):
            number += 1
            spot = np.zeros((96, 96), np.uint8)
            cv2.circle(spot, (16 + 31 * column + int(rng.integers(3)), 16 + 31 * row), 15, 1, -1)
            mask[(spot > 0) & (mask == 0)] = 1 + 256 * number
    return mask


def test_touching_objects_are_told_apart_and_their_number_is_told() -> None:
    truth = np.stack([touching(k) for k in range(3)])
    raw = outputs(truth)
    places = [Placement(96, 96)] * 3
    fitted = TASK.fit_decoding(raw, truth, True, places, metric("instance_AP50"))
    assert fitted.instances
    assert fitted.by_shape
    found = TASK.decode(raw, fitted, True, places)
    assert metric("instance_AP50").value(truth, found) > 0.95
    answer = TASK.answers(["a"], ("background", "cell"), found[:1], fitted, True, places[:1])[0]
    assert answer.as_dict()["objects"] == 9


def test_tiles_answer_as_the_whole_picture_does(regions: Callable[..., Any], rectangles: Any) -> None:
    for instances in (False, True):
        decoding = Decoding(instances=instances, by_shape=True, seed=60)
        predictor = Predictor(regions(side=64, decoding=decoding))
        pixels, _ = rectangles(256, 320, 3)
        whole = Predictor(regions(side=320, decoding=decoding))
        [tiled] = predictor.predict([pixels], tile=64)
        [plain] = whole.predict([pixels], tile="off")
        assert np.array_equal(tiled.labels, plain.labels)
        assert (tiled.objects is None) == (not instances)
        if instances:
            assert tiled.as_dict()["objects"] == plain.as_dict()["objects"]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"seed": 0}, "1 to 254"),
        ({"smallest": 0.5}, "whole number"),
        ({"bias": [float("nan")]}, "finite"),
        ({"bias": ["a"]}, "not a number"),
        ({"colour": 1}, "unknown keys"),
    ],
)
def test_a_decoding_that_makes_no_sense_is_refused(values: dict[str, Any], said: str) -> None:
    with pytest.raises(SolutionError, match=said):
        TASK.decoding(values)


def test_packing_keeps_classes_and_objects() -> None:
    classes = np.array([[0, 1], [254, 255]], np.uint8)
    numbers = np.array([[0, 65535], [1, 0]], np.uint32)
    mask = packed(classes, numbers)
    assert np.array_equal(classes_of(mask), classes)
    assert np.array_equal(objects_of(mask), numbers)
    assert padded([mask, np.zeros((3, 1), np.uint8)]).shape == (2, 3, 2)


def test_masks_that_do_not_fit_into_memory_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PIL import Image

    from objectif.data.load import load
    from objectif.tasks import segment

    for part in ("images", "masks"):
        (tmp_path / part).mkdir()
    for k in range(4):
        mask = blobs(40, 60, k)
        Image.fromarray(mask).save(tmp_path / "masks" / f"{k}.png")
        Image.fromarray(np.repeat(80 * mask[:, :, None], 3, axis=2)).save(tmp_path / "images" / f"{k}.png")
    data = load(tmp_path)
    assert TASK.truth(data).shape == (4, 40, 60)
    monkeypatch.setattr(segment, "MOST_BYTES", 5_000)
    with pytest.raises(DataError, match="60 x 40 pixels"):
        TASK.truth(data)
