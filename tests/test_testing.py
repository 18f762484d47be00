"""The contract tests themselves: every installed format passes, and a format that breaks its contract does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from objectif import plugins, testing
from objectif.data.dataset import Dataset, Sample
from objectif.errors import DataError, PluginError
from objectif.run.check import Check


@pytest.mark.parametrize("name", plugins.names("formats"))
def test_every_installed_format_keeps_its_contract(name: str) -> None:
    assert [check for check in testing.check_format(name) if not check.ok] == []


def test_a_name_that_is_not_installed_is_refused() -> None:
    with pytest.raises(PluginError, match="no format called"):
        testing.check_format("nix")


class Pairs:
    """A format nobody else has: a file `pairs.txt` with lines "image class"."""

    name = "pairs"
    richness = 1

    def example(self, folder: Path) -> Path:
        testing._files(folder, lambda number, label: f"{label}{number}.png")
        rows = [f"{p.name} {p.name[:-5]}" for p in sorted(folder.glob("*.png"))]
        (folder / "pairs.txt").write_text("\n".join(rows), encoding="utf-8")
        return folder

    def sniff(self, path: Path) -> str | None:
        return "pairs.txt is there" if (path / "pairs.txt").is_file() else None

    def read(self, path: Path) -> Dataset:
        rows = [line.split() for line in (path / "pairs.txt").read_text(encoding="utf-8").splitlines()]
        if any(len(row) != 2 for row in rows):
            raise DataError("a line has no class; expected an image and a class. Complete it.")
        classes = tuple(sorted({label for _, label in rows}))
        samples = [Sample(name, path / name, (classes.index(label),)) for name, label in sorted(rows)]
        there = tuple(s for s in samples if s.file.is_file())
        return Dataset(path.name, path, self.name, classes, there)


def failed(monkeypatch: pytest.MonkeyPatch, layout: Pairs) -> list[str]:
    monkeypatch.setattr(plugins, "load", lambda kind, name: layout)
    found: list[Check] = testing.check_format("pairs")
    return [check.name for check in found if not check.ok]


def test_a_plug_in_with_an_example_of_its_own_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert failed(monkeypatch, Pairs()) == []


def test_each_way_to_break_the_contract_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    class Named(Pairs):
        name = "other"

    class Blind(Pairs):
        def sniff(self, path: Path) -> str | None:
            return None

    class Greedy(Pairs):
        def sniff(self, path: Path) -> str | None:
            return "always"

    class Unsorted(Pairs):
        def read(self, path: Path) -> Dataset:
            data = super().read(path)
            return replace(data, samples=data.samples[::-1])

    class Careless(Pairs):
        def read(self, path: Path) -> Dataset:
            data = super().read(path)
            return replace(data, samples=(*data.samples, Sample("z", path / "z", (99,))))

    class Fragile(Pairs):
        def read(self, path: Path) -> Dataset:
            if len((path / "pairs.txt").read_text(encoding="utf-8")) < 150:
                raise ZeroDivisionError
            return super().read(path)

    assert failed(monkeypatch, Named()) == ["name"]
    assert failed(monkeypatch, Blind()) == ["recognises an example"]
    assert "passes over what it does not know" in failed(monkeypatch, Greedy())
    assert "reads own-example" in failed(monkeypatch, Unsorted())
    assert "reads own-example" in failed(monkeypatch, Careless())


class Broken:
    """A format that writes, badly: `worse` is what it does to the Dataset before."""

    def __init__(self, worse: Callable[[Dataset], Dataset] | None = None, said: object = ()) -> None:
        self.inner = plugins.load("formats", "boxes_csv")
        self.name, self.richness, self.boxes = "boxes_csv", 1, True
        self.sniff, self.read = self.inner.sniff, self.inner.read
        self.worse, self.said = worse, said

    def write(self, dataset: Dataset, to: Path, *, images: str = "copy") -> object:
        self.inner.write(dataset if self.worse is None else self.worse(dataset), to, images=images)
        return self.said


def every_box(dataset: Dataset, **fields: float) -> Dataset:
    moved = [replace(s, boxes=tuple(replace(b, **fields) for b in s.boxes or ())) for s in dataset.samples]
    return replace(dataset, samples=tuple(moved))


@pytest.mark.parametrize(
    ("layout", "said"),
    [
        (Broken(lambda d: every_box(d, x1=-3.0)), "became"),
        (Broken(lambda d: every_box(d, label=0)), "classes"),
        (
            Broken(lambda d: replace(d, samples=tuple(replace(s, split=None) for s in d.samples))),
            "splits differ",
        ),
        (Broken(said=[""]), "expected sentences"),
    ],
)
def test_a_writer_that_loses_things_is_found(
    layout: Broken, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugins, "load", lambda kind, name: layout)
    (failed,) = [check for check in testing.check_format("boxes_csv") if not check.ok]
    assert failed.name == "writes what it reads"
    assert said in failed.detail


def test_boxes_that_break_the_contract_are_found(tmp_path: Path) -> None:
    good = testing.boxed(tmp_path)
    testing.check_dataset(good)
    first = next(s for s in good.samples if s.boxes)
    box = (first.boxes or ())[0]
    for bad, labels in (
        (replace(box, x2=box.x1 - 1), first.labels),
        (replace(box, y1=float("nan")), first.labels),
        (replace(box, label=9), first.labels),
        (box, ()),
        (replace(box, ignore=True), first.labels),
    ):
        with pytest.raises(AssertionError):
            testing.check_dataset(replace(good, samples=(replace(first, boxes=(bad,), labels=labels),)))
    with pytest.raises(AssertionError, match="not multi-label"):
        testing.check_dataset(replace(good, multilabel=False, samples=(first,)))
