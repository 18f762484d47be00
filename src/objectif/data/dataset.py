"""A Dataset: labelled images in whatever layout the user has, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from objectif.images.degrade import Degradation

TURNS = (0, 90, 180, 270)
"""Degrees, counter-clockwise, by which masks can be turned: those that move pixels and mix none."""


@dataclass(frozen=True, slots=True)
class Box:
    """Where an object is: pixels of the upright image, x2 and y2 exclusive, so that its width is x2 - x1.

    label: index into Dataset.classes. ignore: neither to be found nor wrong to find (difficult, a crowd).
    """

    x1: float
    y1: float
    x2: float
    y2: float
    label: int
    ignore: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    """The pixels of one object: polygons or runs, in pixels of the upright image.

    label: index into Dataset.classes, VOID where the pixels are not to be counted. polygons: x1 y1 x2 y2 ... of each
    outline. runs: lengths of runs, column by column, of pixels outside and inside in turn (COCO's uncompressed RLE).
    """

    label: int
    polygons: tuple[tuple[float, ...], ...] = ()
    runs: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class MaskSource:
    """Where it is said what each pixel of an image is: a picture to be read by Dataset.legend, or shapes, the later on top.

    Neither: all of it is class 0.
    """

    file: Path | None = None
    shapes: tuple[Shape, ...] = ()


@dataclass(frozen=True, slots=True)
class Legend:
    """How the pictures of masks are read.

    kind: 'index' (the number of a pixel is looked up in `values`), 'colour' (its red, green and blue are), 'binary'
    (above half of the range is class 1), 'instance' (0 is class 0, any other number one object of class 1).
    values: number or (red, green, blue) -> index into Dataset.classes, or VOID (metrics.masks) where it is not counted.
    """

    kind: Literal["index", "colour", "binary", "instance"]
    values: Mapping[int | tuple[int, int, int], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled image.

    path: shown to people and used to match --splits lists; relative to Dataset.root, '/'-separated
          ('rose/a.jpg'), or 'container.npz#17' for an item of an array container.
    file: where the bytes are. item: None, or the index inside an array container.
    labels: indices into Dataset.classes; exactly one unless Dataset.multilabel.
    boxes: its objects; () is an image with nothing on it, None a layout that knows no boxes. Where there are boxes,
          `labels` are the classes of those that are not ignored, and the Dataset is multi-label.
    mask: where the class of each pixel stands, None a layout that knows no masks. Where there is one, `labels` are the
          classes that occur in it, and the Dataset is multi-label.
    value: the number to be told, or the index of the stage among Dataset.classes; None a layout that knows none.
    known: what is known of the image beside its pixels, a number for each of Dataset.columns.
    group: unit that must not be cut by a split (patient, track, plant), or None.
    split: 'train', 'val', 'test' or None, as given by the layout.
    weight: importance in training, > 0.
    clean: file of the picture that this one should be, None a layout that knows none.
    number: place among the images of its split, by which a stated degradation draws its noise.
    """

    path: str
    file: Path
    labels: tuple[int, ...]
    item: int | None = None
    group: str | None = None
    split: str | None = None
    weight: float = 1.0
    boxes: tuple[Box, ...] | None = None
    mask: MaskSource | None = None
    clean: Path | None = None
    number: int = 0
    value: float | None = None
    known: tuple[float, ...] = ()


@dataclass(frozen=True)
class Dataset:
    """Labelled images with their classes. Order of samples: sorted by path, so that seeds mean something.

    layout: name of the format that read it. notes: sentences to show a person (what was taken, what was left).
    problems: path -> why, for files that are named or present but cannot be used (missing, not an image).
    arrays: container file -> (N,H,W) or (N,H,W,C) array for samples with `item`.
    dropped: sentences about what the layout told and a Dataset does not hold; whoever writes it elsewhere has lost it.
    legend: how pictures of masks are read, None where there are none. instances: whether its masks tell objects of one
    class apart. turned: degrees of TURNS by which pictures of masks are turned before they lie on theirs; shapes never are.
    good: the class of pictures that are as they should be, where all others are kinds of defects; a mask then tells where
    the defect of a picture is. degradation: what its pictures go through before they are given, None where they are as
    they are. columns: names of what is known beside the pixels.
    """

    name: str
    root: Path
    layout: str
    classes: tuple[str, ...]
    samples: tuple[Sample, ...]
    multilabel: bool = False
    notes: tuple[str, ...] = ()
    problems: Mapping[str, str] = field(default_factory=dict)
    arrays: Mapping[Path, NDArray[np.generic]] = field(default_factory=dict, repr=False)
    legend: Legend | None = None
    instances: bool = False
    dropped: tuple[str, ...] = ()
    turned: int = 0
    good: int | None = None
    degradation: Degradation | None = None
    columns: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def task(self) -> str:
        """What the labels tell: 'anomaly' where one class is called good, 'detect' where there are boxes, 'segment' where there
        are masks, 'restore' where clean pictures are known, else 'classify'."""
        return self.tasks[0]

    @property
    def tasks(self) -> tuple[str, ...]:
        """All that can be learned from the labels, the usual first; pictures with boxes and masks can be asked for both."""
        if self.good is not None:
            return ("anomaly", "classify") if len(self.classes) > 1 else ("anomaly",)
        if any(s.value is not None for s in self.samples):
            return ("regress", "classify") if len(self.classes) > 1 else ("regress",)
        found = []
        if any(s.boxes is not None for s in self.samples):
            found.append("detect")
        if any(s.mask is not None for s in self.samples):
            found.append("segment")
        if self.degradation is not None or any(s.clean is not None for s in self.samples):
            found.append("restore")
        return (*found, "classify") if found or self.multilabel else ("classify", "identify")

    @property
    def noisy(self) -> bool:
        """Whether its pictures are noisy as they are, and no clean ones are known."""
        return self.degradation is not None and self.degradation.given

    def truth(self) -> NDArray[np.int64]:
        """(N,) class indices, or (N, C) of 0 and 1 where multi-label."""
        if self.multilabel:
            hot = np.zeros((len(self.samples), len(self.classes)), np.int64)
            for row, sample in enumerate(self.samples):
                hot[row, list(sample.labels)] = 1
            return hot
        return np.array([s.labels[0] for s in self.samples], np.int64)

    def groups(self) -> NDArray[np.int64] | None:
        """(N,) integer group of each sample; None where no sample has one. A sample without a group is its own."""
        if all(s.group is None for s in self.samples):
            return None
        names = [s.group if s.group is not None else f"\0{i}" for i, s in enumerate(self.samples)]
        order = {name: k for k, name in enumerate(dict.fromkeys(names))}
        return np.array([order[name] for name in names], np.int64)

    def split(self, name: str) -> NDArray[np.int64]:
        """Row numbers of the samples whose given split is `name`."""
        return np.array([i for i, s in enumerate(self.samples) if s.split == name], np.int64)

    def take(self, rows: NDArray[np.int64]) -> Dataset:
        """The same Dataset with these samples only, in this order; classes are kept."""
        return replace(self, samples=tuple(self.samples[int(i)] for i in rows))
