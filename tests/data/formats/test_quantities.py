"""Numbers, stages, events and what is known beside pictures: read as told, and every flaw named with its line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from objectif.data.formats.quantities import known_of
from objectif.data.load import load
from objectif.data.series import SO_FAR, so_far
from objectif.data.splits import plan
from objectif.errors import DataError
from objectif.tasks import find


def table(folder: Path, *lines: str) -> Path:
    for k in range(6):
        Image.fromarray(np.full((8, 8, 3), 40 * k, np.uint8)).save(folder / f"{k}.png")
    (folder / "manifest.csv").write_text("\n".join(lines) + "\n")
    return folder / "manifest.csv"


def test_stages_are_in_the_order_that_the_header_states(tmp_path: Path) -> None:
    file = table(tmp_path, "path,subject,stage raw<ripe<over", "0.png,a,ripe", "1.png,b,raw", "2.png,b,over")
    data = load(file)
    assert (data.classes, data.tasks) == (("raw", "ripe", "over"), ("regress", "classify"))
    assert find("regress").truth(data)[:, 0].tolist() == [1, 0, 2]


def test_an_event_is_told_in_days_until_it(tmp_path: Path) -> None:
    file = table(
        tmp_path,
        "path,subject,date,event bloom",
        "0.png,a,2024-03-01,2024-03-11",
        "1.png,b,2024-03-09T12:00,2024-03-11",
    )
    data = load(file)
    assert data.classes == ("days until bloom",)
    assert [s.value for s in data.samples] == [10.0, 1.5]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (("path,value", "0.png,3", "1.png,many"), r"line 3: value is 'many'; expected a finite number"),
        (("path,value", "0.png,3", "1.png,inf"), r"'inf'; expected a finite number"),
        (("path,value", "0.png,nan", "1.png,"), r"none of its 2 images can be used .*no number \(line 2\)"),
        (("path,value", "0.png,3", "1.png,3"), r"all 2 images tell 3.0; expected answers that differ"),
        (("path,stage a<b<c", "0.png,a", "1.png,d"), r"'d' is not in the stated order a < b < c"),
        (("path,stage", "0.png,a", "1.png,b"), r"have no order"),
        (("path,stage a<b", "0.png,a", "1.png,b"), r"expected 3 or more"),
        (("path,subject,date,value", "0.png,a,2024-05-02,1", "1.png,a,2024-05-01,2"), r"dates of 'a' run backwards"),
        (("path,subject,date,value", "0.png,a,2.5.2024,1", "1.png,a,2024-05-01,2"), r"expected ISO 8601"),
        (("path,value,heat", "0.png,1,20", "1.png,2,warm"), r"'heat' is 'warm'; expected a finite number"),
    ],
)  # fmt: skip
def test_bad_input_is_named(tmp_path: Path, lines: tuple[str, ...], said: str) -> None:
    with pytest.raises(DataError, match=said):
        load(table(tmp_path, *lines))


def test_one_subject_cannot_be_judged(tmp_path: Path) -> None:
    data = load(table(tmp_path, "path,subject,value", "0.png,a,1", "1.png,a,2", "2.png,a,3"))
    with pytest.raises(DataError, match=r"all 3 images are of one subject \('a'\)"):
        plan(data)


def test_one_image_of_a_subject_has_a_series_of_one(tmp_path: Path) -> None:
    lines = ["path,subject,date,value", *(f"{k}.png,s{k},2024-05-01,{k}" for k in range(6))]
    data = load(table(tmp_path, *lines))
    known = dict(zip(data.columns, data.samples[3].known, strict=True))
    assert known["day"] == 0
    assert known[f"{SO_FAR}change a day of red"] == 0
    assert known[f"{SO_FAR}mean red"] == pytest.approx(120 / 255)


def test_later_photos_leak_nothing() -> None:
    rng = np.random.default_rng(0)
    groups, when, colours = np.repeat([0, 1], 6), np.tile(np.arange(6.0), 2), rng.random((12, 3))
    days, told = so_far(groups, when, colours)
    for row in range(12):
        changed = colours.copy()
        changed[(when > when[row]) | (groups != groups[row])] = 9.0
        other_days, other = so_far(groups, when, changed)
        np.testing.assert_array_equal(told[row], other[row])
        assert days[row] == other_days[row]


def test_what_is_known_is_read_without_what_is_to_be_told(tmp_path: Path) -> None:
    file = table(tmp_path, "path,subject,date,heat", "0.png,a,2024-05-01,20", "1.png,a,2024-05-04,21")
    known = known_of(file)
    assert known[str(tmp_path / "1.png")]["day"] == 3
    assert known[str(tmp_path / "1.png")]["heat"] == 21
