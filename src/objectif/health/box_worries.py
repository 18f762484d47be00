"""From findings about boxes to sentences: what is wrong and what to do, and what is worth saying but no worry."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from objectif.data.dataset import Dataset
from objectif.health.objects import Flaw, Objects
from objectif.health.words import count, percent, shown, some
from objectif.health.worries import IMBALANCE, Worry

_FEW_OUTSIDE = 0.01
"""Share of boxes a little outside from which it is a worry: a few are the rounding of some tool."""
_MANY_NEGATIVES = 0.5
_MANY_FAINT = 0.1
_CROWDED = 100


@dataclass(frozen=True)
class _Slip:
    """How one kind of flaw is told. one, many: what follows their number."""

    kind: str
    weight: int
    one: str
    many: str
    remedy: str


_SLIPS = (
    _Slip(
        "empty boxes",
        59,
        "box has no area",
        "boxes have no area",
        "Draw them again or delete them: they teach nothing and cannot be found.",
    ),
    _Slip(
        "contradicting boxes",
        56,
        "object is boxed under two classes",
        "objects are boxed under two classes",
        "Decide which class is right and delete the other box.",
    ),
    _Slip(
        "boxes twice",
        52,
        "object is boxed twice",
        "objects are boxed twice",
        "Delete one box of each pair: a detector that finds the object once is told that it missed one.",
    ),
    _Slip(
        "tiny boxes",
        42,
        "box has a side under 4 pixels",
        "boxes have a side under 4 pixels",
        "Look at them: most are slips. If they are objects, mark them difficult, as no detector finds them.",
    ),
)


def of_objects(found: Objects | None, paths: Sequence[str]) -> Iterator[Worry]:
    """Boxes that look like slips, and images that may not be labelled at all."""
    if found is None:
        return
    yield from _of_outside(found, paths)
    for slip, flaws in zip(_SLIPS, (found.empty, found.contradictions, found.twice, found.tiny), strict=True):
        if flaws:
            what = f"{len(flaws):,} {slip.one if len(flaws) == 1 else slip.many}"
            example = _example(flaws, paths)
            yield Worry(slip.kind, slip.weight, f"{what}, e.g. {example}.", slip.remedy, _rows(flaws))
    share = len(found.negatives) / max(1, found.images)
    if share >= _MANY_NEGATIVES:
        yield Worry(
            "negatives",
            48,
            f"{count(len(found.negatives), 'image')} of {found.images:,} ({percent(share)}) "
            f"{'holds' if len(found.negatives) == 1 else 'hold'} no object, e.g. {shown(paths[found.negatives[0]])}.",
            "If they are not labelled yet, take them out: here they teach that nothing is to be found on them.",
            tuple((row,) for row in found.negatives[:6]),
        )


def of_splits(data: Dataset, rows: Sequence[int]) -> Iterator[Worry]:
    """Given splits without any object: `solve` refuses them, as nothing can be learned from them, or judged by them.

    data: the readable images. rows: their numbers among all images, for the pictures.
    """
    if data.task != "detect" or all(s.split is None for s in data.samples):
        return
    parts: dict[str, list[int]] = {}
    for k, sample in enumerate(data.samples):
        parts.setdefault(sample.split or "train", []).append(k)
    for part, members in sorted(parts.items()):
        if any(not box.ignore for k in members for box in data.samples[k].boxes or ()):
            continue
        use = "to learn from" if part == "train" else "to judge by"
        yield Worry(
            "split without objects",
            97,
            f"The given split {shown(part)} holds no object in {count(len(members), 'image')}, e.g. "
            f"{shown(data.samples[members[0]].path)}; `solve` expects at least one {use}.",
            "Check that the labels of its images were found, or draw the splits anew.",
            tuple((int(rows[k]),) for k in members[:6]),
        )


def _of_outside(found: Objects, paths: Sequence[str]) -> Iterator[Worry]:
    flaws = found.outside
    whole = [f for f in flaws if f.words.endswith("wholly outside")]
    if not whole and len(flaws) < _FEW_OUTSIDE * max(1, found.total + found.ignored):
        return
    more = f"; {len(whole):,} of them wholly" if whole else ""
    turned = (
        f" In {count(found.turned, 'image')} they would fit if width and height were exchanged: they were drawn before "
        "the image was turned upright."
        if found.turned
        else ""
    )
    yield Worry(
        "boxes outside",
        64 if whole else 54,
        f"{count(len(flaws), 'box lies', 'boxes lie')} partly outside the image{more}, e.g. "
        f"{_example(whole or flaws, paths)}.{turned}",
        "Check that labels and images belong together and were not scaled or turned apart. In training, boxes are cut at "
        "the edge.",
        _rows(whole or flaws),
    )


def _example(flaws: Sequence[Flaw], paths: Sequence[str]) -> str:
    return f"{shown(paths[flaws[0].row])}, {shown(flaws[0].words)}"


def _rows(flaws: Sequence[Flaw]) -> tuple[tuple[int, ...], ...]:
    """The images, each once."""
    return tuple((row,) for row in dict.fromkeys(f.row for f in flaws))


def notes(found: Objects | None) -> list[str]:
    """Sizes and density, in sentences."""
    if found is None:
        return []
    middle, most = found.per_image
    said = [
        f"{count(found.total, 'object')} in {count(found.images, 'image')}: {middle:g} in the median image, {most:,} in "
        f"the fullest; {found.small:,} small (below 32 x 32 px), {found.medium:,} medium, {found.large:,} large (from "
        "96 x 96 px)."
    ]
    if found.ignored:
        said.append(
            f"{count(found.ignored, 'object')} marked difficult or crowd: neither to be found nor wrong."
        )
    if found.negatives and len(found.negatives) < _MANY_NEGATIVES * found.images:
        one = len(found.negatives) == 1
        said.append(
            f"{count(len(found.negatives), 'image')} without objects {'is' if one else 'are'} kept as "
            f"{'a negative' if one else 'negatives'}: nothing is to be found on {'it' if one else 'them'}."
        )
    few = [f for f in found.outside if not f.words.endswith("wholly outside")]
    if few and len(few) == len(found.outside) and len(few) < _FEW_OUTSIDE * (found.total + found.ignored):
        said.append(
            f"{count(len(few), 'box lies', 'boxes lie')} a little outside the image; cut at its edge."
        )
    if found.faint >= _MANY_FAINT * max(1, found.total):
        said.append(
            f"{count(found.faint, 'object')} ({percent(found.faint / max(1, found.total))}) under 1% of the image's side: "
            "they vanish where images are shrunk to 640 px; large images are better answered in tiles."
        )
    if most > _CROWDED:
        said.append(f"Up to {most:,} objects in one image: as many answers are kept for each.")
    return [*said, *_imbalance(found)]


def _imbalance(found: Objects) -> Iterator[str]:
    numbers = {name: c.objects for name, c in found.by_class.items() if c.objects}
    if not numbers:
        return
    most = max(numbers.values())
    rare = [name for name, n in numbers.items() if n * IMBALANCE <= most]
    if rare:
        listed = some([f"{name} ({numbers[name]:,})" for name in sorted(rare, key=lambda n: numbers[n])])
        common = max(numbers, key=lambda n: numbers[n])
        yield (
            f"{shown(common)} has {most:,} objects, ten times and more those of {listed}: mAP weighs all classes "
            "alike, so the rare ones decide as much, with less certainty."
        )
