"""The mask of one sample as an array, from a picture or from shapes, checked against its picture.

Layouts leave out what they find wrong when they read (and say so); what is checked here again is what only the pixels
tell, or what has changed on disk since.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from objectif.data import mask_pictures, pixels
from objectif.data.dataset import Dataset, Legend, MaskSource, Sample, Shape
from objectif.data.legend_files import shown
from objectif.data.legends import GROUND, unpacked
from objectif.data.shapes import patches
from objectif.errors import DataError
from objectif.metrics.masks import VOID, Mask, has_background, packed

MOST_OBJECTS = 65_535
"""Objects of one image that a packed mask can count."""
_LISTED = 5

NO_MASK, NO_PICTURE, OTHER_SIZE, UNLISTED = "no mask", "no picture", "another size", "not in the legend"
KINDS = (NO_MASK, NO_PICTURE, OTHER_SIZE, UNLISTED)
"""What can be wrong with a mask; each stands in the sentence that says so."""


def read_mask(dataset: Dataset, row: int) -> Mask:
    """(H, W) what each pixel of the upright picture of sample `row` is: class + 256 * object (metrics.masks).

    uint8, or uint32 where the Dataset tells objects apart. A mask in a file is turned by Dataset.turned. Raises DataError:
    no mask, one that cannot be read or is of another size than its picture, numbers or colours that the legend does not
    have; ImageError: the picture is unreadable.
    """
    sample = dataset.samples[row]
    if sample.mask is None:
        raise DataError(f"{sample.path}: {NO_MASK}; expected one. Add it or leave the picture out.")
    size = pixels.size(dataset, row)
    if sample.mask.file is None:
        return _of_shapes(sample.mask.shapes, size, dataset, sample.path)
    if dataset.legend is None:
        raise DataError(
            f"{dataset.root}: masks without a legend; expected Dataset.legend to say how they are read."
        )
    image = mask_pictures.opened(sample.mask.file)
    why = other_size((image.height, image.width), size, str(sample.mask.file), dataset.turned)
    if why is not None:
        raise DataError(f"{sample.path}: {why}")
    try:
        mask = _of_picture(image, dataset.legend, str(sample.mask.file))
    except DataError as error:
        raise DataError(f"{sample.path}: {error}") from None
    return np.ascontiguousarray(np.rot90(mask, dataset.turned // 90)) if dataset.turned else mask


def other_size(mask: tuple[int, int], picture: tuple[int, int], name: str, turned: int = 0) -> str | None:
    """Why a mask of this (height, width), turned by so many degrees of TURNS, is none of a picture of that, or None."""
    if turned in {90, 270}:
        mask = mask[::-1]
    if mask == picture:
        return None
    after = f" turned by {turned} degrees" if turned else ""
    hint = ", as if the picture had been turned after it was drawn" if mask == picture[::-1] else ""
    return (
        f"the mask {name}{after} has {OTHER_SIZE} than its picture: {mask[1]} x {mask[0]} pixels, expected {picture[1]} x "
        f"{picture[0]}{hint}. Save it again at the picture's size, without smoothing{_turning(hint, turned)}."
    )


def _turning(hint: str, turned: int) -> str:
    """The other remedy where a mask has its picture's sides the other way round."""
    if not hint:
        return ""
    turns = "0 or 180" if turned in {90, 270} else "90 or 270"
    return f"; where all masks lie so, read them turned: --turn-masks {turns}"


def unlisted(values: Sequence[str], name: str) -> str:
    """The sentence about numbers or colours of a mask that are in no legend."""
    listed = ", ".join(values[:_LISTED]) + (", ..." if len(values) > _LISTED else "")
    return (
        f"the mask {name} holds {listed}, {UNLISTED}; expected the numbers or colours of the legend alone. Correct the mask "
        "or add them to the legend (as 'void' where they do not count)."
    )


def for_segmentation(dataset: Dataset) -> Dataset:
    """The Dataset with its masks alone, where it has boxes beside them: class 0 is background, labels are of the masks.

    Unchanged where there are no masks, or no boxes. Images without a mask are left out, which a note says.
    """
    if dataset.task == "segment" or "segment" not in dataset.tasks:
        return dataset
    shift = 0 if has_background(dataset.classes) else 1
    classes = (GROUND, *dataset.classes) if shift else dataset.classes
    kept = [s for s in dataset.samples if s.mask is not None]
    notes = [*dataset.notes, "masks are read, not boxes; what no object covers is 'background'"]
    if len(kept) < len(dataset):
        notes.append(f"{len(dataset) - len(kept)} image(s) without a mask left out")
    samples = tuple(_moved(s, s.mask, shift) for s in kept if s.mask is not None)
    return replace(dataset, classes=classes, samples=samples, notes=tuple(notes))


