"""Write then read gives the same Dataset, for every format that writes, up to what it says was lost."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from objectif.data.agree import agree
from objectif.data.dataset import Box, Dataset, Sample
from objectif.data.load import load
from objectif.data.save import save, writable
from objectif.data.writing import flat_names, tree_names
from objectif.testing import check_dataset

SIZES = ((12, 16), (48, 20), (7, 300))  # height, width

texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=8)
stems = st.from_regex(r"[a-zA-Z0-9_ ()é-]{1,6}", fullmatch=True).map(str.strip).filter(bool)


@st.composite
def boxes(draw: st.DrawFn, classes: int, size: tuple[int, int]) -> Box:
    height, width = size
    x = sorted(draw(st.floats(-width, 2 * width)) for _ in range(2))
    y = sorted(draw(st.floats(-height, 2 * height)) for _ in range(2))
    x1, y1, x2, y2 = (round(v, 2) for v in (x[0], y[0], x[1], y[1]))
    return Box(x1, y1, x2, y2, draw(st.integers(0, classes - 1)), draw(st.booleans()) and draw(st.booleans()))


@st.composite
def datasets(draw: st.DrawFn) -> list[tuple[str, tuple[int, int], Sample]]:
    """(class names ..., samples without files) as a Dataset of root '.'; files are written by `on_disk`."""
    names = draw(st.lists(texts, min_size=1, max_size=3, unique_by=lambda n: "".join(n.casefold().split())))
    names = [n for n in names if n.strip()] or ["a"]
    count = draw(st.integers(1, 4))
    splits = draw(
        st.sampled_from([(None,), ("train", "test"), ("fold0", "fold1", "test"), ("train", "val", None)])
    )
    paths = draw(
        st.lists(
            st.tuples(st.sampled_from(["", "x/", "x/y z/"]), stems, st.sampled_from([".png", ".jpg"])).map(
                "".join
            ),
            min_size=count,
            max_size=count,
            unique_by=str.casefold,
        )
    )
    grouped = draw(st.booleans())
    found = []
    for path in paths:
        size = draw(st.sampled_from(SIZES))
        marks = tuple(draw(st.lists(boxes(len(names), size), max_size=4)))
        group = draw(texts.filter(lambda t: t == t.strip())) if grouped else None
        weight = draw(st.sampled_from([1.0, 1.0, 2.5]))
        labels = tuple(sorted({b.label for b in marks if not b.ignore}))
        split = draw(st.sampled_from(splits))
        found.append((path, size, Sample(path, Path(path), labels, None, group, split, weight, marks)))
    first = found[0]
    sure = tuple(Box(1, 2, 5, 6, k) for k in range(len(names)))  # every class has an object
    marks = (*(first[2].boxes or ()), *sure)
    found[0] = (*first[:2], replace(first[2], boxes=marks, labels=tuple(range(len(names)))))
    return [(tuple(names), *entry) for entry in found]  # type: ignore[misc]


def on_disk(entries: list, root: Path) -> Dataset:
    samples = []
    for _, path, (height, width), sample in entries:
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(cv2.imencode(file.suffix, np.zeros((height, width), np.uint8))[1].tobytes())
        samples.append(replace(sample, file=file))
    ordered = tuple(sorted(samples, key=lambda s: s.path))
    return Dataset("made", root, "made", tuple(n.strip() for n in entries[0][0]), ordered, True)


@pytest.mark.parametrize("format", writable())
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(entries=datasets())
def test_what_is_written_is_read_again(format: str, entries: list) -> None:
    with tempfile.TemporaryDirectory() as folder:
        before = on_disk(entries, Path(folder) / "from")
        lost = save(before, Path(folder) / "to", format=format)
        after = load(Path(folder) / "to")
        assert after.layout == format
        assert not after.problems
        check_dataset(after)
        compare(before, after, lost)


def compare(before: Dataset, after: Dataset, lost: list[str]) -> None:
    """All that is not among the lost is the same."""
    gone = {line.partition(":")[0] for line in lost}
    dropped = {"ignore flags", "boxes far outside their images"} & gone
    known = dict(pairs(before, after))
    assert len(known) == len(before) == len(after)
    if "class names with odd characters" not in gone:
        assert set(after.classes) <= set(before.classes)
    near = 1e-6 if "fractions of a pixel" not in gone and after.layout != "yolo" else 0.01
    near = 1.51 if "fractions of a pixel" in gone else near  # half a pixel, and one to keep an area
    for old, new in known.items():
        a, b = before.samples[old], after.samples[new]
        assert a.split == b.split
        assert a.group == b.group or "groups" in gone
        assert a.weight == b.weight or "weights" in gone
        kept = [x for x in a.boxes or () if not (dropped and x.ignore)]
        told = [(x.label in {y.label for y in a.boxes or () if not y.ignore}) for x in kept]
        assert len(b.boxes or ()) <= len(kept)
        if not dropped and all(told):
            assert len(b.boxes or ()) == len(kept)
            for x, y in zip(kept, b.boxes or (), strict=True):
                assert (x.x1, x.y1, x.x2, x.y2) == pytest.approx((y.x1, y.y1, y.x2, y.y2), abs=near)
                assert x.ignore == y.ignore
                if "class names with odd characters" not in gone:
                    assert before.classes[x.label] == after.classes[y.label]


def pairs(before: Dataset, after: Dataset) -> Iterator[tuple[int, int]]:
    """Row before, row after: by the name that the writer gave the image."""
    flat = after.layout in {"voc", "yolo"}
    names = flat_names(before) if flat else tree_names(before)
    there = {
        (PurePosixPath(s.path).name if flat else s.path.removeprefix("images/")): k
        for k, s in enumerate(after.samples)
    }
    return ((row, there[name]) for row, name in enumerate(names))


@pytest.mark.parametrize("format", writable())
def test_real_cells_survive(format: str, shared: object, tmp_path: Path) -> None:
    before = load(shared("blood_cells"))  # type: ignore[operator]
    lost = save(before, tmp_path / "to", format=format, images="link")
    after = load(tmp_path / "to")
    assert not lost
    assert agree([replace(before, samples=()), replace(after, samples=())])
    moved = [replace(s, file=s.file.resolve()) for s in after.samples]
    assert agree([before, replace(after, samples=tuple(moved))])
