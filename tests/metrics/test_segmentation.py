"""Segmentation: values are those of a plain reference, replicates those of the images drawn."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from objectif.metrics.catalog import available, metric
from objectif.metrics.intervals import interval
from objectif.metrics.masks import VOID, classes_of, objects_of, packed, padded
from objectif.metrics.regions import confusion
from objectif.metrics.segmentation import MaskMetric, usual_place

ALL = [m for name in available("segment") if isinstance(m := metric(name), MaskMetric)]
by_name = pytest.mark.parametrize("chosen", ALL, ids=lambda m: m.name)
fixture_is_a_function = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
Places = set[tuple[int, int]]


# A reference in sets of pixels, that shares nothing with what it checks.


def regions(mask: np.ndarray, known: Places) -> dict[int, Places]:
    """class -> its pixels, of those that are known."""
    found: dict[int, Places] = {}
    for place in known:
        found.setdefault(int(mask[place]) % 256, set()).add(place)
    return found


def things(mask: np.ndarray, known: Places, first: int) -> list[tuple[int, Places]]:
    """(class, pixels) of each object."""
    found: list[tuple[int, Places]] = []
    if mask.dtype == np.uint32:
        names = {int(mask[p]) for p in known}
        kept = [name for name in names if name >= 256 and name % 256 >= first]
        return [(name % 256, {p for p in known if mask[p] == name}) for name in kept]
    for kind, places in regions(mask, known).items():
        left = set(places) if kind >= first else set()
        while left:
            part = [left.pop()]
            for y, x in part:
                near = {(y + dy, x + dx) for dy, dx in product((-1, 0, 1), repeat=2)} & left
                left -= near
                part += near
            found.append((kind, set(part)))
    return found


def outline(region: Places) -> list[tuple[int, int]]:
    return [(y, x) for y, x in region if not {(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)} <= region]


def spans(start: Places, target: Places) -> list[float]:
    return [min(np.hypot(y - v, x - u) for v, u in outline(target)) for y, x in outline(start)]


def of_image(truth: np.ndarray, answer: np.ndarray, first: int) -> dict[str, Any]:
    """What each metric needs of one image: pairs of numbers by class, (value, counted?) where means are over images."""
    places = set(product(range(truth.shape[0]), range(truth.shape[1])))
    known = {p for p in places if int(truth[p]) % 256 != VOID}
    inside = known | {p for p in places if int(answer[p]) % 256 != VOID}
    size = [max((p[axis] for p in inside), default=0) + 1 for axis in (0, 1)]
    true, found = regions(truth, known), regions(answer, known)
    out: dict[str, Any] = {"shown": set(true), "known": len(known), "true": true, "found": found}
    for c in set(true) | set(found):
        t, a = true.get(c, set()), found.get(c, set())
        far, close = float(np.hypot(*size)), 0.0
        if t and a:
            there, back = spans(t, a), spans(a, t)
            far = max(np.percentile(there, 95), np.percentile(back, 95))
            close = float(np.mean([d <= 2 for d in there + back]))
        out["dice", c], out["hd95", c], out["nsd", c] = 2 * len(t & a) / (len(t) + len(a)), far, close
    out["objects"], out["answers"] = things(truth, known, first), things(answer, known, first)
    out["pairs"] = [
        (c, len(t & a), len(t | a), i, j)
        for i, (c, t) in enumerate(out["objects"])
        for j, (d, a) in enumerate(out["answers"])
        if c == d and t & a
    ]
    return out


def most(pairs: list[tuple[int, int]]) -> int:
    """The most pairs that can be had one to one, by trying all."""
    if not pairs:
        return 0
    (i, j), rest = pairs[0], pairs[1:]
    return max(most(rest), 1 + most([p for p in rest if p[0] != i and p[1] != j]))


def mean(values: list[float]) -> float:
    return float(np.mean(values)) if values else float("nan")


def reference(truth: np.ndarray, answers: np.ndarray, background: bool = True) -> dict[str, float]:
    first = int(background)
    told = [of_image(t, a, first) for t, a in zip(truth, answers, strict=True)]
    shown = sorted(set().union(*(one["shown"] for one in told)))
    front = [c for c in shown if c >= first]

    def count(c: int, what: Callable[[Places, Places], int]) -> int:
        return sum(what(one["true"].get(c, set()), one["found"].get(c, set())) for one in told)

    right = {c: count(c, lambda t, a: len(t & a)) for c in shown}
    union = {c: count(c, lambda t, a: len(t | a)) for c in shown}
    known = sum(one["known"] for one in told)
    out = {
        "mIoU": mean([right[c] / union[c] for c in shown]),
        "pixel_accuracy": sum(right.values()) / known if known else float("nan"),
        "dice_pooled": mean([2 * right[c] / (right[c] + union[c]) for c in front]),
    }
    for name in ("dice", "hd95", "nsd"):
        out[name] = mean([mean([one[name, c] for one in told if (name, c) in one]) for c in front])
    things = sorted({c for one in told for c, _ in one["objects"]})
    objects = {c: sum(d == c for one in told for d, _ in one["objects"]) for c in things}
    found = {c: sum(d == c for one in told for d, _ in one["answers"]) for c in things}

    def ap(percent: int, c: int) -> float:
        fits = [
            [(i, j) for d, n, u, i, j in one["pairs"] if d == c and 100 * n >= percent * u] for one in told
        ]
        hits = sum(map(most, fits))
        return hits / (objects[c] + found[c] - hits)

    def quality(c: int) -> float:
        ious = [n / u for one in told for d, n, u, *_ in one["pairs"] if d == c and 2 * n > u]
        return 2 * sum(ious) / (objects[c] + found[c])

    out["instance_AP50"] = mean([ap(50, c) for c in things])
    out["instance_AP50_90"] = mean([ap(p, c) for p in range(50, 95, 5) for c in things])
    out["PQ"] = mean([quality(c) for c in things])
    return out


def told(truth: np.ndarray, answers: np.ndarray, background: bool = True) -> dict[str, float]:
    classes = ["background" if background else "sky", "b", "c", "d"]
    return {m.name: metric(m.name, classes).value(truth, answers) for m in ALL}


@fixture_is_a_function
@given(
    seed=st.integers(0, 10_000),
    images=st.integers(1, 5),
    side=st.integers(4, 14),
    numbered=st.booleans(),
    void=st.sampled_from([0.0, 0.1, 0.5]),
    errors=st.sampled_from([0.2, 1.0]),
    background=st.booleans(),
)
def test_values_are_the_references(masked: Callable, seed: int, background: bool, **how: Any) -> None:
    truth, answers = masked(seed, **how)
    expected = reference(truth, answers, background)
    assert told(truth, answers, background) == pytest.approx(expected, abs=1e-5, nan_ok=True)


@settings(max_examples=60, deadline=None)
@given(
    data=st.data(),
    shape=st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 4)),
    wide=st.booleans(),
)
def test_any_small_masks_are_measured_as_the_reference_does(
    data: Any, shape: tuple[int, ...], wide: bool
) -> None:
    def drawn(classes: list[int]) -> np.ndarray:
        n = int(np.prod(shape))
        kinds = data.draw(st.lists(st.sampled_from(classes), min_size=n, max_size=n))
        numbers = data.draw(st.lists(st.integers(0, 2), min_size=n, max_size=n)) if wide else None
        grid = packed(
            np.array(kinds), None if numbers is None else np.array(numbers) * (np.array(kinds) != VOID)
        )
        return grid.reshape(shape)

    truth, answers = drawn([0, 1, 2, VOID]), drawn([0, 1, 2, 3])
    assert told(truth, answers) == pytest.approx(reference(truth, answers), abs=1e-5, nan_ok=True)


def test_values_worked_by_hand() -> None:
    truth = np.array([[[0, 0, 1, 1], [0, 0, 1, 1]], [[2, 2, 0, 0], [255, 0, 0, 0]]], np.uint8)
    found = np.array([[[0, 1, 1, 1], [0, 0, 1, 0]], [[2, 0, 0, 1], [1, 0, 0, 0]]], np.uint8)
    # class 0: 3 + 4 of 4 + 5 found, 1 + 1 beside; class 1: 3 of 4, 2 beside; class 2: 1 of 2, none beside
    values = told(truth, found)
    assert values["mIoU"] == pytest.approx((7 / 11 + 3 / 6 + 1 / 2) / 3)
    assert values["pixel_accuracy"] == pytest.approx(11 / 15)
    assert values["dice_pooled"] == pytest.approx((6 / 9 + 2 / 3) / 2)
    assert values["dice"] == pytest.approx(
        ((6 / 8 + 0) / 2 + 2 / 3) / 2
    )  # class 1 is made up in the second image
    assert values["hd95"] == pytest.approx(((0.85 + np.hypot(2, 4)) / 2 + 0.95) / 2)
    assert values["nsd"] == pytest.approx(((1.0 + 0) / 2 + 1.0) / 2)
    # class 1: IoU 3 / 5 and one beside; class 2: IoU 1 / 2, which is no match of panoptic quality
    assert values["instance_AP50"] == pytest.approx((1 / 2 + 1) / 2)
    assert values["instance_AP50_90"] == pytest.approx((3 / 9 / 2 + 1 / 9) / 2)
    assert values["PQ"] == pytest.approx((0.6 / 1.5 + 0) / 2)


def test_confusion_counts_pixels_by_true_and_answered_class() -> None:
    rng = np.random.default_rng(0)
    for classes in (1, 3, 254, 255):
        truth, answer = (rng.choice([*range(classes), VOID], (40, 30)).astype(np.uint8) for _ in range(2))
        expected = np.zeros((256, classes + 1), np.int64)
        np.add.at(expected, (truth, np.minimum(answer, classes)), 1)
        assert np.array_equal(confusion(truth, answer, classes), expected[:VOID])


def test_two_halves_are_one_hit_whichever_side_is_cut() -> None:
    whole, halves = np.array([[[257] * 4]], np.uint32), np.array([[[257, 257, 513, 513]]], np.uint32)
    for truth, answers in ((whole, halves), (halves, whole)):
        assert metric("instance_AP50").value(truth, answers) == 0.5
        assert metric("PQ").value(truth, answers) == 0.0


def test_numbers_tell_apart_what_touches() -> None:
    truth = np.array([[[257, 257, 513, 513]]], np.uint32)
    joined = classes_of(truth)
    assert metric("instance_AP50").value(truth, truth) == 1.0
    assert metric("instance_AP50").value(truth, joined) == 0.5  # one object as large as both: the first half
    assert metric("instance_AP50").value(joined, joined) == 1.0


def test_who_lacks_a_class_is_as_far_off_as_the_picture_is_wide() -> None:
    small = np.zeros((3, 4), np.uint8)
    truth, answers = (
        padded([small + 1, np.zeros((9, 9), np.uint8)]),
        padded([small, np.zeros((9, 9), np.uint8)]),
    )
    assert metric("hd95").value(truth, answers) == pytest.approx(
        5.0
    )  # not of the padding; neither in the second
    assert metric("nsd").value(truth, answers) == metric("dice").value(truth, answers) == 0.0


def test_background_is_what_the_first_class_is_called() -> None:
    truth = np.array([[[0, 0, 0, 1]]], np.uint8)
    answers = np.array([[[0, 0, 1, 1]]], np.uint8)
    for name in ("dice", "dice_pooled"):
        assert metric(name, ["Background", "cell"]).value(truth, answers) == pytest.approx(2 / 3)
        assert metric(name, ["sky", "tree"]).value(truth, answers) == pytest.approx((4 / 5 + 2 / 3) / 2)
    assert metric("mIoU", ["background", "cell"]).value(truth, answers) == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert metric({"name": "PQ"}, ["sky", "tree"]).background is False
    assert metric(metric("PQ"), ["background", "tree"]) == metric("PQ")


@by_name
@pytest.mark.parametrize("numbered", [True, False])
def test_a_replicate_is_the_value_of_the_images_drawn(
    chosen: MaskMetric, numbered: bool, masked: Callable
) -> None:
    truth, answers = masked(1, images=20, numbered=numbered)
    counts = np.random.default_rng(1).multinomial(20, np.full(20, 1 / 20), 5)
    drawn = [np.repeat(np.arange(20), row) for row in counts]
    expected = [chosen.value(truth[rows], answers[rows]) for rows in drawn]
    assert chosen.replicates(truth, answers, counts.astype(float)) == pytest.approx(expected, abs=1e-12)


@by_name
def test_influence_is_the_derivative_by_weight(chosen: MaskMetric, masked: Callable) -> None:
    truth, answers = masked(2, images=15)
    value, influence, parts = chosen.expand(truth, answers)
    assert influence.sum() == pytest.approx(0.0, abs=1e-9)
    assert parts.sum() == pytest.approx(value) == pytest.approx(chosen.value(truth, answers))
    assert influence == pytest.approx(chosen.influence(truth, answers))
    assert parts == pytest.approx(chosen.parts(truth, answers))
    one = chosen.prepared(truth, answers)
    for i in (0, 6, 14):
        weight = np.ones((2, 15))
        weight[:, i] += [1e-4, -1e-4]
        up, down = one.replicates(weight)
        assert (up - down) / 2e-4 == pytest.approx(influence[i], abs=1e-5)


@by_name
def test_better_answers_are_better(chosen: MaskMetric, masked: Callable) -> None:
    truth, answers = masked(3)
    perfect, best = chosen.value(truth, truth), 0.0 if chosen.name == "hd95" else 1.0
    assert perfect == best
    assert chosen.sign * perfect > chosen.sign * chosen.value(truth, answers)


@by_name
def test_what_is_not_known_and_how_it_is_written_changes_nothing(
    chosen: MaskMetric, masked: Callable
) -> None:
    truth, answers = masked(4)
    value, rng = chosen.value(truth, answers), np.random.default_rng(0)
    inside = (classes_of(truth) == VOID) & (classes_of(answers) != VOID)
    other = answers.copy()
    other[inside] = packed(rng.integers(0, 4, inside.sum()), rng.integers(0, 30, inside.sum()))
    assert chosen.value(truth, other) == value
    wide = [np.pad(mask, ((0, 0), (0, 5), (0, 3)), constant_values=VOID) for mask in (truth, answers)]
    assert chosen.value(*wide) == pytest.approx(value, abs=1e-12)
    objects = objects_of(answers)
    renamed = packed(classes_of(answers), np.where(objects > 0, 1000 - objects, 0))
    assert chosen.value(truth, renamed) == pytest.approx(value, abs=1e-12)
    order = rng.permutation(len(truth))
    assert chosen.value(truth[order], answers[order]) == pytest.approx(value, abs=1e-12)


@by_name
def test_classes_make_up_the_whole(chosen: MaskMetric, masked: Callable) -> None:
    truth, answers = masked(5)
    one = chosen.prepared(truth, answers)
    parts = {label: part.expand()[0] for label, part in one.by_class()}
    assert np.mean(list(parts.values())) == pytest.approx(one.expand()[0])
    assert set(parts) == ({-1} if chosen.together else {*range(int(not chosen.everything), 4)})
    assert chosen.classes(truth, answers) == 4


@by_name
def test_blocks_of_draws_change_nothing(
    chosen: MaskMetric, masked: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = chosen.prepared(*masked(6))
    counts = np.random.default_rng(1).integers(0, 3, (7, 12)).astype(float)
    whole = one.replicates(counts)
    monkeypatch.setattr("objectif.metrics.segmentation._CELLS", 50)
    assert one.replicates(counts) == pytest.approx(whole, abs=1e-12)


@by_name
def test_nothing_to_find_is_no_value_and_no_interval(chosen: MaskMetric) -> None:
    truth, answers = np.full((12, 4, 5), VOID, np.uint8), np.zeros((12, 4, 5), np.uint8)
    found = interval(chosen, truth, answers, draws=50)
    assert np.isnan(found.estimate)
    assert found.low is None
    assert "not defined" in found.reason
    assert np.isnan(chosen.value(answers, answers)) == (not chosen.everything)


@by_name
def test_what_is_not_masks_is_refused(chosen: MaskMetric) -> None:
    mask = np.zeros((5, 4, 4), np.uint8)
    for truth, answers in ((mask, mask[:4]), (mask, mask[:, :3]), (mask[0], mask[0]), (mask, mask * 1.0)):
        with pytest.raises(ValueError, match=r"\(N, H, W\)"):
            chosen.value(truth, answers)


def test_the_blind_answer_is_the_usual_class_of_each_place() -> None:
    truth = np.array([[[1, 0, 2]], [[1, 0, 2]], [[0, 0, VOID]], [[1, 2, 2]]], np.uint8)
    assert usual_place(truth[[0, 1, 3]], 3)[:, 0].tolist() == [[1, 0, 2]] * 3
    other = usual_place(truth, 3)  # the third image is smaller: places tell nothing
    assert other[:, 0].tolist() == [[0, 0, 0], [0, 0, 0], [0, 0, VOID], [0, 0, 0]]
    truth[2, 0, 1:] = VOID, 0
    assert usual_place(truth, 3)[2, 0].tolist() == [1, 0, 2]


@fixture_is_a_function
@given(seed=st.integers(0, 999), numbered=st.booleans())
def test_the_blind_answer_is_a_mask_and_no_blind_answer_of_one_class_is_right_more_often(
    masked: Callable, seed: int, numbered: bool
) -> None:
    truth, _ = masked(seed, numbered=numbered, images=4)
    accuracy = metric("pixel_accuracy")
    blind = accuracy.blind(truth, 4)
    assert blind.dtype == np.uint8
    assert blind.shape == truth.shape
    flat = [accuracy.value(truth, np.full(truth.shape, c, np.uint8)) for c in range(4)]
    assert accuracy.value(truth, blind) == pytest.approx(max(flat))
