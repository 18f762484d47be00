"""What a subject's dated photos tell of the latest one: days since the first, and how the picture has changed so far.

For each photo only photos of the same subject with an earlier or the same date are looked at, so that a later one cannot
leak into an answer. What is looked at is small and the same for every approach: the mean colour of each photo. Told are
that of the first photo, the mean so far, and the change a day by least squares (0 where there is one photo); a network may
then judge a photo by where it has come from. Rejected: handing earlier answers of a network to the next photo, because
training would then need answers that do not exist yet, and an error would feed on itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from objectif.data import pixels
from objectif.data.dataset import Dataset
from objectif.errors import ImageError

DAY = "day"
SO_FAR = "so far: "
"""How the names of what is made from earlier photos begin."""
COLOURS = ("red", "green", "blue")
KINDS = ("first", "mean", "change a day of")
_SIDE = 64


def extended(dataset: Dataset, times: Mapping[str, float]) -> Dataset:
    """The Dataset with `day` and what photos so far look like, where samples have dates (path -> days) and subjects."""
    if not times or any(s.group is None for s in dataset.samples):
        return dataset
    when = np.array([times[sample.path] for sample in dataset.samples])
    groups = dataset.groups()
    assert groups is not None
    colours = np.stack([_colour(dataset, row) for row in range(len(dataset))])
    days, told = so_far(groups, when, colours)
    names = tuple(f"{SO_FAR}{kind} {colour}" for kind in KINDS for colour in COLOURS)
    table = told
    if DAY not in dataset.columns:
        names, table = (DAY, *names), np.column_stack([days, told])
    samples = tuple(
        replace(sample, known=(*sample.known, *map(float, row)))
        for sample, row in zip(dataset.samples, table, strict=True)
    )
    return replace(dataset, samples=samples, columns=(*dataset.columns, *names))


def so_far(
    groups: NDArray[np.int64], when: NDArray[np.float64], colours: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(N,) days since the subject's first photo; (N, 9) first, mean so far and change a day of colours (N, 3)."""
    days = np.zeros(len(when))
    told = np.zeros((len(when), 3 * colours.shape[1]))
    for row in range(len(when)):
        seen = (groups == groups[row]) & (when <= when[row])
        t, c = when[seen], colours[seen]
        days[row] = when[row] - t.min()
        first, centred = c[t == t.min()].mean(0), t - t.mean()
        spread = float(centred @ centred)
        slope = centred @ c / spread if spread > 0 else np.zeros(c.shape[1])
        told[row] = np.concatenate([first, c.mean(0), slope])
    return days, told


def _colour(dataset: Dataset, row: int) -> NDArray[np.float64]:
    """Mean red, green, blue in 0..1 of a photo; gray of one that cannot be read, which is left out elsewhere."""
    try:
        image = pixels.read(dataset, row, min_side=_SIDE)
    except ImageError:
        return np.full(3, 0.5)
    mean = image.reshape(-1, image.shape[2]).mean(0)[:3] / np.iinfo(image.dtype).max
    return np.asarray(np.resize(mean, 3), np.float64)