def _moved(sample: Sample, mask: MaskSource, shift: int) -> Sample:
    """A sample without boxes, its classes counted from `shift` on."""
    if mask.file is not None:
        return replace(sample, boxes=None)
    shapes = tuple(s if s.label == VOID else replace(s, label=s.label + shift) for s in mask.shapes)
    labels = tuple(sorted({0, *(s.label for s in shapes if s.label != VOID)}))
    return replace(sample, boxes=None, mask=MaskSource(shapes=shapes), labels=labels)


# --- pictures -----------------------------------------------------------------------------------------------------


def _of_picture(image: Image.Image, legend: Legend, name: str) -> Mask:
    """One opened mask by the legend."""
    if legend.kind == "colour":
        if image.mode == "F" or image.mode.startswith("I"):
            raise DataError(unlisted(["numbers of 16 bits"], name))
        return _looked_up(
            mask_pictures.colours(image), {_key(k): v for k, v in legend.values.items()}, legend, name
        )
    found = mask_pictures.numbers(image, name)
    if found is None:
        raise DataError(unlisted(["colours"], name))
    if legend.kind == "binary":
        half = 127 if found.size == 0 or found.max() < 256 else 32_767
        return (found > half).astype(np.uint8)
    if legend.kind == "instance":
        return _objects(found, legend)
    return _looked_up(found, {_key(k): v for k, v in legend.values.items()}, legend, name)


def _key(key: int | tuple[int, int, int]) -> int:
    """A number, or a colour as 0xRRGGBB."""
    return key if isinstance(key, int) else key[0] << 16 | key[1] << 8 | key[2]


def _looked_up(found: NDArray[Any], values: dict[int, int], legend: Legend, name: str) -> Mask:
    """(H, W) uint8 classes of numbers or packed colours; DataError names those that are not listed."""
    keys = np.array(sorted(values), np.int64)
    classes = np.array([values[int(k)] for k in keys], np.uint8)
    if found.dtype == np.uint8:
        table = np.zeros(256, np.uint8)
        table[keys[keys < 256]] = classes[keys < 256]
        there = np.flatnonzero(np.bincount(found.ravel(), minlength=256))
        strange = np.setdiff1d(there, keys)
        out = table[found]
    else:
        place = np.minimum(np.searchsorted(keys, found), len(keys) - 1)
        strange = np.unique(found[keys[place] != found])
        out = classes[place]
    if len(strange):
        raise DataError(unlisted([shown(_unkeyed(int(v), legend)) for v in strange], name))
    return np.asarray(out)


def _unkeyed(value: int, legend: Legend) -> int | tuple[int, int, int]:
    return unpacked(value) if legend.kind == "colour" else value


def _objects(found: NDArray[Any], legend: Legend) -> Mask:
    """(H, W) uint32: numbers that the legend does not name are objects of class 1, called as they are where that fits."""
    numbers = found
    if found.size and found.max() > MOST_OBJECTS:
        numbers = np.unique(found, return_inverse=True)[1].reshape(found.shape)
    own = np.ones(found.shape, np.uint8)
    objects = numbers.astype(np.uint32)
    for value, label in legend.values.items():
        own[found == value] = label
        objects[found == value] = 0
    return packed(own, objects)


# --- shapes -------------------------------------------------------------------------------------------------------


def _of_shapes(shapes: Sequence[Shape], size: tuple[int, int], dataset: Dataset, path: str) -> Mask:
    """(H, W) the shapes drawn in turn; what none covers is class 0, or VOID where class 0 is no background."""
    ground = 0 if has_background(dataset.classes) else VOID
    if len(shapes) > MOST_OBJECTS:
        raise DataError(
            f"{path}: {len(shapes)} objects; expected at most {MOST_OBJECTS}. Cut the picture into tiles."
        )
    mask: Mask = np.full(size, ground, np.uint32 if dataset.instances else np.uint8)
    for number, shape in enumerate(shapes, 1):
        _check_runs(shape, size, path)
        told = dataset.instances and shape.label != VOID
        value = packed(np.array([shape.label]), np.array([number]) if told else None)
        for top, left, inside in patches(shape, *size):
            mask[top : top + inside.shape[0], left : left + inside.shape[1]][inside] = value
    return mask


def _check_runs(shape: Shape, size: tuple[int, int], path: str) -> None:
    """DataError where the runs of a shape are of another size than the picture."""
    total = size[0] * size[1] if shape.runs is None else sum(shape.runs)
    if total != size[0] * size[1]:
        raise DataError(
            f"{path}: the runs of a mask have {OTHER_SIZE} than the picture: {total} pixels, expected {size[0] * size[1]} "
            f"({size[1]} x {size[0]}). Write the annotations anew for this picture."
        )
