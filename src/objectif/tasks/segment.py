"""Segmentation: which class each pixel has, and which object where the data tell objects apart.

Truth and answers are masks (N, H, W) as metrics.masks packs them, in pixels of the upright picture, VOID beyond a smaller
one. A network gives logits on a grid, and how deep in its object each cell lies; what is made of them (a bias for each class,
where an object begins) is tuned on held-out images and belongs to the Solution.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from objectif.answers import Masks
from objectif.data.masks import read_mask
from objectif.errors import DataError, SolutionError
from objectif.images.prepare import Fit, Placement, Preparation, placement
from objectif.images.tiles import Tile
from objectif.metrics.base import Metric
from objectif.metrics.masks import VOID, classes_of, has_background, objects_of, packed, padded
from objectif.tasks import segment_exhibits
from objectif.tasks.base import Traits
from objectif.tasks.exhibits import Exhibit
from objectif.tasks.places import levels, likeliest, there
from objectif.tasks.segment_tuning import best_bias, best_objects
from objectif.tasks.watershed import DEEPEST, objects

if TYPE_CHECKING:
    from objectif.data.dataset import Dataset

Arrays = NDArray[Any]
MOST_BYTES = 6e9  # of all masks of a Dataset together; they are in memory at once
SEED = 100  # depth of a seed where nothing better is known
_KEYS = ("bias", "instances", "by_shape", "seed", "smallest")


@dataclass(frozen=True)
class Decoding:
    """How a network's grid becomes a mask.

    bias: added to the logits of each class; None: nothing. instances: whether objects of one class are told apart.
    by_shape: depths from the shape of the foreground, not from the
    network. seed: depth in 1..254 from which a pixel is an object's seed. smallest: pixels of an object, at least.
    """

    bias: tuple[float, ...] | None = None
    instances: bool = False
    by_shape: bool = False
    seed: int = SEED
    smallest: int = 1

    def __post_init__(self) -> None:
        if self.bias is not None and not all(math.isfinite(b) for b in self.bias):
            raise SolutionError(f"bias is {self.bias}; expected finite numbers.")
        for name, least, most in (("seed", 1, DEEPEST), ("smallest", 1, 2**31)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
                raise SolutionError(f"{name} is {value!r}; expected a whole number of {least} to {most}.")

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        bias = None if self.bias is None else list(self.bias)
        return {**{key: getattr(self, key) for key in _KEYS}, "bias": bias}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Decoding:
        """The inverse of to_dict; SolutionError on unknown keys or wrong types."""
        unknown = set(values) - set(_KEYS)
        if unknown:
            raise SolutionError(
                f"decoding has unknown keys {sorted(unknown)}; this objectif may be too old for the file."
            )
        try:
            bias = values.get("bias")
            return cls(**{**values, "bias": None if bias is None else tuple(float(b) for b in bias)})
        except (TypeError, ValueError) as error:
            raise SolutionError(
                f"decoding {dict(values)} has a value that is not a number ({error})."
            ) from error


class Segment:
    """The task: what each pixel is."""

    name = "segment"
    outputs = ("scores", "distance")
    fit: Fit = "pad"
    tiled = True
    whole = True
    traits = Traits()

    def usual_metric(self, multilabel: bool) -> str:
        """The objective where nobody names one."""
        return "mIoU"

    def losses(self, multilabel: bool) -> tuple[str, ...]:
        """One for the logits of all pixels."""
        return ("mask",)

    def metrics(self, multilabel: bool) -> tuple[str, ...]:
        """Metrics that are always told."""
        return (
            "mIoU",
            "pixel_accuracy",
            "dice",
            "dice_pooled",
            "hd95",
            "nsd",
            "instance_AP50",
            "instance_AP50_90",
            "PQ",
        )

    def forth(self, truth: Arrays, placements: Sequence[Placement], size: tuple[int, int]) -> Arrays:
        """Truth (n, H, W) of pictures as masks (n, h, w) of their prepared images of `size` (h, w); VOID in the bars."""
        return np.stack([there(t, *size, p, VOID) for t, p in zip(truth, placements, strict=True)])

    def turned(self, truth: Arrays, view: str, height: int, width: int) -> Arrays:
        """Truth of images of height x width seen as 'mirror' (left-right), 'flip' (up-down) or 'turn' (90 degrees)."""
        if view == "mirror":
            return truth[:, :, ::-1]
        if view == "flip":
            return truth[:, ::-1]
        return np.rot90(truth, axes=(1, 2)) if view == "turn" else truth

    def truth(self, dataset: Dataset, classes: Sequence[str] | None = None) -> Arrays:
        """(N, H, W) the masks of a Dataset, classes numbered in the order of `classes`.

        Raises DataError where an image has no mask, a mask cannot be read, or a class is not among `classes`.
        """
        names = tuple(dataset.classes) if classes is None else tuple(classes)
        table = np.full(256, VOID, np.uint8)
        for label, name in enumerate(dataset.classes):
            used = name in names or any(label in s.labels for s in dataset.samples)
            if name in names:
                table[label] = names.index(name)
            elif used:
                raise DataError(_unknown(name, names))
        masks = []
        for row, sample in enumerate(dataset.samples):
            if sample.mask is None:
                raise DataError(
                    f"{sample.path} has no mask; expected one for every image. Give data in a layout of masks, or name "
                    "another task."
                )
            mask = read_mask(dataset, row)
            told = table[classes_of(mask)]
            masks.append(packed(told, objects_of(mask)) if dataset.instances else told)
        high, wide = (max(mask.shape[axis] for mask in masks) for axis in (0, 1))
        size = len(masks) * high * wide * masks[0].itemsize
        if size > MOST_BYTES:
            raise DataError(
                f"{dataset.name}: {len(masks)} masks, padded to the largest ({wide} x {high} pixels), take {size / 1e9:.0f} "
                f"GB of memory; expected at most {MOST_BYTES / 1e9:.0f}. Cut the large pictures and their masks into parts."
            )
        return padded(masks)

    def empty(self, n: int, classes: int) -> NDArray[np.uint8]:
        """(n, 1, 1) masks of class 0."""
        return np.zeros((n, 1, 1), np.uint8)

    def decoding(self, values: Mapping[str, Any] | None = None) -> Decoding:
        """A Decoding from to_dict()'s table; the neutral one without."""
        return Decoding() if values is None else Decoding.from_dict(values)

    def check(self, decoding: Decoding, classes: int, multilabel: bool) -> None:
        """SolutionError where the decoding does not fit the classes."""
        if classes < 2:
            raise SolutionError(f"{classes} class; a segmenter needs at least two.")
        if decoding.bias is not None and len(decoding.bias) != classes:
            raise SolutionError(
                f"decoding has a bias for {len(decoding.bias)} classes; expected {classes}, one each."
            )

    def decode(
        self,
        outputs: Mapping[str, Arrays],
        decoding: Decoding,
        multilabel: bool,
        placements: Sequence[Placement],
    ) -> Arrays:
        """Outputs 'scores' (n, h, w, C) logits and 'distance' (n, h, w, 1) to masks (n, H, W), VOID beyond smaller pictures."""
        scores, distance = _outputs(outputs, len(placements))
        masks = []
        for logits, deep, place in zip(scores, distance, placements, strict=True):
            classes, depth = _grid(logits, deep, decoding, place)
            masks.append(_told(classes, depth, decoding))
        return padded(masks)

    def tile_place(self, tile: Tile, height: int, width: int, preparation: Preparation) -> Placement:
        """Where a tile's answer lies: in the tile itself."""
        return placement(tile.bottom - tile.top, tile.right - tile.left, tile.part(preparation))

    def tile_decode(
        self,
        outputs: Mapping[str, Arrays],
        decoding: Decoding,
        multilabel: bool,
        placements: Sequence[Placement],
    ) -> Arrays:
        """As decode(), but depths in place of objects, because an object may go on beyond its tile."""
        scores, distance = _outputs(outputs, len(placements))
        grids = [_grid(s, d, decoding, p) for s, d, p in zip(scores, distance, placements, strict=True)]
        return padded([packed(c, d) if _stitches_depths(decoding) else c for c, d in grids])

    def stitch(
        self, parts: Iterable[tuple[Tile, Arrays]], height: int, width: int, decoding: Decoding
    ) -> Arrays:
        """Answers (1, h, w) of tile_decode() for the tiles of a picture as one (1, height, width): each tile's core."""
        classes = np.zeros((height, width), np.uint8)
        depth = np.zeros((height, width), np.uint8) if _stitches_depths(decoding) else None
        for tile, rows in parts:
            x1, y1, x2, y2 = (round(v) for v in tile.core)
            core = rows[0, y1 - tile.top : y2 - tile.top, x1 - tile.left : x2 - tile.left]
            classes[y1:y2, x1:x2] = classes_of(core)
            if depth is not None:
                depth[y1:y2, x1:x2] = objects_of(core)
        return _told(classes, depth, decoding)[None]

    def stacked(self, parts: Sequence[Arrays], truth: Arrays) -> Arrays:
        """(N, H, W) of several (n, h, w), as large as truth (N, H, W)."""
        whole = padded([*(mask for part in parts for mask in part), np.full(truth.shape[1:], VOID, np.uint8)])
        return whole[:-1]

    def fit_decoding(
        self,
        outputs: Mapping[str, Arrays],
        truth: Arrays,
        multilabel: bool,
        placements: Sequence[Placement],
        metric: Metric,
    ) -> Decoding:
        """Biases that are best for the mean IoU of these images, then seeds that find the most objects."""
        scores, distance = _outputs(outputs, len(placements))
        bias = None if metric.name == "pixel_accuracy" else best_bias(scores, truth, placements)
        instances = truth.dtype != np.uint8
        plain = Decoding(bias, instances)
        if not instances:
            return plain

        def decoded(row: int, by_shape: bool) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
            return _grid(
                scores[row],
                distance[row],
                Decoding(bias, True, by_shape),
                placements[row],
            )

        by_shape, seed, smallest = best_objects(decoded, truth, placements, bool(distance.any()))
        return Decoding(bias, True, by_shape, seed, smallest)

    def operate(self, decoding: Decoding, truth: Arrays, answers: Arrays, multilabel: bool) -> Decoding:
        """The decoding as it is: each pixel is answered."""
        return decoding

    def told(self, metric: str, answers: Arrays, decoding: Decoding, multilabel: bool) -> Arrays:
        """The answers as they are."""
        return answers

    def answers(
        self,
        paths: Sequence[str],
        classes: tuple[str, ...],
        decoded: Arrays,
        decoding: Decoding,
        multilabel: bool,
        placements: Sequence[Placement],
    ) -> list[Masks]:
        """One Masks for each image, of its own size."""
        out = []
        for path, mask, place in zip(paths, decoded, placements, strict=True):
            own = np.ascontiguousarray(mask[: place.height, : place.width])
            out.append(Masks(path, classes, own, has_background(classes)))
        return out

    def exhibits(
        self,
        paths: Sequence[str],
        classes: tuple[str, ...],
        truth: Arrays,
        answers: Arrays,
        decoding: Mapping[str, Any] | None = None,
        seed: int = 0,
        groups: NDArray[np.int64] | None = None,
    ) -> list[Exhibit]:
        """Classes, confusion, errors, cases."""
        instances = self.decoding(decoding).instances
        return segment_exhibits.exhibits(
            paths, classes, truth, answers, has_background(classes), instances, seed, groups
        )


