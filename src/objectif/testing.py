"""Contract tests that anybody can run on a plug-in: `objectif check NAME`, or check_format(name) in a test of one's own.

Our own tests run the same functions over the registries, so a new format is tested without a new test.
"""

from __future__ import annotations

import gzip
import json
import math
import struct
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif import plugins
from objectif.apps.testing import check_app
from objectif.data.dataset import Box, Dataset, Sample
from objectif.data.files import split_in
from objectif.errors import DataError
from objectif.run.check import Check

__all__ = ["boxed", "check_app", "check_dataset", "check_format"]

_CLASSES = ("ash", "birch", "cedar")
_PER_CLASS = 4


def check_format(name: str) -> list[Check]:
    """Whether the format `name` keeps its contract; PluginError where there is none of that name.

    It is shown small sets of images in every layout that comes with objectif, an empty folder and a folder of other
    things. A plug-in for another layout brings `example(folder: Path) -> Path`, which writes a few labelled images in
    its layout, at least two classes, and returns what to give to read(). One that writes is given a Dataset with boxes
    and must read it again: same images, splits and classes, corners within a pixel, unless it says what was lost.
    """
    layout: plugins.Format = plugins.load("formats", name)
    found = [_step("name", lambda: _same(layout.name, name), name)]
    found.append(_step("richness", lambda: _whole(layout.richness), "a whole number"))
    with tempfile.TemporaryDirectory(prefix="objectif-") as folder:
        base = Path(folder)
        found.append(
            _step("passes over what it does not know", lambda: _ignores(layout, base), "no false claim")
        )
        shown = _examples(layout, base)
        claimed = [path for path in shown if _claims(layout, path)]
        least = 1 if getattr(layout, "pictures", False) else 2  # pairs of pictures have no classes
        several = [path.relative_to(base).parts[0] for path in claimed if _classes(layout, path) >= least]
        remedy = "nothing that was shown; give the format a method example(folder) that writes its layout"
        found.append(Check("recognises an example", bool(several), ", ".join(several) or remedy))
        if hasattr(layout, "write"):
            found.append(
                _step(
                    "writes what it reads",
                    partial(_writes, plugins.load("formats", name), base),
                    "the same boxes again",
                )
            )
        for path in claimed:
            label = path.relative_to(base).parts[0]
            found.append(
                _step(f"reads {label}", partial(_reads, layout, path), "a valid Dataset, twice equal")
            )
            found.append(
                _step(f"survives damage to {label}", partial(_damaged, layout, path), "said, or a DataError")
            )
    return found


def _step(name: str, work: Callable[[], None], detail: str) -> Check:
    try:
        work()
    except Exception as error:  # whatever a plug-in raises is what is to be reported
        return Check(name, False, f"{type(error).__name__}: {error}")
    return Check(name, True, detail)


def _same(met: object, expected: object) -> None:
    if met != expected:
        raise AssertionError(f"is {met!r}; expected {expected!r}")


def _whole(value: object) -> None:
    assert type(value) is int, f"is {value!r}; expected a whole number"


def _claims(layout: plugins.Format, path: Path) -> bool:
    answer = layout.sniff(path)
    if not (answer is None or (isinstance(answer, str) and answer)):
        raise AssertionError(f"sniff gave {answer!r}; expected None, or why it fits in words")
    return answer is not None


def _classes(layout: plugins.Format, path: Path) -> int:
    """Classes found; none where it is not read, which is reported by another check."""
    try:
        return len(layout.read(path).classes)
    except Exception:  # whatever a plug-in raises
        return 0


def _ignores(layout: plugins.Format, base: Path) -> None:
    empty, other = base / "empty", base / "other"
    empty.mkdir()
    other.mkdir()
    (other / "notes.txt").write_text("nothing to see\n", encoding="utf-8")
    (other / "table.csv").write_bytes(b"\xff\xfe\x00\x01")
    (other / "broken.json").write_bytes(b"{")
    for path in (empty, other, other / "notes.txt"):
        if _claims(layout, path):
            raise AssertionError(f"claims {path.name!r}, which holds no labelled image")


def _reads(layout: plugins.Format, path: Path) -> None:
    first, second = layout.read(path), layout.read(path)
    if (first.classes, first.samples) != (second.classes, second.samples):
        raise AssertionError("two readings differ; expected the same order each time")
    check_dataset(first)


