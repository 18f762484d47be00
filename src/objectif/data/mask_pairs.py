"""Pictures and their masks among the files of a folder: where masks lie, and which is of which picture.

    images/a.jpg  masks/a.png                       a folder whose name says so, at any depth: masks, labels, trainannot ...
    train/a.jpg   trainannot/a.png                  splits in the names of folders
    a.jpg  a_mask.png                               side by side with such an ending
    a.jpg  a.png                                    side by side with another suffix, where half of the .png are so

A pair shares its stem, after the endings _image, _img, _mask, _masks, _annotation, _annot, _label, _labels, _gt and _seg are
taken from either. Two readings (masks of two kinds for the same pictures, or two kinds of pictures) are never decided here:
a guess would be a wrong answer everywhere after.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from objectif.data.files import SPLIT_NAMES, Parts, split_in
from objectif.errors import LayoutAmbiguous

RULE = (
    "a picture and its mask share their stem, without the endings _image, _img, _mask, _masks, _annotation, _annot, _label, "
    "_labels, _gt, _seg"
)
_MASKED = r"masks?|annotations?|annots?|labels?|gts?|segs?"
_ENDING = re.compile(rf"(?P<stem>.+?)[_\-. ](?:image|img|{_MASKED})", re.IGNORECASE)
_MASK_ENDING = re.compile(rf".+[_\-. ](?:{_MASKED})", re.IGNORECASE)
_MASKS = (
    "mask masks label labels annotation annotations annot annots gt gts groundtruth groundtruths seg segs segmentation "
    "segmentations segmentationclass segmentationclassraw segmentationobject segmentationmasks"
)
_MASK_WORDS = frozenset(_MASKS.split(" "))
_MASK_ENDS = ("mask", "masks", "annot", "annots", "annotations", "groundtruth", "groundtruths")
_IMAGES = "image images img imgs jpegimages pngimages rgb photo photos picture pictures input inputs original originals"
_IMAGE_WORDS = frozenset(_IMAGES.split(" "))
BESIDE, SAME = "beside the pictures, by an ending such as _mask", "beside the pictures, with the same stem"


@dataclass(frozen=True)
class Pairing:
    """Pictures with their masks. pairs: image -> (mask, split). bare: images without a mask, lone: masks without an image,
    double: images with several masks of one kind. where: of the masks, in words. fault: why it cannot be taken, '' where it
    can."""

    pairs: Mapping[Parts, tuple[Parts, str | None]]
    where: str
    bare: tuple[Parts, ...] = ()
    lone: tuple[Parts, ...] = ()
    double: tuple[Parts, ...] = ()
    fault: str = ""


@dataclass(frozen=True)
class Place:
    """A file by what its path says. core: its folders without words for masks, images and splits, lower case."""

    parts: Parts
    core: Parts
    split: str | None
    stem: str
    kind: str | None
    named: bool

    @property
    def folder(self) -> Parts:
        """The folder it lies in."""
        return self.parts[:-1]


@dataclass
class Candidates:
    """Kinds of masks, each with its masks; and the files that are none of them."""

    kinds: dict[str, list[Place]] = field(default_factory=dict)
    images: list[Place] = field(default_factory=list)


def pairings(images: Iterable[Parts]) -> list[Pairing]:
    """All readings of these image files in which at least half of the masks have a picture; the fullest first."""
    found = _candidates(images)
    every = sorted(p for place in (found.images, *found.kinds.values()) for p in (x.parts for x in place))
    readings = []
    for kind, masks in found.kinds.items():
        pairing = _paired(found.images, masks, kind if kind == BESIDE else _folders(masks))
        if pairing.pairs and 2 * len(pairing.pairs) >= len(masks):
            readings.append(pairing)
    if not readings:
        same = _same_stem(every)
        readings = [same] if same is not None else []
    return sorted(readings, key=lambda r: (-len(r.pairs), r.where))


def is_masked(parts: Parts) -> bool:
    """Whether a folder's name or the file's says that it is a mask."""
    place = _place(parts)
    return place.kind is not None or (not place.named and _MASK_ENDING.fullmatch(place.stem) is not None)


def given(images: Iterable[Parts], masks: Iterable[Parts], where: str) -> Pairing:
    """The pairing of these images and these masks, each relative to the folder that was named for them."""
    pictures = [_place(parts) for parts in images]
    return _paired(pictures, [_place(parts) for parts in masks], where)


def chosen(readings: Sequence[Pairing], root: Path) -> tuple[Pairing, list[str]]:
    """The one reading, and sentences; LayoutAmbiguous where several kinds of masks are of the same pictures, or one mask
    of several pictures."""
    best, notes = readings[0], []
    others = [r for r in readings[1:] if r.pairs.keys() & best.pairs.keys()]
    if len(others) == 1 and {_last(best), _last(others[0])} == {"segmentationclass", "segmentationobject"}:
        best = min((best, others[0]), key=_last)
        others = []
        notes.append("SegmentationClass is read; --masks SegmentationObject reads objects instead")
    if others:
        lines = [f"{root}: the pictures have masks of {len(others) + 1} kinds:"]
        for reading in (best, *others):
            image, (mask, _) = next(iter(reading.pairs.items()))
            lines.append(
                f"  {_folder(mask)}: {len(reading.pairs)} masks, such as {'/'.join(mask)} of {'/'.join(image)}"
            )
        raise LayoutAmbiguous("\n".join([*lines, f"Pick one: {_command(root, best)}", *_more(root, others)]))
    if best.fault:
        raise LayoutAmbiguous(f"{root}: {best.fault}")
    left = [r for r in readings if r is not best and not r.pairs.keys() & best.pairs.keys()]
    return _joined([best, *left]), notes


def stripped(stem: str) -> str:
    """A stem without the endings of RULE."""
    found = _ENDING.fullmatch(stem)
    while found is not None:
        stem = found["stem"]
        found = _ENDING.fullmatch(stem)
    return stem


def _joined(readings: Sequence[Pairing]) -> Pairing:
    """Masks of several kinds for different pictures are one reading."""
    if len(readings) == 1:
        return readings[0]
    pairs = {k: v for r in readings for k, v in r.pairs.items()}
    bare = tuple(p for p in readings[0].bare if p not in pairs)
    lone = tuple(p for r in readings for p in r.lone)
    return Pairing(
        pairs, ", ".join(r.where for r in readings), bare, lone, tuple(p for r in readings for p in r.double)
    )


def _command(root: Path, reading: Pairing) -> str:
    image, (mask, _) = next(iter(reading.pairs.items()))
    folders = [root.joinpath(*_top(parts)) for parts in (image, mask)]
    return shlex.join(
        ["objectif", "inspect", str(root), "--images", str(folders[0]), "--masks", str(folders[1])]
    )


def _more(root: Path, others: Sequence[Pairing]) -> list[str]:
    return [f"      or: {_command(root, reading)}" for reading in others]


def _top(parts: Parts) -> Parts:
    """The folder to name: up to the last one that says what it holds, else the one it lies in."""
    said = [k for k, word in enumerate(parts[:-1]) if _kind(word) or _plain(word) in _IMAGE_WORDS]
    return parts[: said[-1] + 1] if said else parts[:-1]


def _folder(parts: Parts) -> str:
    return "/".join(_top(parts)) or "."


def _folders(masks: Sequence[Place]) -> str:
    """'in train/masks, val/masks'"""
    names = sorted({_folder(mask.parts) for mask in masks})
    return "in " + ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def _last(reading: Pairing) -> str:
    """The last folder of its masks, lower case."""
    return reading.where.rpartition("/")[2].removeprefix("in ").lower()


# --- what a path says ---------------------------------------------------------------------------------------------


def _plain(word: str) -> str:
    return re.sub(r"[^a-z]", "", word.lower())


def _parted(word: str) -> tuple[str, str | None]:
    """A folder's name as letters, without the split in it, and that split: 'trainannot' is ('annot', 'train')."""
    own = split_in(word)
    if own is not None:
        return "", own
    plain = _plain(word)
    for name in sorted(SPLIT_NAMES, key=len, reverse=True):
        rest = plain.removeprefix(name) if plain.startswith(name) else plain.removesuffix(name)
        if rest != plain and (rest in _MASK_WORDS | _IMAGE_WORDS or rest.endswith(_MASK_ENDS)):
            return rest, SPLIT_NAMES[name]
    return plain, None


