"""From findings about masks to sentences: what is wrong and what to do, and what is worth saying but no worry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from objectif.data import splits
from objectif.data.dataset import Dataset
from objectif.data.masks import NO_MASK, NO_PICTURE, OTHER_SIZE, UNLISTED
from objectif.errors import DataError
from objectif.health.mask_turns import Turn
from objectif.health.masks import SPECK, Masks
from objectif.health.words import count, percent, shown, some
from objectif.health.worries import Worry

_MANY_EMPTY = 0.5
_RARE = 0.01
"""Share of pixels below which a class is rare: by a loss that weighs pixels alike it is easily never answered."""
_MANY_SPECKS = 0.1


def of_masks(
    found: Masks | None, data: Dataset, paths: Sequence[str], turn: Turn | None = None
) -> Iterator[Worry]:
    """Masks that do not fit, are missing or hold nothing, and splits that `solve` refuses. data: the readable images.

    turn: how the masks would lie better; graver than leakage, as figures are then of nothing at all.
    """
    if found is None:
        return
    if turn is not None:
        yield Worry("turned masks", 101, turn.sentence, turn.remedy)
    yield from _of_splits(data)
    if found.broken:
        row, why = next(iter(found.broken.items()))
        yield Worry(
            "broken masks",
            66,
            f"{count(len(found.broken), 'mask')} cannot be read, e.g. of {shown(paths[row])}: {shown(why.rstrip('.'))}.",
            "Correct them, or take their pictures out: `solve` stops at the first.",
            tuple((row,) for row in list(found.broken)[:6]),
        )
    yield from _of_left_out(found)
    share = len(found.empty) / max(1, found.images)
    if share >= _MANY_EMPTY:
        yield Worry(
            "empty masks",
            48,
            f"{count(len(found.empty), 'mask')} of {found.images:,} ({percent(share)}) "
            f"{'holds' if len(found.empty) == 1 else 'hold'} no object, e.g. of {shown(paths[found.empty[0]])}.",
            "If nobody has drawn them yet, take them out: here they teach that nothing is to be found.",
            tuple((row,) for row in found.empty[:6]),
        )


def _of_splits(data: Dataset) -> Iterator[Worry]:
    """What `solve` would say of the splits."""
    try:
        splits.plan(data)
    except DataError as error:
        yield Worry(
            "splits",
            97,
            f"`solve` refuses these data: {shown(str(error))}",
            "Do as it says, then inspect again.",
        )


def _of_left_out(found: Masks) -> Iterator[Worry]:
    """Masks and pictures that the layout left out, by what is wrong."""
    told = (
        (OTHER_SIZE, 63, "mask has another size than its picture", "masks have another size than their pictures",
         "Save them at the size of their pictures, without smoothing."),
        (UNLISTED, 61, "mask holds numbers or colours that the legend has not", "masks hold numbers or colours that the legend has not",
         "Correct the masks, or add the numbers to the legend (`--legend FILE`), as void where they do not count."),
        (NO_MASK, 45, "picture has no mask", "pictures have no mask",
         "If nothing is to be found on them, give each a mask of background: they are good negatives. Else draw them."),
        (NO_PICTURE, 44, "mask has no picture", "masks have no picture",
         "Check the names: a mask is found by the stem of its picture."),
    )  # fmt: skip
    for kind, weight, one, many, remedy in told:
        paths = found.left_out.get(kind, {})
        if paths:
            yield Worry(
                f"masks: {kind}",
                weight,
                f"{len(paths):,} {one if len(paths) == 1 else many} and {'is' if len(paths) == 1 else 'are'} left out: "
                f"{some(list(paths))}.{_reason(kind, paths)}",
                remedy,
            )


def _reason(kind: str, paths: Mapping[str, str]) -> str:
    """The first one's own sentence, where it has one."""
    return (
        f" The first: {shown(next(iter(paths.values())).rstrip('.'))}."
        if kind in {OTHER_SIZE, UNLISTED}
        else ""
    )


def notes(found: Masks | None) -> list[str]:
    """Pixels, objects and sizes, in sentences."""
    if found is None:
        return []
    said = []
    named = {k: v for k, v in found.by_class.items() if k != found.background}
    total = sum(c.objects for c in named.values())
    middle, most = found.per_image
    what = "object" if found.instances else "region"
    said.append(
        f"{count(total, what)} in {count(found.images, 'mask')}: {middle:g} in the median image, {most:,} in the fullest."
    )
    if found.void:
        said.append(f"{percent(found.void)} of the pixels are void: not counted.")
    if found.empty and len(found.empty) < _MANY_EMPTY * found.images:
        said.append(f"{count(len(found.empty), 'mask')} without an object: nothing is to be found there.")
    rare = [f"{name} ({percent(c.share)})" for name, c in named.items() if 0 < c.share < _RARE]
    if rare:
        said.append(
            f"Rare by pixels: {some(rare)}. Mean IoU weighs all classes alike; a loss that weighs pixels alike may never "
            "answer them."
        )
    specks = sum(c.specks for c in named.values())
    if specks >= _MANY_SPECKS * max(1, total):
        said.append(
            f"{count(specks, what)} of fewer than {SPECK} pixels: slips of the brush, or smoothed edges."
        )
    return said
