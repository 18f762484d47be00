"""save: nothing is overwritten, images are copied, linked or left, names that would clash are told apart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from objectif import testing
from objectif.data.dataset import Dataset, MaskSource
from objectif.data.load import load
from objectif.data.save import save, writable
from objectif.data.writing import flat_names
from objectif.errors import DataError, PluginError


@pytest.fixture
def data(tmp_path: Path) -> Dataset:
    (tmp_path / "from").mkdir()
    return testing.boxed(tmp_path / "from")


def test_the_four_layouts_write() -> None:
    assert set(writable()) >= {"boxes_csv", "coco", "voc", "yolo"}
    assert "pascal_text" not in writable()


@pytest.mark.parametrize("format", ["boxes_csv", "coco", "voc", "yolo"])
def test_masks_that_a_layout_cannot_hold_are_told(data: Dataset, tmp_path: Path, format: str) -> None:
    first, *others = data.samples
    masked = replace(data, samples=(replace(first, mask=MaskSource()), *others))
    assert "masks: of 1 image(s)" in save(masked, tmp_path / "to", format=format)
    assert not any("masks" in line for line in save(data, tmp_path / "plain", format=format))


def test_nothing_is_overwritten(data: Dataset, tmp_path: Path) -> None:
    to = tmp_path / "to"
    to.mkdir()
    (to / "kept.txt").write_text("mine")
    with pytest.raises(DataError, match=r"is there already and not empty\. Nothing is overwritten"):
        save(data, to, format="voc")
    with pytest.raises(DataError, match="is there already"):
        save(data, to / "kept.txt", format="voc")
    assert [f.name for f in to.iterdir()] == ["kept.txt"]


@pytest.mark.parametrize("format", ["coco", "boxes_csv"])
def test_labels_alone_name_the_images_where_they_are(data: Dataset, tmp_path: Path, format: str) -> None:
    assert save(data, tmp_path / "to", format=format, images="none") == []
    assert not list((tmp_path / "to").rglob("*.png"))
    again = load(tmp_path / "to")
    assert {s.file.resolve() for s in again.samples} == {s.file.resolve() for s in data.samples}


@pytest.mark.parametrize("format", writable())
def test_links(data: Dataset, tmp_path: Path, format: str) -> None:
    save(data, tmp_path / "to", format=format, images="link")
    assert all(f.is_symlink() for f in (tmp_path / "to").rglob("*.png"))
    assert len(load(tmp_path / "to")) == len(data)


def test_what_cannot_be_written_is_told(data: Dataset, tmp_path: Path) -> None:
    with pytest.raises(PluginError, match=r"'pascal_text' only reads\. Those that write: boxes_csv, coco"):
        save(data, tmp_path / "to", format="pascal_text")
    with pytest.raises(DataError, match="images = 'move'; expected copy, link, none"):
        save(data, tmp_path / "to", format="coco", images="move")  # type: ignore[arg-type]
    plain = replace(data, samples=tuple(replace(s, boxes=None) for s in data.samples))
    with pytest.raises(DataError, match="tells classes of whole images; expected boxes"):
        save(plain, tmp_path / "to", format="coco")
    array = replace(data, samples=(replace(data.samples[0], item=0),))
    with pytest.raises(DataError, match="items of an array"):
        save(array, tmp_path / "to", format="coco")
    gone = replace(data, samples=(replace(data.samples[1], file=tmp_path / "gone.png"),))
    with pytest.raises(DataError, match=r"gone\.png: cannot be copied"):
        save(gone, tmp_path / "new", format="boxes_csv")


def test_stems_that_would_clash_get_their_folders(data: Dataset) -> None:
    paths = ["a/x.png", "b/X.jpg", "b/x.png", "x.tif"]
    samples = tuple(replace(data.samples[0], path=p) for p in paths)
    assert flat_names(replace(data, samples=samples)) == ["x.png", "b__X.jpg", "b__x_png.png", "x_tif.tif"]


def test_what_is_lost_is_listed(data: Dataset, tmp_path: Path) -> None:
    first, second, *rest = data.samples
    box = (second.boxes or ())[0]
    odd = replace(
        data,
        classes=("ash\ttree", "birch", "cedar"),
        samples=(
            replace(first, group="g", weight=2.0),
            replace(
                second, path="x/" + second.path, boxes=(replace(box, x1=1.25), replace(box, ignore=True))
            ),
            *rest,
        ),
    )
    voc = save(odd, tmp_path / "voc", format="voc")
    assert {line.partition(":")[0] for line in voc} == {
        "folders",
        "groups",
        "weights",
        "class names with odd characters",
        "fractions of a pixel",
    }
    yolo = save(odd, tmp_path / "yolo", format="yolo")
    assert "ignore flags: 1 object(s) marked difficult or crowd left out" in yolo
    assert save(replace(odd, classes=data.classes), tmp_path / "coco", format="coco") == []