def check_dataset(dataset: Dataset) -> None:
    """AssertionError where a Dataset breaks its own contract (data/dataset.py)."""
    assert dataset.layout, "layout is empty; expected the format's name"
    assert dataset.name, "name is empty; expected something to call the data by"
    assert len(set(dataset.classes)) == len(dataset.classes), f"classes repeat: {dataset.classes}"
    keys = [(s.path if s.item is None else s.path.rpartition("#")[0], s.item or 0) for s in dataset.samples]
    assert keys == sorted(keys), "samples are not sorted by path"
    for sample in dataset.samples:
        where = f"sample {sample.path!r}"
        assert all(0 <= k < len(dataset.classes) for k in sample.labels), f"{where}: labels {sample.labels}"
        assert dataset.multilabel or len(sample.labels) == 1, (
            f"{where}: {len(sample.labels)} labels, not multi-label"
        )
        assert sample.split is None or split_in(sample.split) == sample.split, (
            f"{where}: split {sample.split!r}"
        )
        assert sample.weight > 0, f"{where}: weight {sample.weight}"
        if sample.boxes is not None:
            _check_boxes(dataset, sample, where)
        if sample.item is None:
            assert sample.file.is_file(), f"{where}: {sample.file} is not there; it belongs into problems"
        else:
            assert 0 <= sample.item < len(dataset.arrays[sample.file]), f"{where}: item {sample.item}"


def _check_boxes(dataset: Dataset, sample: Sample, where: str) -> None:
    """AssertionError where boxes are none, or labels are not their classes."""
    boxes = sample.boxes or ()
    assert dataset.multilabel, f"{where}: boxes, but the Dataset is not multi-label"
    for box in boxes:
        assert all(map(math.isfinite, (box.x1, box.y1, box.x2, box.y2))), f"{where}: {box}"
        assert box.x1 <= box.x2, f"{where}: {box} is inverted"
        assert box.y1 <= box.y2, f"{where}: {box} is inverted"
        assert 0 <= box.label < len(dataset.classes), f"{where}: {box} has no class"
    found = tuple(sorted({box.label for box in boxes if not box.ignore}))
    assert sample.labels == found, f"{where}: labels {sample.labels}; its boxes are of {found}"


def _writes(layout: plugins.WritingFormat, base: Path) -> None:
    """A Dataset with boxes, written and read again."""
    folder, to = base / "to-write", base / "written"
    folder.mkdir()
    to.mkdir()
    dataset = boxed(folder)
    lost = layout.write(dataset, to, images="copy")
    assert all(isinstance(line, str) and line for line in lost), f"write() gave {lost!r}; expected sentences"
    if layout.sniff(to) is None:
        raise AssertionError("does not recognise what it wrote")
    again = layout.read(to)
    check_dataset(again)
    if [s.split for s in _in_order(again)] != [s.split for s in _in_order(dataset)]:
        raise AssertionError("splits differ after writing and reading")
    for before, after in zip(_in_order(dataset), _in_order(again), strict=True):
        old, new = _plain(dataset, before), _plain(again, after)
        if [x[0] for x in old] != [x[0] for x in new]:
            raise AssertionError(f"{before.path}: classes {[x[0] for x in old]} became {[x[0] for x in new]}")
        if any(
            abs(a - b) > 1 for x, y in zip(old, new, strict=True) for a, b in zip(x[1], y[1], strict=True)
        ):
            raise AssertionError(f"{before.path}: boxes {old} became {new}")


def _in_order(dataset: Dataset) -> list[Sample]:
    return sorted(dataset.samples, key=lambda s: Path(s.path).name)


def _plain(dataset: Dataset, sample: Sample) -> list[tuple[str, tuple[float, ...]]]:
    """(class, corners) of its boxes, in order."""
    return [(dataset.classes[b.label], (b.x1, b.y1, b.x2, b.y2)) for b in sample.boxes or ()]