def _kind(word: str) -> str | None:
    """The kind of masks that a folder of this name holds; None where its name does not say so."""
    plain, _ = _parted(word)
    return plain if plain in _MASK_WORDS or plain.endswith(_MASK_ENDS) else None


def _place(parts: Parts) -> Place:
    core: list[str] = []
    split = kind = None
    named = False
    for word in parts[:-1]:
        plain, own = _parted(word)
        split = own or split
        if _kind(word):
            kind = plain
        elif plain in _IMAGE_WORDS:
            named = True
        elif plain:
            core.append(word.lower())
    return Place(parts, tuple(core), split, PurePosixPath(parts[-1]).stem, kind, named)


def _candidates(images: Iterable[Parts]) -> Candidates:
    """Files by folder, and those outside such folders by their ending."""
    found = Candidates()
    for parts in images:
        place = _place(parts)
        if place.kind is not None:
            found.kinds.setdefault(place.kind, []).append(place)
        elif not place.named and _MASK_ENDING.fullmatch(place.stem):
            found.kinds.setdefault(BESIDE, []).append(place)
        else:
            found.images.append(place)
    return found


# --- pairs --------------------------------------------------------------------------------------------------------


def _paired(images: Sequence[Place], masks: Sequence[Place], where: str) -> Pairing:
    by_stem: dict[str, list[Place]] = {}
    for mask in masks:
        by_stem.setdefault(stripped(mask.stem), []).append(mask)
    pairs: dict[Parts, tuple[Parts, str | None]] = {}
    used: dict[Parts, list[Place]] = {}
    bare, double = [], []
    for image in images:
        fitting = [
            m for m in by_stem.get(stripped(image.stem), ()) if _fits(image, m, beside=where == BESIDE)
        ]
        best = max((_rank(image, m) for m in fitting), default=None)
        top = [m for m in fitting if _rank(image, m) == best]
        if not top:
            bare.append(image.parts)
        elif len(top) > 1:
            double.append(image.parts)
        else:
            pairs[image.parts] = top[0].parts, image.split or top[0].split
            used.setdefault(top[0].parts, []).append(image)
    fault = ""
    for mask_parts, several in used.items():
        first, *rest = _in_order(several, mask_parts)
        for image, equal in rest:
            fault = fault or (_twins(mask_parts, first[0], image) if equal else "")
            del pairs[image.parts]
            bare.append(image.parts)
    met = {mask for mask, _ in pairs.values()}
    lone = [m.parts for m in masks if m.parts not in met]
    return Pairing(pairs, where, tuple(sorted(bare)), tuple(sorted(lone)), tuple(sorted(double)), fault)


