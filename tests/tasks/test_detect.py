"""Detection: boxes come back to the picture, thresholds answer, tiles merge, damaged networks are refused."""

from __future__ import annotations

import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from objectif.errors import DataError, SolutionError
from objectif.images.prepare import Placement, Preparation, placement
from objectif.metrics.boxes import packed
from objectif.metrics.catalog import metric
from objectif.tasks import find
from objectif.tasks.detect import MANY, TASK, Decoding

HERE = [Placement(100, 100)]


def outputs(*rows: tuple[float, ...]) -> dict[str, np.ndarray]:
    """One image; rows are x1 y1 x2 y2 and a score for each class."""
    table = np.array(rows, np.float32)
    return {"boxes": table[None, :, :4], "scores": table[None, :, 4:]}


def box(x1: float, y1: float, x2: float, y2: float, label: int, ignore: bool = False) -> SimpleNamespace:
    return SimpleNamespace(x1=x1, y1=y1, x2=x2, y2=y2, label=label, ignore=ignore)


def data(*boxes: tuple[SimpleNamespace, ...] | None, classes: tuple[str, ...] = ("cat", "dog")) -> Any:
    samples = [SimpleNamespace(path=f"{n}.jpg", boxes=some) for n, some in enumerate(boxes)]
    return SimpleNamespace(samples=samples, classes=classes)


def there(answers: np.ndarray) -> np.ndarray:
    return answers[0][answers[0, :, 5] >= 0]


def test_it_is_found_by_its_name() -> None:
    assert find("detect") is TASK
    assert TASK.outputs == ("boxes", "scores")
    for name in TASK.metrics(True):
        assert metric(name).task == "detect"
    assert metric(TASK.usual_metric(True)).name == "mAP50"


def test_surest_first_doubles_gone_padding_last() -> None:
    raw = outputs((0, 0, 10, 10, 0.6, 0.0), (1, 0, 11, 10, 0.9, 0.3), (50, 50, 60, 60, 0.001, 0.7))
    found = TASK.decode(raw, Decoding(most=5), True, HERE)
    assert found.shape == (1, 5, 6)
    assert found.dtype == np.float32
    np.testing.assert_allclose(
        there(found), [[1, 0, 11, 10, 0.9, 0], [50, 50, 60, 60, 0.7, 1], [1, 0, 11, 10, 0.3, 1]], rtol=1e-6
    )
    assert (found[0, 3:, 4] == 0).all()
    assert there(TASK.decode(raw, Decoding(most=1), True, HERE))[:, 4] == pytest.approx([0.9])


def test_boxes_outside_the_picture_are_cut_or_go() -> None:
    raw = outputs((-5, -5, 10, 10, 0.9, 0), (120, 0, 130, 10, 0.8, 0), (20, 20, 20, 30, 0.7, 0))
    np.testing.assert_allclose(there(TASK.decode(raw, Decoding(), True, HERE))[:, :4], [[0, 0, 10, 10]])


@given(st.integers(40, 900), st.integers(40, 900), st.sampled_from(["pad", "stretch"]))
def test_boxes_come_back_to_the_picture(height: int, width: int, fit: Any) -> None:
    place = placement(height, width, Preparation(320, 256, fit=fit))
    wanted = np.array([width * 0.2, height * 0.3, width * 0.7, height * 0.9])
    found = there(TASK.decode(outputs((*place.forth(wanted), 0.9, 0.0)), Decoding(), True, [place]))
    np.testing.assert_allclose(found[0, :4], wanted, rtol=1e-4)


