"""What boxes say: how many objects, how large, how dense, and the boxes that look like slips.

Five kinds of slips are looked for. *outside*: a corner lies more than a pixel beyond the image (whether pixels are
counted from 0 or 1 is no slip). *empty*: no area. *tiny*: a side under 4 pixels; no detector finds it, and most are the
mark of a slipped mouse. *twice*: two boxes of one class with IoU above 0.9. *contradiction*: two boxes of different
classes with IoU above 0.95. Objects that are small beside their image (under 1 % of its side) are no slips; they vanish
where an image is shrunk to a network's size, so they are told of with the sizes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from objectif.data.dataset import Box, Dataset
from objectif.health.looks import Looks

Reals = NDArray[np.float64]

TINY = 4.0
"""Pixels of a side below which a box is tiny."""
FAINT = 0.01
"""Share of the image's side below which an object vanishes in a shrunk image."""
_BEYOND = 1.0
_TWICE, _CONTRADICTION = 0.9, 0.95
_SMALL, _LARGE = 32.0**2, 96.0**2  # the areas by which AP_small, AP_medium and AP_large are told


@dataclass(frozen=True)
class Flaw:
    """Boxes of one image that look like slips. boxes: their numbers in Sample.boxes. words: what is seen."""

    row: int
    boxes: tuple[int, ...]
    words: str


@dataclass(frozen=True)
class OfClass:
    """Objects of one class: how many, in how many images; median width and height in pixels, and the median of the
    square root of the share of the image that they cover."""

    objects: int
    images: int
    ignored: int
    width: float
    height: float
    side: float


@dataclass(frozen=True)
class Objects:
    """Boxes of the readable images. by_class: name -> OfClass. per_image: median, largest number of objects in an image.

    negatives: rows without an object. small, medium, large: objects by area as COCO counts (below 32², from 96² pixels).
    faint: objects whose longer side is under 1 % of the image's longer side. turned: images whose boxes would fit if
    width and height were exchanged. The rest are flaws.
    """

    total: int
    ignored: int
    images: int
    by_class: dict[str, OfClass]
    per_image: tuple[float, int]
    negatives: tuple[int, ...]
    small: int
    medium: int
    large: int
    faint: int
    turned: int
    outside: tuple[Flaw, ...]
    empty: tuple[Flaw, ...]
    tiny: tuple[Flaw, ...]
    twice: tuple[Flaw, ...]
    contradictions: tuple[Flaw, ...]

    @property
    def flaws(self) -> dict[str, tuple[Flaw, ...]]:
        """Kind -> flaws, the gravest kind first."""
        return {
            "no area": self.empty,
            "outside the image": self.outside,
            "one place, two classes": self.contradictions,
            "boxed twice": self.twice,
            "tiny": self.tiny,
        }

    def to_dict(self, paths: Sequence[str]) -> dict[str, object]:
        """JSON-ready; images by path."""
        plain = asdict(self)
        for key in ("outside", "empty", "tiny", "twice", "contradictions"):
            found: tuple[Flaw, ...] = getattr(self, key)
            plain[key] = [{"path": paths[f.row], "boxes": list(f.boxes), "what": f.words} for f in found]
        plain["negatives"] = [paths[row] for row in self.negatives]
        return plain


def objects(dataset: Dataset, looks: Looks) -> Objects | None:
    """Look at all boxes of the readable images; None where there are no boxes. looks are of the whole Dataset."""
    if dataset.task != "detect":
        return None
    found: dict[str, list[Flaw]] = {k: [] for k in ("outside", "empty", "tiny", "twice", "contradictions")}
    seen = [
        _look_at(row, dataset, (info.width, info.height), found)
        for row, info in enumerate(looks.infos)
        if info is not None
    ]
    sides, labels, shares, faint = _gathered(seen)
    ignored = Counter(box.label for one in seen for box in dataset.samples[one.row].boxes or () if box.ignore)
    areas, counts = sides.prod(1), [len(one.labels) for one in seen]
    small, large = int((areas < _SMALL).sum()), int((areas >= _LARGE).sum())
    of_class = {}
    for k, name in enumerate(dataset.classes):
        images = sum(k in dataset.samples[one.row].labels for one in seen)
        of_class[name] = _of_class(sides[labels == k], shares[labels == k], images, ignored[k])
    return Objects(
        total=len(areas),
        ignored=ignored.total(),
        images=len(seen),
        by_class=of_class,
        per_image=(float(np.median(counts)) if counts else 0.0, max(counts, default=0)),
        negatives=tuple(one.row for one in seen if not dataset.samples[one.row].boxes),
        small=small,
        medium=len(areas) - small - large,
        large=large,
        faint=faint,
        turned=sum(one.turned for one in seen),
        **{kind: tuple(flaws) for kind, flaws in found.items()},
    )


