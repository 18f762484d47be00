"""Where the objects of a class are in a labelled picture, whatever tells it: boxes, or a mask."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from objectif.data.dataset import Dataset
from objectif.data.masks import read_mask
from objectif.data.pixels import size
from objectif.metrics.masks import classes_of


def tells_places(dataset: Dataset) -> bool:
    """Whether any picture's objects are placed."""
    return any(s.boxes or s.mask is not None for s in dataset.samples)


def region(dataset: Dataset, row: int, label: int) -> NDArray[np.bool_] | None:
    """(H, W) of the upright picture of sample `row`: on an object of class `label`.

    None where nothing says it, or the class has no pixel there. DataError, ImageError for a mask or picture that cannot be read.
    """
    sample = dataset.samples[row]
    if sample.boxes is not None:
        height, width = size(dataset, row)
        found = np.zeros((height, width), np.bool_)
        for box in sample.boxes:
            if box.label == label:
                x1, y1 = max(0, round(box.x1)), max(0, round(box.y1))
                found[y1 : round(box.y2), x1 : round(box.x2)] = True
    elif sample.mask is not None:
        classes = classes_of(read_mask(dataset, row))
        found = np.asarray(classes == label) if dataset.good is None else _defect(dataset, classes, label)
    else:
        return None
    return found if found.any() else None


def _defect(dataset: Dataset, classes: NDArray[np.uint8], label: int) -> NDArray[np.bool_]:
    """Where the defect is, of whatever kind; nowhere in a good picture."""
    return np.asarray((classes == 1) & (label != dataset.good))
