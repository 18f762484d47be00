"""Pictures with masks: three beside each other, small, true to the masks, whole without pictures."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from objectif.metrics.masks import VOID, packed
from objectif.report import layers
from objectif.report.material import load
from objectif.report.page import render
from objectif.report.pictures import Pictures
from objectif.runs.folder import RunFolder
from objectif.tasks.exhibits import Cases, MaskCase

from .conftest import EVIL
from .reading import Page

Make = Callable[..., RunFolder]


@pytest.fixture
def size(fake_detection: Make) -> tuple[int, int]:
    return Pictures(load(fake_detection("measured"))).size("0000.jpg")


def case(
    size: tuple[int, int], path: str = "0000.jpg", instances: bool = False, **changes: object
) -> MaskCase:
    truth = np.zeros(size, np.uint8)
    truth[: size[0] // 2], truth[-3:] = 1, VOID
    answer = np.zeros(size, np.uint8)
    answer[:, : size[1] // 2] = 1
    errors = np.where(truth == VOID, 0, np.where(truth > answer, 1, np.where(truth < answer, 2, 0)))
    if instances:
        truth, answer = packed(truth, truth % VOID), packed(answer, answer)
    values = {
        "path": path,
        "words": "half wrong",
        "classes": ("background", "cell"),
        "background": True,
        **changes,
    }
    return MaskCase(truth=truth, answer=answer, errors=errors.astype(np.uint8), **values)  # type: ignore[arg-type]


def page(folder: RunFolder, *cases: MaskCase) -> Page:
    material = load(folder)
    material.__dict__["exhibits"] = [Cases("worst", "Most errors.", cases)]
    return Page(render(material))


def pictures(found: Page) -> list[Image.Image]:
    sources = [a["href"] for t, a in found.tags if t == "image"]
    return [Image.open(io.BytesIO(base64.b64decode(s.split(",", 1)[1]))) for s in sources]


@pytest.mark.parametrize("instances", [False, True])
def test_truth_answer_and_errors_stand_side_by_side(
    fake_detection: Make, size: tuple[int, int], instances: bool
) -> None:
    found = page(fake_detection(), case(size, instances=instances))
    ground, truth, answer, errors = pictures(found)
    assert sum(t == "use" for t, _ in found.tags) == 2
    assert all(max(p.size) <= layers.SIDE for p in (ground, truth, answer, errors))
    assert {truth.mode, answer.mode, errors.mode} == {"P"}
    seen = [np.array(p.convert("RGBA")) for p in (truth, answer, errors)]
    high, wide = seen[0].shape[:2]
    up, down, left, right = high // 4, 5 * high // 8, wide // 4, 3 * wide // 4
    assert [int(seen[0][y, x, 3]) for y, x in ((up, left), (up, right), (down, left))] == [
        layers.TINT,
        layers.TINT,
        0,
    ]
    assert [int(seen[1][y, x, 3]) for y, x in ((up, left), (down, left), (up, right))] == [
        layers.TINT,
        layers.TINT,
        0,
    ]
    shown = [tuple(seen[2][y, x]) for y, x in ((up, right), (down, left), (up, left))]
    assert shown == [(*layers.ERRORS[0][1], 255), (*layers.ERRORS[1][1], 255), (0, 0, 0, layers.DARK)]
    assert ("cell" in found.text.split("Answers beside the truth")[1].split("Most errors.")[0]) != instances
    for words in ("half wrong", "missed", "extra", "Truth", "Answer", "Errors"):
        assert words in found.text
    assert "wrong class" not in found.text.split("Answers beside the truth")[1]


def test_large_pictures_become_small(fake_detection: Make, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = fake_detection()
    root = folder.path.parent / "photos"
    Image.new("RGB", (1600, 900), (90, 120, 30)).save(root / "0000.jpg")
    thin = case((900, 1600))
    thin.errors[:] = 0
    thin.errors[:, 800:806] = 1
    found = pictures(page(folder, thin))
    assert {p.width for p in found} == {420}
    assert {p.height for p in found} <= {236, 237}
    assert (np.array(found[3].convert("RGBA"))[:, :, 3] == 255).any(axis=1).all()


def test_what_cannot_be_shown_is_said_and_words_are_text(fake_detection: Make, size: tuple[int, int]) -> None:
    other = page(fake_detection(), case((size[0] + 1, size[1])))
    assert "its mask another size" in other.text
    assert not pictures(other)
    evil = page(fake_detection(), case(size, words=EVIL, classes=(EVIL, EVIL)), case(size, path=EVIL))
    assert not [a for _, a in evil.tags if any(k.startswith("on") for k in a)]
    assert EVIL in evil.text
    with pytest.raises(ValueError, match="as many pictures as it can hold"):
        layers.draw(Pictures(load(fake_detection())), case(size), "shot-1", 100)


def test_many_classes_fit_a_palette(fake_detection: Make, size: tuple[int, int]) -> None:
    many = case(size, classes=tuple(f"class {k}" for k in range(254)), background=False)
    many.truth[:] = np.arange(many.truth.size).reshape(size) % 254
    found = page(fake_detection(), many)
    assert len(pictures(found)) == 4
    assert f"and {254 - layers.MOST} more" in found.text