@pytest.mark.parametrize("name", ["boxes", "scores"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_outputs_that_are_not_finite_are_refused(name: str, value: float) -> None:
    raw = outputs((0, 0, 10, 10, 0.9, 0.1))
    raw[name][0, 0, 1] = value
    with pytest.raises(SolutionError, match=f"1 {name} that are NaN"):
        TASK.decode(raw, Decoding(), True, HERE)


def test_outputs_that_are_missing_or_of_another_shape_are_refused() -> None:
    raw = outputs((0, 0, 10, 10, 0.9, 0.1))
    with pytest.raises(SolutionError, match="no output 'boxes'"):
        TASK.decode({"scores": raw["scores"]}, Decoding(), True, HERE)
    with pytest.raises(SolutionError, match=r"\(1, 1, 2\)"):
        TASK.decode({**raw, "boxes": raw["boxes"][:, :, :3]}, Decoding(), True, HERE)
    with pytest.raises(SolutionError, match="for 2 images"):
        TASK.decode(raw, Decoding(), True, HERE * 2)


def test_decodings_survive_json() -> None:
    full = Decoding(0.05, 0.6, 500, (0.3, 0.25))
    assert TASK.decoding(json.loads(json.dumps(full.to_dict()))) == full
    assert TASK.decoding({}) == TASK.decoding() == Decoding()


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"nms": 0}, "nms is 0.0"),
        ({"nms": math.nan}, "nms is nan"),
        ({"score_floor": 1}, "score_floor is 1.0"),
        ({"most": 0}, "most is 0"),
        ({"most": 1.5}, "most is 1.5"),
        ({"thresholds": [0.5, 0]}, "thresholds are"),
        ({"thresholds": ["x"]}, "not a number"),
        ({"temperature": 1}, "unknown keys"),
    ],
)
def test_impossible_decodings_are_refused(values: dict[str, Any], says: str) -> None:
    with pytest.raises(SolutionError) as caught:
        TASK.decoding(values)
    assert says in str(caught.value)


def test_thresholds_fit_the_classes() -> None:
    TASK.check(Decoding(thresholds=(0.5,)), 1, True)
    with pytest.raises(SolutionError, match="2 thresholds; expected 1"):
        TASK.check(Decoding(thresholds=(0.5, 0.5)), 1, True)
    with pytest.raises(SolutionError, match="at least one class"):
        TASK.check(Decoding(), 0, True)


def test_answers_are_at_or_above_the_threshold_of_their_class() -> None:
    rows = np.array([[0, 0, 10, 10, 0.6, 0], [0, 0, 10, 10, 0.4, 1], [5, 5, 9, 9, 0.3, 1]], np.float32)
    decoded = packed([rows, rows[:0]], 5, 4, np.float32)
    places = [Placement(30, 40), Placement(30, 40)]
    plain, none = TASK.answers(["a", "b"], ("cat", "dog"), decoded, Decoding(), True, places)
    assert plain.labels == ("cat",)
    assert (plain.height, plain.width, len(none)) == (30, 40, 0)
    chosen = Decoding(thresholds=(0.7, float(np.float32(0.4))))
    (first, _) = TASK.answers(["a", "b"], ("cat", "dog"), decoded, chosen, True, places)
    assert first.labels == ("dog",)
    assert first.as_dict() == {
        "path": "a", "boxes": [[0.0, 0.0, 10.0, 10.0]], "labels": ["dog"], "scores": [0.4]
    }  # fmt: skip
    assert str(first) == "a: 1 dog (0.400)"
    assert str(none) == "b: nothing found"


def test_truth_is_numbered_by_the_wanted_classes() -> None:
    found = TASK.truth(data((box(1, 2, 3, 4, 0), box(5, 6, 7, 8, 1, True)), ()), ("dog", "cat"))
    assert found.shape == (2, 2, 6)
    assert found[0].tolist() == [[1, 2, 3, 4, 1, 0], [5, 6, 7, 8, 0, 1]]
    assert (found[1, :, 4] == -1).all()


def test_truth_that_cannot_be_is_refused() -> None:
    with pytest.raises(DataError, match=r"0\.jpg shows a 'dog'.*may be 'dogs'"):
        TASK.truth(data((box(0, 0, 1, 1, 1),)), ("cat", "dogs"))
    with pytest.raises(DataError, match=r"1\.jpg has no boxes"):
        TASK.truth(data((), None))


@pytest.mark.parametrize("view", ["mirror", "flip", "turn"])
def test_truth_turns_with_the_picture(view: str) -> None:
    picture = np.zeros((30, 50), int)
    picture[4:11, 20:45] = 1
    seen = {"mirror": picture[:, ::-1], "flip": picture[::-1], "turn": np.rot90(picture)}[view]
    truth = packed([np.array([[20, 4, 45, 11, 0, 0]])], 4, 2)
    x1, y1, x2, y2 = TASK.turned(truth, view, 30, 50)[0, 0, :4].astype(int)
    assert seen[y1:y2, x1:x2].all()
    assert seen.sum() == (y2 - y1) * (x2 - x1)
    assert TASK.turned(truth, view, 30, 50)[0, 1].tolist() == [0, 0, 0, 0, -1, 0]


def test_empty_answers_say_nothing() -> None:
    empty = TASK.empty(3, 2)
    assert len(empty) == 3
    assert (empty[:, :, 5] == -1).all()


def test_tiles_merge_without_seams() -> None:
    left = packed([np.array([[10, 10, 60, 60, 0.9, 0], [80, 0, 100, 40, 0.6, 1]])], 5, 4, np.float32)
    right = packed([np.array([[11, 10, 61, 60, 0.8, 0], [80, 0, 140, 40, 0.7, 1]])], 5, 4, np.float32)
    merged = TASK.merge([left, right], Decoding())
    np.testing.assert_allclose(there(merged), [[10, 10, 60, 60, 0.9, 0], [80, 0, 140, 40, 0.7, 1]], rtol=1e-6)
    assert TASK.merge([], Decoding()).shape == (1, 1, 6)


def test_a_picture_in_tiles_may_have_more_answers() -> None:
    tiles = []
    for n in range(5):
        left = np.arange(100) * 30.0
        rows = np.stack([left, np.full(100, 40.0 * n), left + 20, np.full(100, 40.0 * n + 20)], axis=1)
        tiles.append(np.column_stack([rows, np.full(100, 0.5), np.zeros(100)]).astype(np.float32)[None])
    assert len(there(TASK.merge(tiles, Decoding()))) == 500


def test_the_threshold_of_suppression_is_fitted() -> None:
    """Objects that overlap by a half want a high one, doubled answers a low one."""
    close = [(0.0, 0.0, 30.0, 10.0), (8.0, 0.0, 38.0, 10.0)]  # IoU .58
    truth = packed([np.array([[*b, 0, 0] for b in close])] * 6, 4)
    raw = outputs(*((*b, 0.9 - 0.1 * k) for k, b in enumerate(close)))
    many = {name: np.repeat(value, 6, axis=0) for name, value in raw.items()}
    fitted = TASK.fit_decoding(many, truth, True, HERE * 6, metric("mAP50"))
    assert (fitted.nms, fitted.most) == (0.6, 100)
    alone = TASK.fit_decoding(many, truth[:, :1], True, HERE * 6, metric("recall_at_1fp"))
    assert alone.nms == 0.5  # all are equal: the middle one
    wide = np.concatenate([truth, packed([np.zeros((0, 6))] * 6, 4, 60)], axis=1)
    assert TASK.fit_decoding(many, wide, True, HERE * 6, metric("mAP50")).most == MANY


def test_thresholds_are_where_f1_is_best() -> None:
    truth = packed([np.array([[0, 0, 10, 10, 0, 0], [20, 0, 30, 10, 0, 0], [0, 50, 9, 59, 1, 0]])], 4)
    rows = [
        [0, 0, 10, 10, 0.9, 0],
        [20, 0, 30, 10, 0.8, 0],
        [70, 70, 80, 80, 0.4, 0],
        [70, 70, 80, 80, 0.9, 1],
    ]
    answers = packed([np.array(rows)], 5, dtype=np.float32)
    found = TASK.operate(Decoding(), truth, answers, True)
    assert found.thresholds == pytest.approx((0.6, 0.5))  # midway; nothing of the second class is right
    assert TASK.told("mAP50", answers, found, True) is answers


def test_real_boxes_are_read(shared: Any) -> None:
    from objectif.data.load import load

    dataset = load(Path(shared("blood_cells")))
    truth = TASK.truth(dataset)
    assert len(truth) == len(dataset)
    assert int((truth[:, :, 4] >= 0).sum()) == sum(len(s.boxes or ()) for s in dataset.samples)