@dataclass(frozen=True)
class _Seen:
    """One image: (n, 2) width and height and (n,) label of the objects that count, its size, whether it was turned."""

    row: int
    sides: Reals
    labels: NDArray[np.int64]
    size: tuple[int, int]
    turned: bool


def _gathered(seen: Sequence[_Seen]) -> tuple[Reals, NDArray[np.int64], Reals, int]:
    """(n, 2) sides, (n,) labels, (n,) square root of the share of the image, and how many are faint."""
    if not seen:
        return np.zeros((0, 2)), np.zeros(0, np.int64), np.zeros(0), 0
    sides = np.concatenate([one.sides for one in seen])
    labels = np.concatenate([one.labels for one in seen])
    shares = np.concatenate([np.sqrt(one.sides.prod(1) / (one.size[0] * one.size[1])) for one in seen])
    faint = sum(int((one.sides.max(1, initial=0.0) < FAINT * max(one.size)).sum()) for one in seen)
    return sides, labels, shares, faint


def _of_class(sides: Reals, shares: Reals, images: int, ignored: int) -> OfClass:
    if not len(sides):
        return OfClass(0, images, ignored, 0.0, 0.0, 0.0)
    width, height = (round(float(v), 1) for v in np.median(sides, axis=0))
    return OfClass(len(sides), images, ignored, width, height, round(float(np.median(shares)), 4))


def _look_at(row: int, dataset: Dataset, size: tuple[int, int], found: dict[str, list[Flaw]]) -> _Seen:
    """One image of size (width, height); its flaws are added to `found`."""
    boxes, classes = dataset.samples[row].boxes or (), dataset.classes
    corners = np.array([(b.x1, b.y1, b.x2, b.y2) for b in boxes], np.float64).reshape(-1, 4)
    kept = np.array([not b.ignore for b in boxes], bool)
    labels = np.array([b.label for b in boxes], np.int64)
    sides = corners[:, 2:] - corners[:, :2]
    empty = (sides <= 0).any(1)
    tiny = ~empty & (sides < TINY).any(1) & kept
    beyond = np.maximum(-corners[:, :2], corners[:, 2:] - np.array(size, np.float64)).max(1, initial=-np.inf)
    for k in np.flatnonzero(beyond > _BEYOND).tolist():
        whole = bool((corners[k, 2:] <= 0).any() or (corners[k, :2] >= size).any())
        words = "wholly outside" if whole else f"{beyond[k]:.0f} px beyond the edge"
        found["outside"].append(Flaw(row, (k,), f"{_named(boxes, classes, k)}: {words}"))
    for kind, mask in (("empty", empty), ("tiny", tiny)):
        for k in np.flatnonzero(mask).tolist():
            words = f"{_named(boxes, classes, k)}: {sides[k, 0]:.3g} x {sides[k, 1]:.3g} px"
            found[kind].append(Flaw(row, (k,), words))
    _compare(row, boxes, corners, classes, found)
    turned = _would_fit(corners, *size)
    return _Seen(row, sides[kept], labels[kept], size, turned)


def _compare(
    row: int, boxes: Sequence[Box], corners: Reals, classes: Sequence[str], found: dict[str, list[Flaw]]
) -> None:
    """Add pairs of boxes that cover the same place."""
    overlap = _overlaps(corners)
    for a, b in np.argwhere(np.triu(overlap > _TWICE, 1)).tolist():
        same = boxes[a].label == boxes[b].label
        words = f"{_named(boxes, classes, a)} and {_named(boxes, classes, b)}: IoU {overlap[a, b]:.2f}"
        if same and not boxes[a].ignore and not boxes[b].ignore:
            found["twice"].append(Flaw(row, (a, b), words))
        elif not same and overlap[a, b] > _CONTRADICTION:
            found["contradictions"].append(Flaw(row, (a, b), words))


def _named(boxes: Sequence[Box], classes: Sequence[str], k: int) -> str:
    return f"{classes[boxes[k].label]} (box {k + 1})"


def _overlaps(corners: Reals) -> Reals:
    """(n, n) intersection over union; 0 where a box has no area."""
    low = np.maximum(corners[:, None, :2], corners[None, :, :2])
    high = np.minimum(corners[:, None, 2:], corners[None, :, 2:])
    both = np.clip(high - low, 0, None).prod(2)
    area = (corners[:, 2:] - corners[:, :2]).prod(1)
    either = area[:, None] + area[None] - both
    return np.asarray(np.divide(both, either, out=np.zeros_like(both), where=either > 0))


def _would_fit(corners: Reals, width: int, height: int) -> bool:
    """Whether a box is outside the upright image and all are inside one turned by a quarter."""
    if not len(corners) or width == height:
        return False
    most = corners[:, 2:].max(0)
    out = (most > np.array([width, height]) + _BEYOND).any()
    return bool(out and (most <= np.array([height, width]) + _BEYOND).all())
