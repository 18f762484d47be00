"""Which class of a Dataset is the good one, and where the defects of the others are: what anomalies are told from.

A class is good where its name says so (good, ok, normal, MT_Free ...), or where the user does (`--good NAME`). Nothing is guessed: where no name or several do, the
user is asked, because to learn from the defects would turn every answer round.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from objectif.data.dataset import Dataset
from objectif.errors import DataError

NAMES = frozenset(
    [
        "good",
        "ok",
        "okay",
        "normal",
        "free",
        "pass",
        "passed",
        "healthy",
        "intact",
        "flawless",
        "nondefective",
        "faultless",
    ]
)
"""Words, lower case, of which one is in the name of the class of good pictures."""
_NOT = frozenset(["not", "no", "non", "un"])
REMEDY = "Name the folder (or label) of the good pictures 'good', or say which it is: --good NAME."


def is_good(name: str) -> bool:
    """Whether a class of this name is of good pictures: 'good', 'MT_Free', but not 'not good'."""
    words = [w.lower() for w in re.findall(r"[^\W\d_]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name))]
    return bool(NAMES & set(words)) and not _NOT & set(words)


def the_good_one(classes: tuple[str, ...], where: str, named: str | None = None) -> int:
    """The number of the class `named`, or of the one that is called good; DataError where none or several are."""
    found = [k for k, name in enumerate(classes) if (is_good(name) if named is None else name == named)]
    if len(found) == 1:
        return found[0]
    shown = ", ".join(map(repr, classes[:8])) + (" ..." if len(classes) > 8 else "")
    if named is not None:
        raise DataError(f"{where}: --good {named!r} is no class; expected one of {shown}.")
    if not found:
        raise DataError(
            f"{where}: no class is called good ({shown}); expected one, because anomalies are told from good pictures "
            f"alone. {REMEDY}"
        )
    both = ", ".join(repr(classes[k]) for k in found)
    raise DataError(f"{where}: {both} are all called good; expected one class of good pictures. {REMEDY}")


def for_anomaly(dataset: Dataset, named: str | None = None) -> Dataset:
    """The Dataset with its good class named; unchanged where it is. DataError where labels do not tell it."""
    if dataset.good is not None and named in {None, dataset.classes[dataset.good]}:
        return dataset
    if any(len(s.labels) != 1 for s in dataset.samples):
        raise DataError(
            f"{dataset.root}: pictures have several labels or none; expected one each, 'good' or the kind of defect. "
            "Give folders good/ and one for each kind of defect, or a manifest with a label for each picture."
        )
    return checked(
        replace(dataset, good=the_good_one(dataset.classes, str(dataset.root), named), multilabel=False)
    )


def checked(dataset: Dataset) -> Dataset:
    """The Dataset with notes about what it can tell; DataError where there is no good picture, or a single one."""
    good = is_good_row(dataset)
    count = int(good.sum())
    if count < 2:
        raise DataError(
            f"{dataset.root}: {['no good picture', 'one good picture'][count]} of {len(dataset)}; expected at least two, "
            f"one to learn from and one to judge by (20 and more to keep a false-alarm rate of 5 %). {REMEDY}"
        )
    notes = [
        f"{count} good pictures, {len(dataset) - count} with a defect; what is good is learned from good ones alone"
    ]
    unmasked = [s.path for s, ok in zip(dataset.samples, good, strict=True) if not ok and s.mask is None]
    if unmasked and len(unmasked) < len(dataset) - count:
        notes.append(
            f"{len(unmasked)} picture(s) of defects have no mask, such as {unmasked[0]!r}: they count for the image, not "
            "for its pixels"
        )
    elif unmasked:
        notes.append("no defect has a mask: metrics of pixels are not defined")
    if count == len(dataset):
        notes.append(
            "there is no picture of a defect: the false-alarm rate can be measured, how many defects are found cannot"
        )
    return replace(dataset, notes=(*dataset.notes, *notes))


def is_good_row(dataset: Dataset) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """(N,) whether each picture is good."""
    return np.array([s.labels == (dataset.good,) for s in dataset.samples], np.bool_)


def two_classes(dataset: Dataset) -> Dataset:
    """The same pictures as good ones (class 0) and others (class 1), whatever their defect: for dealing folds."""
    samples = tuple(
        replace(s, labels=(0 if ok else 1,), mask=None)
        for s, ok in zip(dataset.samples, is_good_row(dataset), strict=True)
    )
    return replace(dataset, classes=("good", "defect"), samples=samples, good=None)
