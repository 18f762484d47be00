"""Layout: pictures, and beside each a picture that says what every pixel is.

    images/a.jpg  masks/a.png            which is of which: mask_pairs
    classes.txt                          what the numbers or colours mean: legend_files, else legends finds out

A picture without a mask is left out and said: it may hold anything. So are masks without a picture, of another size than
theirs, or with numbers that the legend does not have; and the rest is read, because one slip in a thousand masks shall not
stop a run. Masks are decoded once here, in threads, to count their numbers; none is kept.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence, Sized
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from objectif.data import legend_files, mask_pairs, mask_pictures, mask_writing
from objectif.data.dataset import Dataset, MaskSource, Sample
from objectif.data.files import Parts, listing
from objectif.data.legends import Reading, labels_of, looks_like_mask, understood
from objectif.data.mask_pairs import Pairing
from objectif.data.mask_pictures import Tally
from objectif.data.masks import NO_MASK, NO_PICTURE, other_size, unlisted
from objectif.data.writing import Bring
from objectif.errors import DataError, ImageError
from objectif.images import photo
from objectif.metrics.masks import has_background

_LOOKED_AT = 6  # masks by which a folder is judged
_CONNECTED = 60  # masks whose numbers are tested for being connected


@dataclass(frozen=True)
class _Pair:
    """One picture and its mask: files, and the names that are shown."""

    path: str
    file: Path
    mask: Path
    mask_path: str
    split: str | None


@dataclass(frozen=True)
class _Found:
    """Pairs, and what is to be said. root: what paths are relative to. folders: where a legend may lie, the nearest first."""

    root: Path
    pairs: tuple[_Pair, ...]
    problems: Mapping[str, str]
    notes: tuple[str, ...]
    folders: tuple[Path, ...]


class Masks:
    """The format `masks`."""

    name = "masks"
    richness = 46
    masks = True
    forms = mask_writing.FORMS

    def sniff(self, path: Path) -> str | None:
        """How many pictures have a mask, and where those lie; None where there are none that look like masks."""
        if not path.is_dir():
            return None
        readings = _readings(path, listing(path).images)
        return f"{len(readings[0].pairs)} pictures with masks ({readings[0].where})" if readings else None

    def read(
        self,
        path: Path,
        *,
        images: Path | None = None,
        masks: Path | None = None,
        legend: Path | None = None,
        turned: int = 0,
    ) -> Dataset:
        """All pictures with a mask. images, masks: folders, instead of looking for them. legend: file, likewise.

        turned: degrees of TURNS by which masks are turned, counter-clockwise, before they lie on their pictures.

        Raises DataError: no pairs, no usable mask, a legend that does not fit; LayoutAmbiguous: two kinds of masks.
        """
        if not path.is_dir():
            raise DataError(f"{path}: is no folder; format 'masks' expects one with pictures and masks.")
        found = _searched(path) if images is None and masks is None else _named(path, images, masks)
        entries, source, said = _legend(found, legend)
        tallies, flaws = _tallied(found.pairs, turned)
        _check_some(tallies, found, flaws, path)
        reading = understood(list(tallies.values()), entries, source)
        samples = _samples(found, tallies, reading, flaws)
        _check_some(samples, found, flaws, path)
        asked = [f"masks are turned by {turned} degrees counter-clockwise, as was asked"] if turned else []
        notes = (
            f"layout 'masks': {found.notes[0]}",
            *found.notes[1:],
            *asked,
            *said,
            *reading.notes,
            *_said(samples, flaws, reading),
        )
        return Dataset(
            path.resolve().name,
            found.root,
            self.name,
            reading.classes,
            tuple(sorted(samples, key=lambda s: s.path)),
            True,
            notes,
            {**found.problems, **flaws},
            legend=reading.legend,
            instances=reading.instances,
            turned=turned,
        )

    def write_masks(
        self, dataset: Dataset, to: Path, *, images: Bring = "copy", form: str | None = None
    ) -> list[str]:
        """Pictures of numbers of classes or of objects, and their legend: see mask_writing.write()."""
        return mask_writing.write(dataset, to, images=images, form=form)

    def example(self, folder: Path) -> Path:
        """A few pictures with masks of two classes, for `objectif check`."""
        from PIL import Image

        for part in ("images", "masks"):
            (folder / part).mkdir()
        for k in range(6):
            mask = np.zeros((24, 32), np.uint8)
            mask[4 : 12 + k, 5 : 9 + k] = 1
            mask[16:, 20:] = 2
            mask[10, 20:] = 2
            Image.fromarray(mask).save(folder / "masks" / f"{k}_mask.png")
            Image.fromarray(np.asarray(60 + 80 * mask, np.uint8)).save(folder / "images" / f"{k}.png")
        (folder / "classes.txt").write_text("soil\ncrop\nweed\n", encoding="utf-8")
        return folder


# --- which files --------------------------------------------------------------------------------------------------


def _readings(root: Path, images: Sequence[Parts]) -> list[Pairing]:
    """The pairings whose masks look like masks."""
    return [
        r
        for r in mask_pairs.pairings(images)
        if _look_like_masks(root, [mask for mask, _ in r.pairs.values()])
    ]


def _look_like_masks(root: Path, masks: Sequence[Parts]) -> bool:
    """Whether at least half of some of them are masks by themselves."""
    step = max(1, len(masks) // _LOOKED_AT)
    some = masks[::step][:_LOOKED_AT]
    good = 0
    for parts in some:
        try:
            good += looks_like_mask(mask_pictures.tally(root.joinpath(*parts), parts[-1], regions=True))
        except DataError:
            continue
    return 2 * good >= len(some)


def _searched(path: Path) -> _Found:
    found = listing(path)
    readings = _readings(path, found.images)
    if not readings:
        raise DataError(
            f"{path}: no pictures with masks. Expected masks in a folder such as masks/, with the names of their pictures, "
            "or beside them (a.jpg, a_mask.png). Name the folders: --images DIR --masks DIR."
        )
    pairing, said = mask_pairs.chosen(readings, path)
    others = [r.where for r in mask_pairs.pairings(found.images) if r not in readings]
    if others:
        said.append(
            f"pictures of these names {', '.join(others)} are no masks: too many numbers or colours; left out"
        )
    return _gathered(path, path, path, pairing, found.problems, said)


def _named(path: Path, images: Path | None, masks: Path | None) -> _Found:
    """Pairs of the folders that were named; of one alone, the other's files are all that are below `path` beside it."""
    for option, folder in (("--images", images), ("--masks", masks)):
        if folder is not None and not folder.is_dir():
            raise DataError(
                f"{option} {folder}: no such folder. Expected one below {path} or elsewhere; correct it."
            )
    pictures, drawn = (listing(folder or path) for folder in (images, masks))
    own = {(images or path).joinpath(*p) for p in pictures.images} if images is not None else set()
    of_masks = {(masks or path).joinpath(*p) for p in drawn.images} if masks is not None else set()
    if images is not None and masks is not None and images.resolve() == masks.resolve():
        readings = mask_pairs.pairings(pictures.images)
        if not readings:
            raise DataError(
                f"{images}: no pictures with masks beside them. Expected a.jpg with a_mask.png or a.png."
            )
        pairing, said = mask_pairs.chosen(readings, images)
        return _gathered(path, images, images, pairing, pictures.problems, said)
    here = [p for p in pictures.images if images is not None or not mask_pairs.is_masked(p)]
    here = [p for p in here if (images or path).joinpath(*p) not in of_masks]
    there = [p for p in drawn.images if masks is not None or mask_pairs.is_masked(p)]
    there = [p for p in there if (masks or path).joinpath(*p) not in own]
    pairing = mask_pairs.given(here, there, f"in {(masks or path).name}")
    if pairing.fault:
        raise DataError(f"{path}: {pairing.fault}")
    if not pairing.pairs:
        raise DataError(
            f"{path}: of {len(here)} pictures in {images or path} and {len(there)} masks in {masks or path} no two share "
            f"their name. Expected a.jpg and a.png: {mask_pairs.RULE}. Correct the folders or the names."
        )
    return _gathered(path, images or path, masks or path, pairing, pictures.problems, [])


