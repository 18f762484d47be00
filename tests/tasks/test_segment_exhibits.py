"""Errors are of the kind they were made to be; exhibits are whole, repeatable, and agree with the metrics."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from objectif.metrics.masks import VOID, packed, padded
from objectif.metrics.segmentation import INSTANCE_AP50, MIOU
from objectif.tasks.exhibits import Cases, Exhibit, MaskCase, Sheet
from objectif.tasks.segment_errors import CLASS, EXTRA, MISSED, at_border, kinds
from objectif.tasks.segment_exhibits import MOST, exhibits

CLASSES = ("background", "cell", "dust", "none")
masks = arrays(np.uint8, (6, 7), elements=st.sampled_from([0, 1, 2, VOID]))


def field(images: int, seed: int = 0, instances: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Pictures of two sizes with squares of two classes; most are answered, a little beside, some not, some in vain."""
    rng = np.random.default_rng(seed)
    truth, answers = [], []
    for n in range(images):
        size = (40, 60) if n % 2 else (50, 30)
        layers = np.zeros((4, *size), np.int64)
        for k in range(1, 1 + int(rng.integers(2, 6))):
            y, x, side = rng.integers(0, size[0] - 8), rng.integers(0, size[1] - 8), int(rng.integers(4, 9))
            label = 1 + int(rng.random() < 0.3)
            layers[0, y : y + side, x : x + side], layers[1, y : y + side, x : x + side] = label, k
            if rng.random() < 0.85:
                y, x = y + rng.integers(0, 2), x + rng.integers(0, 2)
                layers[2, y : y + side, x : x + side], layers[3, y : y + side, x : x + side] = label, k
        layers[2, :4, :4], layers[3, :4, :4] = 1, 50
        layers[0, -3:, -3:], layers[1, -3:, -3:] = VOID, 0
        truth.append(packed(layers[0], layers[1] if instances else None))
        answers.append(packed(layers[2], layers[3] if instances else None))
    return padded(truth), padded(answers)


def sheets(shown: list[Exhibit]) -> dict[str, Sheet]:
    return {e.title: e for e in shown if isinstance(e, Sheet)}


def cases(shown: list[Exhibit]) -> list[MaskCase]:
    return [c for e in shown if isinstance(e, Cases) for c in e.cases if isinstance(c, MaskCase)]


@given(masks, arrays(np.uint8, (6, 7), elements=st.integers(0, 2)))
def test_every_wrong_pixel_has_one_kind(truth: np.ndarray, answer: np.ndarray) -> None:
    found = kinds(truth, answer, True)
    assert ((found > 0) == ((truth != answer) & (truth != VOID))).all()
    assert ((found == MISSED) == ((truth != 0) & (truth != VOID) & (answer == 0))).all()
    assert ((found == EXTRA) == ((truth == 0) & (answer != 0))).all()
    assert set(np.unique(kinds(truth, answer, False))) <= {0, CLASS}


@given(masks)
def test_a_border_is_two_pixels_wide_on_either_side(truth: np.ndarray) -> None:
    edges = set()
    for y, x in np.ndindex(truth.shape):
        for v, u in ((y + 1, x), (y, x + 1)):
            if v < 6 and u < 7 and truth[y, x] != truth[v, u] and VOID not in (truth[y, x], truth[v, u]):
                edges |= {(y, x), (v, u)}
    near = {
        (y, x) for y, x in np.ndindex(truth.shape) if any(max(abs(y - v), abs(x - u)) < 2 for v, u in edges)
    }
    assert set(zip(*map(list, np.nonzero(at_border(truth))), strict=True)) == near


def test_borders_of_objects_that_touch_are_borders() -> None:
    objects = np.repeat([[1] * 5 + [2] * 5], 3, axis=0)
    assert (
        at_border(packed(np.ones((3, 10)), objects)).tolist() == [[False] * 3 + [True] * 4 + [False] * 3] * 3
    )
    assert not at_border(np.ones((3, 10), np.uint8)).any()


@pytest.mark.parametrize("instances", [False, True])
def test_exhibits_are_whole_repeatable_and_agree_with_the_metrics(instances: bool) -> None:
    truth, answers = field(30, instances=instances)
    paths = [f"{n}.png" for n in range(30)]
    shown = exhibits(paths, CLASSES, truth, answers, True, instances, 3)
    titles = ["Classes", "Confusion", "Errors", *(["Objects"] if instances else [])]
    assert [e.title for e in shown] == [*titles, "Worst cases", "Typical cases"]
    assert shown == exhibits(paths, CLASSES, truth, answers, True, instances, 3)
    assert all(len(row) == len(e.head) for e in sheets(shown).values() for row in e.rows)
    rows = sheets(shown)["Classes"].rows
    assert np.mean([row[3] for row in rows[:3]]) == pytest.approx(MIOU.value(truth, answers))
    assert all(row[4] < row[3] < row[5] for row in rows[:3])
    assert rows[3] == ("none", 0, 0, *[None] * 6)
    assert all(row[6] == pytest.approx(2 * row[3] / (1 + row[3])) for row in rows[:3])
    assert all(sum(row[1:]) == pytest.approx(1) for row in sheets(shown)["Confusion"].rows[:3])
    *parts, total = sheets(shown)["Errors"].rows
    assert [sum(row[k] for row in parts) for k in (2, 3, 4)] == pytest.approx(list(total[2:]))
    assert total[2] == pytest.approx(1)
    assert total[3] + total[4] == pytest.approx(1)
    assert not {c.path for c in shown[-2].cases} & {c.path for c in shown[-1].cases}  # type: ignore[union-attr]


def test_objects_found_fall_with_the_overlap_asked() -> None:
    truth, answers = field(30, instances=True)
    truth, answers = (np.where((m & 255) == 2, 0, m).astype(np.uint32) for m in (truth, answers))
    rows = sheets(exhibits([""] * 30, CLASSES[:2], truth, answers, True, True, 0))["Objects"].rows
    assert rows[0][4] == pytest.approx(INSTANCE_AP50.value(truth, answers))
    assert [row[1] for row in rows] == sorted((row[1] for row in rows), reverse=True)
    assert len({row[1] + row[2] for row in rows}) == len({row[1] + row[3] for row in rows}) == 1


def test_cases_are_cut_to_their_pictures_and_fall_in_errors() -> None:
    truth, answers = field(30)
    found = cases(exhibits([str(n) for n in range(30)], CLASSES, truth, answers, True, False, 0))
    assert len(found) == 12
    for case in found:
        assert case.truth.shape == case.answer.shape == case.errors.shape
        assert case.truth.shape == ((40, 60) if int(case.path) % 2 else (50, 30))
        assert ((case.errors > 0) == (kinds(case.truth, case.answer, True) > 0)).all()
    share = [(c.errors > 0).sum() / (c.truth != VOID).sum() for c in found]
    assert share[:6] == sorted(share[:6], reverse=True)
    assert min(share[:6]) >= max(share[6:])


@pytest.mark.parametrize("images", [1, 4, 12])
def test_few_images_or_groups_have_no_intervals(images: int) -> None:
    truth, answers = field(images)
    shown = exhibits([str(n) for n in range(images)], CLASSES, truth, answers, True, False, 0)
    assert (sheets(shown)["Classes"].rows[0][4] is None) == (images < 10)
    assert len({c.path for c in cases(shown)}) == images
    grouped = exhibits([""] * images, CLASSES, truth, answers, True, False, 0, np.arange(images) // 2)
    assert sheets(grouped)["Classes"].rows[0][4] is None


def test_pictures_without_objects_right_answers_and_nothing_known() -> None:
    empty = np.zeros((12, 5, 5), np.uint8)
    shown = exhibits([""] * 12, CLASSES, empty, empty, True, False, 0)
    assert "Errors" not in sheets(shown)
    assert sheets(shown)["Classes"].rows[0][3] == 1.0
    assert exhibits([""] * 12, CLASSES, np.full_like(empty, VOID), empty, True, False, 0) == []


def test_many_classes_are_cut_and_the_rest_said() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 40, (12, 20, 20)).astype(np.uint8)
    answers = rng.integers(0, 40, (12, 20, 20)).astype(np.uint8)
    names = tuple(f"class {k}" for k in range(40))
    shown = sheets(exhibits([""] * 12, names, truth, answers, False, False, 0))
    assert len(shown["Confusion"].rows) == MOST
    assert "25 are not" in shown["Confusion"].caption
    assert all(sum(row[1:]) == pytest.approx(1) for row in shown["Confusion"].rows)
    assert [row[0] for row in shown["Errors"].rows] == ["wrong class"]
