"""What a task shows of its answers: drawn without knowing the task, bounded, whole without pictures."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from objectif.report import cases, curves, sheet
from objectif.report.cases import MEANING, window
from objectif.report.html import Markup
from objectif.report.material import Material, load
from objectif.report.page import render, write
from objectif.report.pictures import Pictures
from objectif.runs.folder import RunFolder
from objectif.tasks.exhibits import Case, Cases, Curve, Curves, Exhibit, Mark, Sheet

from .conftest import EVIL
from .reading import Page

Make = Callable[..., RunFolder]
SPAN = (0.0, 1.0, 0.0, 1.0)


def line(name: str = "a", n: int = 11, **bands: tuple[float, ...]) -> Curve:
    x = np.linspace(0, 1, n)
    return Curve(name, tuple(x), tuple(1 - x**2), **bands)


def plane(*lines: Curve, limits: tuple[float, float, float, float] = SPAN) -> Curves:
    return Curves("precision and recall", "How to read it.", "recall", "precision", lines, limits)


def shown(folder: RunFolder, *exhibits: Exhibit) -> tuple[Page, str]:
    """The page of a run whose task shows these."""
    material = load(folder)
    material.__dict__["exhibits"] = list(exhibits)
    text = render(material)
    return Page(text), text


def marked(path: str, *kinds: str, words: str = "cell 0.9") -> Case:
    spots = [(10.0 + 30 * k, 20.0, 30.0 + 30 * k, 50.0) for k in range(len(kinds))]
    marks = [Mark(box, kind, words) for box, kind in zip(spots, kinds, strict=True)]  # type: ignore[arg-type]
    return Case(path, "two missed", tuple(marks))


# the page


def test_sections_of_classes_are_not_made_for_boxes(fake_detection: Make) -> None:
    found = Page(write(fake_detection()).read_text("utf-8"))
    assert {"answer", "leaderboard", "map", "reproduce"} <= found.sections()
    assert not found.sections() & {"errors", "trust", "pictures"}
    assert "class frequency" not in found.text


def test_exhibits_have_their_sections_with_links(fake_detection: Make) -> None:
    table = Sheet("errors", "By kind.", ("kind", "number"), (("missed", 3), ("duplicate", None)))
    told = Cases("worst", "Most errors.", (marked("0000.jpg", "truth", "missed", "right", "wrong"),))
    found, text = shown(fake_detection(), plane(line("cell")), table, told)
    assert {"details", "cases"} <= found.sections()
    links = {a["href"][1:] for t, a in found.tags if t == "a"}
    assert links == found.sections()
    ids = [a["id"] for _, a in found.tags if "id" in a]
    assert len(ids) == len(set(ids))
    for words in (*MEANING.values(), "Precision and recall", "How to read it.", "Truth: 1 found, 1 missed"):
        assert words in found.text
    assert "Answer: 1 right, 1 wrong" in found.text
    assert "url(" not in text
    assert {a["href"][:11] for t, a in found.tags if t == "image"} == {"data:image/"}


def test_hostile_words_are_text(fake_detection: Make) -> None:
    table = Sheet(EVIL, EVIL, (EVIL, EVIL), ((EVIL, EVIL),))
    told = Cases(EVIL, EVIL, (marked("0000.jpg", "wrong", "missed", words=EVIL), marked(EVIL, "right")))
    drawn = Curves(EVIL, EVIL, EVIL, EVIL, (line(EVIL),))
    found, _ = shown(fake_detection(), drawn, table, told)
    assert not [a for _, a in found.tags if any(k.startswith("on") for k in a)]
    assert not [t for t, _ in found.tags if t == "img"]
    assert EVIL in found.text


def test_a_task_that_is_not_known_here_shows_nothing(fake_detection: Make) -> None:
    folder = fake_detection()
    stored = folder.read_arrays("answers.npz")
    folder.write_arrays("answers.npz", {**stored, "task": np.array("of tomorrow")})
    assert not Page(write(folder).read_text("utf-8")).sections() & {"details", "cases"}


def test_the_task_is_asked_with_what_the_run_kept(
    fake_detection: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[Any, ...]] = []

    class Fake:
        def exhibits(self, *given: object) -> list[Exhibit]:
            asked.append(given)
            return [plane(line())]

    monkeypatch.setattr("objectif.report.material.find", lambda name: Fake())
    folder = fake_detection(seeds=(7, 8))
    stored = folder.read_arrays("answers.npz")
    more = {"decoding": np.array('{"nms": 0.5}'), "units": np.arange(40) // 2}
    folder.write_arrays("answers.npz", {**stored, **more})
    write(folder)
    ((paths, classes, truth, answers, decoding, seed, units),) = asked
    assert (len(paths), len(truth), len(answers), len(classes)) == (40, 40, 40, 2)
    assert (decoding, seed) == ({"nms": 0.5}, 7)
    assert len(np.unique(units)) == 20


def test_pretrained_weights_are_named_with_their_note(fake_detection: Make) -> None:
    weights = [{"name": "Nano", "licence": "Apache-2.0", "source": "somewhere", "note": "Trained on COCO."}]
    text = Page(write(fake_detection(card={"weights": weights})).read_text("utf-8")).text
    assert "weights of Nano (Apache-2.0)" in text
    assert text.count("Trained on COCO.") == 2  # in the answer and in the card


# pictures


def test_pictures_are_new_small_and_stand_once_in_the_file(fake_detection: Make) -> None:
    folder = fake_detection()
    told = Cases("worst", "", tuple(marked(f"{k:04d}.jpg", "truth", "wrong") for k in range(6)))
    found, _ = shown(folder, told)
    sources = [a["href"] for t, a in found.tags if t == "image"]
    assert len(sources) == 6
    assert sum(t == "use" for t, _ in found.tags) == 6
    for source in sources:
        content = base64.b64decode(source.split(",", 1)[1])
        picture = Image.open(io.BytesIO(content))
        assert max(picture.size) <= cases.SIDE
        assert not picture.getexif()
        assert b"SECRETCAM" not in content
    assert f"Show {6 - cases.FIRST} more" in found.text


def test_the_page_stays_bounded(fake_detection: Make) -> None:
    told = [
        Cases(f"set {k}", "", tuple(marked(f"{i:04d}.jpg", "truth") for i in range(20))) for k in range(3)
    ]
    folder = fake_detection()
    found, _ = shown(folder, *told)
    assert sum(t == "image" for t, _ in found.tags) == cases.MOST
    assert "10 more cases not shown" in found.text
    full = cases.Album(Pictures(load(folder)), left=10).draw(told[0])
    assert "as many pictures as it can hold" in (full or "")
    assert "<image" not in (full or "")


def test_without_the_data_names_remain(fake_detection: Make, tmp_path: Path) -> None:
    folder = fake_detection()
    (tmp_path / "photos").rename(tmp_path / "elsewhere")
    found, _ = shown(folder, Cases("worst", "", (marked("0000.jpg", "wrong"),)))
    assert "no longer where they were" in found.text
    assert "0000.jpg" in found.text
    assert not [t for t, _ in found.tags if t in ("image", "img")]


def test_a_case_outside_the_data_is_not_read(fake_detection: Make) -> None:
    found, _ = shown(fake_detection(), Cases("worst", "", (marked("../secret.jpg", "wrong"),)))
    assert "leads out of the data" in found.text


def test_specks_are_shown_in_a_part_around_the_errors() -> None:
    found = [Mark((x, 100.0, x + 20, 120.0), "truth", "") for x in np.linspace(0, 3000, 30)]
    missed = Mark((3500.0, 2000.0, 3520.0, 2020.0), "missed", "")
    left, top, right, bottom = window(2160, 3840, [*found, missed])
    assert right - left < 1000
    assert (right - left) / (bottom - top) == pytest.approx(3840 / 2160)
    assert left <= 3500 < 3520 <= right
    assert top <= 2000 < 2020 <= bottom
    assert window(480, 640, found) == (0, 0, 640, 480)


def test_a_part_and_its_marks_fit_together(fake_detection: Make, tmp_path: Path) -> None:
    folder = fake_detection()
    pixels = np.zeros((1500, 3000, 3), np.uint8)
    pixels[900:940, 2600:2640, 0] = 255
    Image.fromarray(pixels).save(tmp_path / "photos" / "0000.jpg", quality=95)
    mark = Mark((2600.0, 900.0, 2640.0, 940.0), "missed", "cell")
    specks = [Mark((10.0 * k, 10.0, 10.0 * k + 8, 18.0), "truth", "") for k in range(20)]
    found, _ = shown(folder, Cases("worst", "", (Case("0000.jpg", "", (*specks, mark)),)))
    (source,) = (a["href"] for t, a in found.tags if t == "image")
    seen = np.asarray(Image.open(io.BytesIO(base64.b64decode(source.split(",", 1)[1]))))
    rect = next(a for t, a in found.tags if a.get("class") == "mark missed" and "%" in a.get("x", ""))
    x, y, w, h = (float(rect[k].rstrip("%")) / 100 for k in ("x", "y", "width", "height"))
    rows, columns = np.nonzero(seen[:, :, 0] > 128)
    share = columns.min() / seen.shape[1], rows.min() / seen.shape[0]
    assert share == pytest.approx((x, y), abs=0.02)
    assert (columns.max() + 1) / seen.shape[1] == pytest.approx(x + w, abs=0.02)
    assert (rows.max() + 1) / seen.shape[0] == pytest.approx(y + h, abs=0.02)
    assert "a part of" in found.text


@given(
    st.integers(1, 5000),
    st.integers(1, 5000),
    st.lists(st.tuples(*[st.floats(-50, 6000)] * 4), max_size=6),
)
def test_a_part_lies_inside_the_picture(
    height: int, width: int, given_boxes: list[tuple[float, ...]]
) -> None:
    marks = [Mark((min(a, c), min(b, d), max(a, c), max(b, d)), "wrong", "") for a, b, c, d in given_boxes]
    left, top, right, bottom = window(height, width, marks)
    assert -1e-6 <= left < right <= width + 1e-6
    assert -1e-6 <= top < bottom <= height + 1e-6


# lines


def drawn(exhibit: Curves) -> tuple[Page, Markup]:
    text = curves.draw(exhibit)
    return Page(text), text


def test_few_lines_are_named_beside_the_plane_and_have_bands() -> None:
    banded = line("cell", low=(0.1,) * 11, high=(0.9,) * 11)
    found, _ = drawn(plane(banded, line("dust")))
    labels = [a for t, a in found.tags if t == "text" and "ink" in a.get("class", "")]
    assert len(labels) == 2
    assert sum("band" in a.get("class", "") for _, a in found.tags) == 2  # wide and narrow


def test_many_lines_have_a_key_and_the_rest_is_grey() -> None:
    found, _ = drawn(plane(*(line(f"class {k}") for k in range(90))))
    assert "class 7" in found.text
    assert "in grey: 82 more lines" in found.text
    assert not [a for t, a in found.tags if t == "text" and "ink" in a.get("class", "")]
    clouds = sum(a.get("class") == "cloud" for _, a in found.tags)
    assert clouds == 2 * curves.CLOUD


def test_thousands_of_points_are_thinned_and_nan_is_left_out() -> None:
    x = np.linspace(0, 1, 50_000)
    _, text = drawn(plane(Curve("a", tuple(x), tuple(np.where(x > 0.5, np.nan, x)))))
    assert len(text) < 40_000
    assert "nan" not in text
    assert "nothing to draw" in curves.draw(plane(Curve("a", (0.0,), (float("nan"),))))


def test_an_axis_of_many_doublings_is_logarithmic() -> None:
    doses = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
    found, _ = drawn(plane(Curve("a", doses, doses), limits=(0.125, 8, 0, 8)))
    assert "(logarithmic)" in found.text
    for dose in doses:
        assert f"{dose:g}" in found.words


def test_every_coordinate_lies_in_the_drawing() -> None:
    wild = Curve("a", (-3.0, 0.5, 9.0), (-2.0, 0.5, 7.0))
    _, text = drawn(plane(wild))
    for path in re.findall(r' d="M([^"]*)"', text):
        numbers = [float(v) for v in re.split(r"[L ]", path.rstrip("Z"))]
        assert all(0 <= v <= 980 for v in numbers)


@given(st.lists(st.floats(0, 400), min_size=1, max_size=6))
def test_names_are_moved_apart_and_keep_their_order(wanted: list[float]) -> None:
    places = curves.apart(wanted, 17, 0, 400)
    assert all(b - a >= 17 - 1e-6 for a, b in pairwise(sorted(places)))
    assert all(-1e-6 <= p <= 400 + 1e-6 for p in places)
    order = sorted(range(len(wanted)), key=lambda k: (wanted[k], k))
    assert sorted(range(len(wanted)), key=lambda k: places[k]) == order


def test_names_that_have_room_stay_where_their_lines_end() -> None:
    assert curves.apart([200.0, 20.0, 100.0], 17, 0, 400) == [200, 20, 100]


# tables


def test_numbers_are_told_as_numbers_and_long_tables_end() -> None:
    rows = (("cell", 0.87654, 12345, None, "[0.8, 0.9]"),)
    found = Page(sheet.draw(Sheet("t", "", ("class", "AP", "objects", "gone", "interval"), rows)))
    for words in ("0.877", "12,345", "–", "[0.8, 0.9]"):
        assert words in found.text
    long = Sheet("t", "", ("a",), tuple((f"row {k}",) for k in range(150)))
    assert "50 more rows not shown" in Page(sheet.draw(long)).text


def test_material_without_answers_has_no_exhibits(fake_run: Make) -> None:
    folder = fake_run()
    folder.file("answers.npz").unlink()
    assert isinstance(load(folder), Material)
    assert load(folder).exhibits == []