def _gathered(
    path: Path, images: Path, masks: Path, pairing: Pairing, problems: Mapping[str, str], said: Sequence[str]
) -> _Found:
    """The pairs with their files. Images and masks are relative to the folders `images` and `masks`."""
    root = path if images.resolve().is_relative_to(path.resolve()) else images

    def shown(base: Path, parts: Parts) -> str:
        file = base.joinpath(*parts)
        inside = file.is_relative_to(root)
        return (
            file.relative_to(root).as_posix() if inside else os.path.relpath(file, root).replace(os.sep, "/")
        )

    pairs = tuple(
        _Pair(shown(images, image), images.joinpath(*image), masks.joinpath(*mask), shown(masks, mask), split)
        for image, (mask, split) in sorted(pairing.pairs.items())
    )
    lost = {shown(images, p): f"{NO_MASK}: it may hold anything" for p in pairing.bare}
    lost |= {shown(images, p): f"{NO_MASK} alone: several fit; keep one" for p in pairing.double}
    lost |= {shown(masks, p): f"{NO_PICTURE} of this name for the mask" for p in pairing.lone}
    notes = [f"{len(pairs)} pictures with masks ({pairing.where})", mask_pairs.RULE, *said]
    for count, what in (
        (len(pairing.bare), "picture(s) without a mask"),
        (len(pairing.double), "picture(s) with several masks"),
        (len(pairing.lone), "mask(s) without a picture"),
    ):
        if count:
            notes.append(f"{count} {what} left out")
    return _Found(root, pairs, {**problems, **lost}, tuple(notes), _above(path, pairs))


def _above(path: Path, pairs: Sequence[_Pair]) -> tuple[Path, ...]:
    """The folders of masks and those above them, up to `path`."""
    folders: dict[Path, None] = {}
    for folder in sorted({pair.mask.parent for pair in pairs}):
        for one in (folder, *folder.parents):
            folders[one] = None
            if one == path or not one.is_relative_to(path):
                break
    return (*sorted(folders, key=lambda f: -len(f.parts)), *([] if path in folders else [path]))


# --- what is in them ----------------------------------------------------------------------------------------------


def _legend(found: _Found, given: Path | None) -> tuple[list[legend_files.Entry] | None, str, list[str]]:
    """Entries of the legend file that is given or lies beside the masks, its name, and sentences."""
    if given is not None:
        return legend_files.read(given), str(given), []
    said: list[str] = []
    for folder in found.folders:
        there = {f.name.lower(): f for f in folder.iterdir() if f.is_file()} if folder.is_dir() else {}
        for file in (there[name] for name in legend_files.NAMES if name in there):
            try:
                return legend_files.read(file), file.name, said
            except DataError as error:  # a file of that name may be anything
                said.append(f"not taken as a legend: {error}")
    return None, "", said


def _tallied(pairs: Sequence[_Pair], turned: int) -> tuple[dict[str, Tally], dict[str, str]]:
    """Picture -> what its mask holds, and picture -> what is wrong."""
    every = max(1, len(pairs) // _CONNECTED)

    def one(k: int) -> Tally | str:
        pair = pairs[k]
        try:
            tally = mask_pictures.tally(pair.mask, pair.mask_path, regions=k % every == 0)
            info = photo.probe(pair.file, name=pair.path)
        except (DataError, ImageError) as error:
            return str(error).removeprefix(f"{pair.path}: ")
        size = info.height, info.width
        return other_size((tally.height, tally.width), size, pair.mask_path, turned) or tally

    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        found = list(pool.map(one, range(len(pairs))))
    good = {p.path: t for p, t in zip(pairs, found, strict=True) if isinstance(t, Tally)}
    return good, {p.path: t for p, t in zip(pairs, found, strict=True) if isinstance(t, str)}


def _samples(
    found: _Found, tallies: Mapping[str, Tally], reading: Reading, flaws: dict[str, str]
) -> list[Sample]:
    """The pictures whose mask holds what the legend has; the others go to `flaws`."""
    samples = []
    for pair in found.pairs:
        if pair.path not in tallies:
            continue
        labels, strange = labels_of(tallies[pair.path], reading)
        if strange:
            flaws[pair.path] = unlisted(strange, pair.mask_path)
            continue
        mask = MaskSource(pair.mask)
        samples.append(Sample(pair.path, pair.file, labels, split=pair.split, mask=mask))
    return samples


def _check_some(usable: Sized, found: _Found, flaws: Mapping[str, str], path: Path) -> None:
    """DataError where no mask is left."""
    if not len(usable):
        shown, why = next(iter(flaws.items()))
        raise DataError(
            f"{path}: none of {len(found.pairs)} masks can be used. The first, of {shown!r}: {why}"
        )


def _said(samples: Sequence[Sample], flaws: Mapping[str, str], reading: Reading) -> list[str]:
    """Sentences about splits, images without objects, and masks that are left out."""
    said = []
    splits = Counter(s.split for s in samples)
    if set(splits) - {None}:
        sizes = ", ".join(f"{name or 'none'} {n}" for name, n in sorted(splits.items(), key=str))
        said.append(f"splits from folders: {sizes}")
    if has_background(reading.classes):
        blank = sum(not set(s.labels) - {0} for s in samples)
        if blank:
            said.append(f"{blank} image(s) whose mask holds no object are kept as negatives")
    if flaws:
        path, why = next(iter(flaws.items()))
        said.append(
            f"{len(flaws)} image(s) whose mask cannot be used left out, such as {path!r}: {why.rstrip('.')}"
        )
    return said


FORMAT = Masks()