def _damaged(layout: plugins.Format, path: Path) -> None:
    """One file less and one cut in half: a DataError, or a reading that leaves them out or lists them."""
    files = sorted(f for f in (path.rglob("*") if path.is_dir() else [path]) if f.is_file())
    files[0].write_bytes(files[0].read_bytes()[: files[0].stat().st_size // 2])
    if len(files) > 1:
        files[-1].unlink()
    try:
        if layout.sniff(path) is not None:
            check_dataset(layout.read(path))
    except DataError as error:
        if not str(error):
            raise AssertionError("a DataError without a message") from error


# --- the same small images in each layout --------------------------------------------------------------------------


def _examples(layout: plugins.Format, base: Path) -> list[Path]:
    writers: dict[str, Callable[[Path], Path]] = {
        "folders": _folders,
        "folders-with-splits": _split_folders,
        "manifest": _manifest,
        "manifest-many": _manifest_many,
        "jsonlines": _jsonlines,
        "idx": _idx,
        "npz": _npz,
        **{f"boxes-{name}": partial(_boxes, name) for name in ("boxes_csv", "coco", "voc", "yolo")},
        "pascal-text": _pascal_text,
    }
    own = getattr(layout, "example", None)
    if own is not None:
        writers["own-example"] = own
    shown = []
    for label, write in writers.items():
        folder = base / label
        folder.mkdir()
        shown.append(write(folder))
    return shown


def _images() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """(n, 12, 16) gray pictures and their class numbers."""
    truth = np.repeat(np.arange(len(_CLASSES), dtype=np.uint8), _PER_CLASS)
    noise = np.random.default_rng(0).integers(0, 80, (len(truth), 12, 16))
    return (noise + 60 * truth[:, None, None]).astype(np.uint8), truth


def _files(folder: Path, place: Callable[[int, str], str]) -> list[tuple[str, int]]:
    """Write PNGs at place(number within the class, class); returns (path, class number)."""
    import cv2

    pictures, truth = _images()
    written = []
    for number, (picture, label) in enumerate(zip(pictures, truth, strict=True)):
        name = place(number % _PER_CLASS, _CLASSES[label])
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(cv2.imencode(".png", picture)[1].tobytes())
        written.append((name, int(label)))
    return written


def _folders(folder: Path) -> Path:
    _files(folder, lambda number, label: f"{label}/{number}.png")
    return folder


def _split_folders(folder: Path) -> Path:
    _files(folder, lambda number, label: f"{'test' if number == 0 else 'train'}/{label}/{number}.png")
    return folder


def _manifest(folder: Path) -> Path:
    rows = _files(folder, lambda number, label: f"images/{label}-{number}.png")
    lines = [
        "path,label,group",
        *(f"{path},{_CLASSES[label]},g{row % 4}" for row, (path, label) in enumerate(rows)),
    ]
    (folder / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def _manifest_many(folder: Path) -> Path:
    rows = _files(folder, lambda number, label: f"images/{label}-{number}.png")
    lines = ["path,label", *(f"{path},{_CLASSES[label]}|{_CLASSES[0]}" for path, label in rows if label)]
    (folder / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def _jsonlines(folder: Path) -> Path:
    rows = _files(folder, lambda number, label: f"images/{label}-{number}.png")
    lines = [json.dumps({"path": path, "label": _CLASSES[label]}) for path, label in rows]
    (folder / "labels.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def _idx(folder: Path) -> Path:
    pictures, truth = _images()
    for stem, array in (("train-images-idx3", pictures), ("train-labels-idx1", truth)):
        head = struct.pack(">BBBB", 0, 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
        (folder / f"{stem}-ubyte.gz").write_bytes(gzip.compress(head + array.tobytes()))
    return folder


def _npz(folder: Path) -> Path:
    pictures, truth = _images()
    arrays: dict[str, NDArray[Any]] = {"train_images": pictures, "train_labels": truth[:, None]}
    arrays |= {"test_images": pictures[::2], "test_labels": truth[::2, None]}
    np.savez(folder / "small.npz", allow_pickle=False, **arrays)
    return folder / "small.npz"


def boxed(folder: Path) -> Dataset:
    """A Dataset with boxes: three classes, an image without objects, train and test; its pictures are in `folder`."""
    rows = _files(folder, lambda number, label: f"{label}-{number}.png")
    samples = []
    for number, (name, label) in enumerate(sorted(rows)):
        boxes = tuple(Box(1.0 + k, 2.0, 6.0 + k, 9.0, (label + k) % len(_CLASSES)) for k in range(number % 3))
        labels = tuple(sorted({box.label for box in boxes}))
        split = "test" if number % 4 == 0 else "train"
        samples.append(Sample(name, folder / name, labels, split=split, boxes=boxes))
    return Dataset("boxed", folder, "made", _CLASSES, tuple(samples), True)


def _boxes(name: str, folder: Path) -> Path:
    (folder / "from").mkdir()
    layout: plugins.WritingFormat = plugins.door("formats")[name].load()
    layout.write(boxed(folder / "from"), folder / "to", images="copy")
    return folder / "to"


def _pascal_text(folder: Path) -> Path:
    dataset = boxed(folder)
    for sample in dataset.samples:
        lines = ["# Compatible with PASCAL Annotation Version 1.00", f'Image filename : "{sample.path}"']
        lines.append(f"Objects with ground truth : {len(sample.boxes or ())}")
        for number, box in enumerate(sample.boxes or (), 1):
            what = f'Bounding box for object {number} "{_CLASSES[box.label]}" (Xmin, Ymin) - (Xmax, Ymax)'
            lines.append(f"{what} : ({box.x1}, {box.y1}) - ({box.x2}, {box.y2})")
        (folder / f"{Path(sample.path).stem}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder
