"""What there is: images by class and split, sizes, colour modes, and the pictures that are blank."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np

from objectif.data.dataset import Dataset
from objectif.health.facts import camera
from objectif.health.looks import Looks
from objectif.images.photo import PhotoInfo

BLANK = 1.5
"""A picture whose luma deviates by less than this (of 255) shows nothing."""


@dataclass(frozen=True)
class Sizes:
    """Smallest, median and largest (width, height), by number of pixels, and how many different sizes there are."""

    smallest: tuple[int, int]
    median: tuple[int, int]
    largest: tuple[int, int]
    different: int


@dataclass(frozen=True)
class Counts:
    """images: all that are named; usable: those that were read. by_class: class -> split (or 'all') -> images.

    modes, types, bits, cameras: how many images have which, commonest first. groups: number given, None without.
    rotated: turned upright by EXIF. animated: only their first frame counts. blank: paths.
    """

    images: int
    usable: int
    by_class: dict[str, dict[str, int]]
    sizes: Sizes
    modes: dict[str, int]
    types: dict[str, int]
    bits: dict[str, int]
    cameras: dict[str, int]
    groups: int | None
    rotated: int
    animated: int
    blank: tuple[str, ...]

    @property
    def splits(self) -> tuple[str, ...]:
        """The columns of by_class: given splits, train first, or 'all' alone."""
        found = {name for row in self.by_class.values() for name in row}
        return tuple(sorted(found, key=lambda s: ({"train": 0, "val": 1, "test": 2}.get(s, 3), len(s), s)))

    def totals(self) -> dict[str, int]:
        """Class -> images in all splits."""
        return {name: sum(row.values()) for name, row in self.by_class.items()}

    @property
    def imbalance(self) -> float:
        """Images of the largest class for one of the smallest that has any."""
        some = [n for n in self.totals().values() if n]
        return max(some) / min(some) if some else 1.0

    def to_dict(self) -> dict[str, object]:
        """JSON-ready."""
        return asdict(self)


def counts(dataset: Dataset, looks: Looks) -> Counts:
    """Count the readable images; looks are of the whole dataset."""
    rows = [row for row in range(len(dataset)) if looks.readable[row]]
    infos = [info for info in looks.infos if info is not None]
    groups = dataset.groups()
    flat = [dataset.samples[r].path for r in rows if float(looks.luma[r].std()) < BLANK]
    return Counts(
        images=len(dataset) + len(dataset.problems),
        usable=len(rows),
        by_class=_by_class(dataset, rows),
        sizes=_sizes(infos),
        modes=_tally(infos, lambda i: i.mode),
        types=_tally(infos, lambda i: i.format),
        bits=_tally(infos, lambda i: str(i.bits)),
        cameras=_tally(infos, camera),
        groups=None if groups is None else len(np.unique(groups[rows])),
        rotated=sum(i.exif.get("Orientation", "1") not in {"1", "0"} for i in infos),
        animated=sum(i.frames > 1 for i in infos),
        blank=tuple(flat),
    )


def _by_class(dataset: Dataset, rows: list[int]) -> dict[str, dict[str, int]]:
    splits = {dataset.samples[r].split for r in rows}
    missing = "all" if splits <= {None} else "no split"
    names = {s: s or missing for s in splits}
    table = {name: {names[s]: 0 for s in sorted(splits, key=str)} for name in dataset.classes}
    for r in rows:
        sample = dataset.samples[r]
        for k in sample.labels:
            table[dataset.classes[k]][names[sample.split]] += 1
    return table


def _sizes(infos: list[PhotoInfo]) -> Sizes:
    sizes = sorted(((i.width, i.height) for i in infos), key=lambda s: (s[0] * s[1], s))
    return Sizes(sizes[0], sizes[len(sizes) // 2], sizes[-1], len(set(sizes)))


def _tally(infos: list[PhotoInfo], get: Callable[[PhotoInfo], str]) -> dict[str, int]:
    return dict(Counter(get(i) for i in infos).most_common())
