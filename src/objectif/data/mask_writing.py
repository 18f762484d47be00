"""Writing masks as pictures that the layout `masks` reads again: the numbers of classes, or of objects, and their legend.

    images/train/a.jpg  masks/train/a.png  classes.json       images without a split lie in images/ and masks/

classes.json and no list of names, so that no name is taken for a number or a colour. Names of files are those of the
images as long as the reader would pair them as they are meant; else all are numbered.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from objectif.data import legend_files, mask_pairs
from objectif.data.dataset import Dataset
from objectif.data.masks import read_mask
from objectif.data.writing import Bring, bring, flat_names, plain_classes, put, renamed, unheld
from objectif.errors import DataError
from objectif.metrics.masks import VOID, Mask, classes_of, has_background, objects_of

FORMS = ("index", "instance")
_OPEN = 65_535  # number of void beside objects
LEGEND = "classes.json"


def write(dataset: Dataset, to: Path, *, images: Bring, form: str | None) -> list[str]:
    """Images, masks and legend in the folder `to`; sentences about what is lost.

    form: 'index' (8 bits: a pixel is the number of its class, void 255), 'instance' (16 bits: the number of its object,
    void 65535), None: instance where objects of one class are told apart. DataError: instance of other masks; links or
    copies are asked for and images cannot be brought.
    """
    if images == "none":
        raise DataError("--images none: masks lie beside their images; expected copy or link. Choose one.")
    told_apart = dataset.instances and len(dataset.classes) == 2 and has_background(dataset.classes)
    form = form or ("instance" if told_apart else "index")
    if form == "instance" and not told_apart:
        apart = "told apart" if dataset.instances else "not told apart"
        raise DataError(
            f"{dataset.root}: instance pictures number the objects of one class on a background; these masks have "
            f"{', '.join(dataset.classes[:5])}, objects {apart}. Write index, or coco."
        )
    names, said = _names(dataset)
    bring(dataset, to / "images", names, images)
    classes, odd = plain_classes(dataset, _clean)
    put(to / LEGEND, _legend(classes, form))
    strays = 0
    for row, name in enumerate(names):
        mask = read_mask(dataset, row)
        drawn, alone = (
            _numbered(mask, dataset.samples[row].path) if form == "instance" else (classes_of(mask), 0)
        )
        strays += alone
        _save(drawn, to / "masks" / PurePosixPath(name).with_suffix(".png"))
    lost = [*said, *odd, *unheld(dataset, groups=True, weights=True)]
    if dataset.instances and form == "index":
        lost.append("objects: of one class are no longer told apart")
    if strays:
        lost.append(f"pixels of no object: {strays} became void")
    return lost


def _numbered(mask: Mask, path: str) -> tuple[NDArray[np.uint16], int]:
    """(H, W) objects from 1 on, 0 background, void _OPEN; and how many pixels of the class are of no object."""
    classes, objects = classes_of(mask), objects_of(mask)
    inside = (classes != VOID) & (classes != 0) & (objects > 0)
    numbers, place = np.unique(objects[inside], return_inverse=True)
    if len(numbers) >= _OPEN:
        raise DataError(f"{path}: {len(numbers)} objects; expected less than {_OPEN}. Write coco.")
    alone = (classes != VOID) & (classes != 0) & (objects == 0)
    drawn = np.zeros(mask.shape, np.uint16)
    drawn[inside] = place + 1
    drawn[alone | (classes == VOID)] = _OPEN
    return drawn, int(np.count_nonzero(alone))


def _save(drawn: NDArray[Any], file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(drawn).save(file)
    except OSError as error:
        raise DataError(f"{file}: cannot be written ({error}). Free room or choose another folder.") from None


# --- names --------------------------------------------------------------------------------------------------------


def _names(dataset: Dataset) -> tuple[list[str], list[str]]:
    """SPLIT/NAME for each sample, and sentences where they are not the images' own."""
    flat = flat_names(dataset)
    names = _below(dataset, flat)
    if _are_paired(dataset, names):
        return names, renamed(dataset, flat)
    digits = len(str(len(dataset)))
    plain = [f"{k:0{digits}d}{PurePosixPath(name).suffix}" for k, name in enumerate(flat, 1)]
    return _below(dataset, plain), [
        f"names: {len(plain)} image(s) numbered, as theirs read like those of masks"
    ]


def _below(dataset: Dataset, names: Sequence[str]) -> list[str]:
    return [f"{s.split}/{n}" if s.split else n for s, n in zip(dataset.samples, names, strict=True)]


def _are_paired(dataset: Dataset, names: Sequence[str]) -> bool:
    """Whether the reader pairs each image with its own mask, in its split."""
    meant = {}
    for sample, name in zip(dataset.samples, names, strict=True):
        parts = PurePosixPath(name)
        meant["images", *parts.parts] = (("masks", *parts.with_suffix(".png").parts), sample.split)
    found = mask_pairs.pairings([*meant, *(mask for mask, _ in meant.values())])
    return len(found) == 1 and dict(found[0].pairs) == meant and not found[0].fault


# --- legend -------------------------------------------------------------------------------------------------------


def _legend(classes: Sequence[str], form: str) -> str:
    entries: dict[str, Any] = {name: k for k, name in enumerate(classes)} | {"void": VOID}
    if form == "instance":
        entries = {"0": classes[0], "*": classes[1], str(_OPEN): "void"}
    return json.dumps(entries, ensure_ascii=False, indent=1) + "\n"


def _clean(name: str) -> str:
    """The name where both forms of the legend give it back; else with letters, digits and underscores alone."""
    if not legend_files.is_void(name) and _read(name) == name:
        return name
    plain = "".join(c if c.isalnum() else "_" for c in name)
    return f"class_{plain}" if legend_files.is_void(plain) or _read(plain) != plain else plain


def _read(name: str) -> str | None:
    """The name that the reader makes of a name in both forms of the legend; None where it refuses or parts it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / LEGEND
        found: set[str] = set()
        for entry in ({name: 1}, {"*": name}, {"0": name}):
            try:
                file.write_text(json.dumps(entry), encoding="utf-8")
                found |= {told for _, told in legend_files.read(file)}
            except (DataError, UnicodeError):
                return None
    return found.pop() if len(found) == 1 else None
