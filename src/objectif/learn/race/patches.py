"""Training material of pictures that are kept as they are: parts of one size, cut once from all of them.

Pictures of several sizes are no array, and views are small. So each picture is cut into parts somewhat larger than a view, side
by side, the last of a row moved back to the edge; a picture smaller than a part is mirrored. Passes over the images are then
passes over their parts, and a large picture counts as much as it shows.

Where noise is the last thing that a stated degradation does, the parts are kept without it, and training draws it anew for
each view: a network that sees the same noise again and again learns it by heart. Not under a self-supervised loss, for
which the clean picture must not be had by averaging.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.learn.losses.base import Loss
from objectif.learn.models.restore.view import filled
from objectif.learn.race.candidate import PART, Candidate, Context
from objectif.learn.race.material import save
from objectif.metrics.pictures import extent


def fresh(known: Context, losses: tuple[Loss, ...]) -> bool:
    """Whether noise is to be drawn anew for each view."""
    how = known.dataset.degradation
    noisy = how is not None and how.noise > 0 and how.shrink == 1 and not how.given
    return noisy and not any(getattr(loss, "self_supervised", False) for loss in losses)


def patches(
    known: Context, candidate: Candidate, *, quiet: bool
) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.int64]]:
    """Given parts (n,s,s,C) float32, truth (n,s,s,2C), and the row of the Dataset (n,) that each is of.

    quiet: given parts without the noise of the stated degradation.
    """
    side = PART * candidate.side
    files = [known.work / f"parts-{side}-{what}.npy" for what in ("truth", "owner")]
    if not files[1].exists():
        _cut(known, side, *files)
    truth, owner = np.load(files[0], mmap_mode="r"), np.load(files[1])
    channels = known.channels
    if not quiet:
        return truth[..., channels : 2 * channels], truth, owner
    return _quiet(known, truth, known.work / f"parts-{side}-quiet.npy"), truth, owner


def _cut(known: Context, side: int, truth_file: Path, owner_file: Path) -> None:
    parts, owner = [], []
    for row, picture in enumerate(known.truth()):
        height, width = extent(picture)
        own = picture[:height, :width]
        for top in _starts(height, side):
            for left in _starts(width, side):
                parts.append(filled(own[top : top + side, left : left + side], (side, side)))
                owner.append(row)
    save(truth_file, np.stack(parts))
    save(owner_file, np.array(owner, np.int64))


def _starts(length: int, side: int) -> list[int]:
    """Where parts begin: side by side, the last moved back to the edge."""
    count = max(1, -(-length // side))
    return sorted({min(k * side, max(0, length - side)) for k in range(count)})


def _quiet(known: Context, truth: NDArray[Any], file: Path) -> NDArray[Any]:
    """Given parts before noise: the clean ones, blurred where that is stated."""
    from objectif.images.degrade import spoiled

    how = known.dataset.degradation
    assert how is not None
    channels = truth.shape[3] // 2
    if not how.blur:
        return truth[..., :channels]
    if not file.exists():
        save(file, np.stack([spoiled(np.asarray(part), how) for part in truth[..., :channels]]))
    quiet: NDArray[Any] = np.load(file, mmap_mode="r")
    return quiet
