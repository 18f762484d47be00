"""Layouts of good pictures and of defects, with or without masks of where the defects are.

    train/good/a.png   test/good/b.png   test/scratch/c.png   ground_truth/scratch/c_mask.png      MVTec's; it is noticed
    good/a.png   scratch/b.png   dent/c.png                    a folder for each kind
    a.png   b.png                                              nothing but good pictures

The last two are read where anomalies are asked for (--task anomaly), as others would call them classes. The mask of a
picture is below ground_truth/ or masks/, or beside it: c.png of c.jpg, or c_mask.png. Above half of the range is defect.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from objectif.data.dataset import Dataset, Legend, MaskSource, Sample
from objectif.data.files import SPLIT_NAMES, Parts, listing
from objectif.data.good import checked, is_good, the_good_one
from objectif.errors import DataError

GOOD = "good"
_MASK_FOLDERS = frozenset({"ground_truth", "groundtruth", "gt", "mask", "masks", "label_masks"})
_ENDINGS = ("_mask", "-mask", "_gt", "_label", "")


@dataclass
class Masks:
    """Pictures that are masks, by (kind, stem) where they are in a folder of masks, and by picture where beside it."""

    below: dict[tuple[str, str], Parts]
    beside: dict[Parts, Parts]

    def of(self, picture: Parts, kind: str) -> Parts | None:
        """The mask of a picture; None where there is none."""
        if picture in self.beside:
            return self.beside[picture]
        stem = Path(picture[-1]).stem
        for ending in _ENDINGS:
            for folder in (kind, ""):
                if (folder, stem + ending) in self.below:
                    return self.below[folder, stem + ending]
        return None


class Good:
    """The format `good`."""

    name = "good"
    richness = 60
    anomalies = True

    def sniff(self, path: Path) -> str | None:
        """Words where the layout is MVTec's: good pictures under train/, good and others under test/."""
        if not (path / "train").is_dir() or not (path / "test").is_dir():
            return None
        trained = [p.name for p in (path / "train").iterdir() if p.is_dir()]
        tested = [p.name for p in (path / "test").iterdir() if p.is_dir()]
        only = len(trained) == 1 and is_good(trained[0])
        return "good pictures to learn from, good and others to test" if only and len(tested) > 1 else None

    def read(self, path: Path, good: str | None = None) -> Dataset:
        """All pictures, their kind, and the masks of defects; `good` names the folder of good ones where its name does not.

        DataError: no picture, no good one, or only one.
        """
        if not path.is_dir():
            raise DataError(
                f"{path}: is no folder; format 'good' expects one with good/ and folders of defects."
            )
        found = listing(path)
        pictures, masks = _apart(found.images)
        if not pictures:
            raise DataError(f"{path}: no pictures; expected good ones, in a folder good/ or by themselves.")
        around = _around(pictures)
        placed = [(parts, *_place(parts[around:])) for parts in pictures]
        kinds = {kind for _, kind, _ in placed if kind}
        if (
            len(kinds) <= 1 and good is None and not any(map(is_good, kinds))
        ):  # nothing says otherwise: all are good
            placed = [(parts, GOOD, split) for parts, _, split in placed]
        elif "" in kinds | {kind for _, kind, _ in placed}:
            placed = [p for p in placed if p[1]]
        names = sorted({kind for _, kind, _ in placed})
        first = names.pop(the_good_one(tuple(names), str(path), good))
        classes = (first, *names)
        samples = tuple(_sample(path, *one, classes, masks) for one in sorted(placed))
        if {s.split for s in samples} == {"train"}:  # no other part: all are there to be divided
            samples = tuple(Sample(s.path, s.file, s.labels, mask=s.mask) for s in samples)
        notes = [f"layout 'good': good pictures are in {first!r}"]
        if len(placed) < len(pictures):
            notes.append(f"{len(pictures) - len(placed)} image(s) outside the folders left out")
        return checked(
            Dataset(
                path.resolve().name,
                path,
                self.name,
                classes,
                samples,
                notes=tuple(notes),
                problems=found.problems,
                legend=Legend("binary"),
                good=0,
            )
        )

    def example(self, folder: Path) -> Path:
        """A few good pictures, and one kind of defect with masks, for `objectif check`."""
        from PIL import Image

        for k in range(6):
            part = "train/good" if k < 2 else "test/good" if k < 4 else "test/spot"
            pixels = np.full((24, 32), 90 + k, np.uint8)
            mask = np.zeros((24, 32), np.uint8)
            if part == "test/spot":
                mask[4:12, 5:14] = 255
                pixels[4:12, 5:14] = 200
                (folder / "ground_truth" / "spot").mkdir(parents=True, exist_ok=True)
                Image.fromarray(mask).save(folder / "ground_truth" / "spot" / f"{k}_mask.png")
            (folder / part).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(folder / part / f"{k}.png")
        return folder


def _apart(images: list[Parts]) -> tuple[list[Parts], Masks]:
    """Pictures, and what is a mask of one."""
    below: dict[tuple[str, str], Parts] = {}
    rest: list[Parts] = []
    for parts in images:
        at = next((k for k, name in enumerate(parts[:-1]) if name.lower() in _MASK_FOLDERS), None)
        if at is None:
            rest.append(parts)
        else:
            below[parts[-2] if at < len(parts) - 2 else "", Path(parts[-1]).stem] = parts
    stems = Counter((*p[:-1], Path(p[-1]).stem) for p in rest)
    photos = {(*p[:-1], Path(p[-1]).stem): p for p in rest if Path(p[-1]).suffix.lower() != ".png"}
    beside: dict[Parts, Parts] = {}
    for parts in rest:
        key = (*parts[:-1], Path(parts[-1]).stem)
        owner = photos.get(key) if stems[key] == 2 and parts[-1].lower().endswith(".png") else None
        for ending in _ENDINGS[:-1]:
            if key[-1].endswith(ending):
                bare = (*key[:-1], key[-1].removesuffix(ending))
                owner = owner or next((p for p in rest if (*p[:-1], Path(p[-1]).stem) == bare), None)
        if owner is not None and owner != parts:
            beside[owner] = parts
    taken = set(beside.values())
    return [p for p in rest if p not in taken], Masks(below, beside)


def _around(pictures: list[Parts]) -> int:
    """How many folders stand around all that tells something, as archives often unpack: 0 or 1."""
    tops = {parts[0] for parts in pictures}
    deep = all(len(parts) > 2 for parts in pictures) and len({parts[1] for parts in pictures}) > 1
    return int(len(tops) == 1 and deep and not (tops & SPLIT_NAMES.keys()) and not any(map(is_good, tops)))


def _place(parts: Parts) -> tuple[str, str | None]:
    """(kind, split) of a picture; '' where it is in no folder of a kind."""
    folders = parts[:-1]
    split = next((SPLIT_NAMES[f.lower()] for f in folders if f.lower() in SPLIT_NAMES), None)
    kinds = [name for name in folders if name.lower() not in SPLIT_NAMES]
    return (kinds[0] if kinds else ""), split


def _sample(
    root: Path, parts: Parts, kind: str, split: str | None, classes: tuple[str, ...], masks: Masks
) -> Sample:
    found = masks.of(parts, kind) if kind != classes[0] else None
    mask = None if found is None else MaskSource(root.joinpath(*found))
    return Sample("/".join(parts), root.joinpath(*parts), (classes.index(kind),), split=split, mask=mask)


FORMAT = Good()