def _fits(image: Place, mask: Place, *, beside: bool) -> bool:
    """Whether their folders and splits do not contradict each other."""
    if beside:
        return image.folder == mask.folder
    if image.split is not None and mask.split is not None and image.split != mask.split:
        return False
    a, b = list(image.core), list(mask.core)
    while a and b and a[0] == b[0]:
        a, b = a[1:], b[1:]
    while a and b and a[-1] == b[-1]:
        a, b = a[:-1], b[:-1]
    return not a or not b


def _rank(image: Place, mask: Place) -> tuple[bool, bool, bool, int]:
    """How well a mask fits: the same folders, the same split, the same stem, few folders apart."""
    apart = abs(len(image.core) - len(mask.core))
    return image.core == mask.core, image.split == mask.split, image.stem == mask.stem, -apart


def _in_order(images: Sequence[Place], mask: Parts) -> list[tuple[Place, bool]]:
    """The images of one mask, the one that fits best first; and whether each fits as well as that."""
    place = _place(mask)
    ranked = sorted(((_rank(i, place), i.named) for i in images), reverse=True)
    ordered = sorted(images, key=lambda i: (_rank(i, place), i.named), reverse=True)
    return [(image, rank == ranked[0]) for image, rank in zip(ordered, ranked, strict=True)]


def _twins(mask: Parts, a: Place, b: Place) -> str:
    return (
        f"the mask {'/'.join(mask)} is of {'/'.join(a.parts)} and of {'/'.join(b.parts)}; expected one picture for each "
        "mask. Name the folders: --images DIR --masks DIR."
    )


def _same_stem(files: Sequence[Parts]) -> Pairing | None:
    """a.jpg with a.png in one folder, where at least half of the .png have such a partner."""
    by_key: dict[Parts, list[Parts]] = {}
    for parts in files:
        by_key.setdefault((*parts[:-1], PurePosixPath(parts[-1]).stem), []).append(parts)
    pngs = [parts for parts in files if _is_png(parts)]
    pairs: dict[Parts, tuple[Parts, str | None]] = {}
    double: list[Parts] = []
    for several in by_key.values():
        masks = [parts for parts in several if _is_png(parts)]
        pictures = [parts for parts in several if not _is_png(parts)]
        if len(masks) == 1 and len(pictures) == 1:
            pairs[pictures[0]] = masks[0], _place(pictures[0]).split
        elif masks and pictures:
            double += pictures
    if not pairs or 2 * len(pairs) < len(pngs):
        return None
    met = {mask for mask, _ in pairs.values()}
    bare = tuple(p for p in files if not _is_png(p) and p not in pairs and p not in double)
    lone = tuple(p for p in pngs if p not in met)
    return Pairing(dict(sorted(pairs.items())), SAME, bare, lone, tuple(double))


def _is_png(parts: Parts) -> bool:
    return parts[-1].lower().endswith(".png")