def _grid(
    logits: Arrays, distance: Arrays, decoding: Decoding, place: Placement
) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """Class and depth (H, W) of each pixel of the picture; depth None: that of the shape, or not asked for."""
    bias = np.zeros(logits.shape[2]) if decoding.bias is None else np.array(decoding.bias)
    classes = likeliest(logits, bias.astype(np.float32), place)
    if not decoding.instances:
        return classes, None
    if decoding.by_shape:
        return classes, None
    return classes, levels(distance[:, :, 0], DEEPEST, place)


def _stitches_depths(decoding: Decoding) -> bool:
    """Whether a tile has to hand on depths: those of the shape are told by the whole picture, as an island may go on."""
    return decoding.instances and not decoding.by_shape


def _told(classes: NDArray[np.uint8], depth: NDArray[np.uint8] | None, decoding: Decoding) -> Arrays:
    """The mask (H, W) of an answer; what is too small to be an object is background."""
    if not decoding.instances:
        return classes
    found = objects(classes, depth, decoding.seed, decoding.smallest)
    classes[found == 0] = 0
    found <<= 8
    found |= classes
    return found


def _outputs(outputs: Mapping[str, Arrays], n: int) -> tuple[Arrays, Arrays]:
    missing = [name for name in Segment.outputs if name not in outputs]
    if missing:
        raise SolutionError(
            f"the network has no output {missing[0]!r}; a segmenter gives 'scores' (N, h, w, C) and 'distance' "
            "(N, h, w, 1)."
        )
    scores, distance = outputs["scores"], outputs["distance"]
    fits = scores.ndim == distance.ndim == 4 and distance.shape == (*scores.shape[:3], 1)
    if not fits or len(scores) != n:
        raise SolutionError(
            f"the network gives scores {scores.shape} and distance {distance.shape} for {n} images; expected "
            "(N, h, w, C) and (N, h, w, 1)."
        )
    if not np.isfinite(scores).all() or not np.isfinite(distance).all():
        raise SolutionError(
            "the network gives numbers that are not finite; run `objectif check` on the Solution."
        )
    return scores, distance


def _unknown(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return (
        f"the masks show {name!r}, a class that is not known here{hint}; expected one of "
        f"{', '.join(map(repr, known[:20]))}. Rename it in the legend, or make its pixels void."
    )


TASK = Segment()
