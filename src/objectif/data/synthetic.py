"""Defects made up on good pictures: what approaches are compared by where there is no defect to compare them by.

Three kinds, one a picture, in turn: a piece of another good picture (CutPaste, Li et al. 2021, arXiv:2104.04015), a thin
scar (the same), and a smooth blot of other lightness (the shapes of DRAEM, Zavrtanik et al. 2021, arXiv:2108.07610). They
are faint, because plain ones are found by everybody and compare nothing. A picture and its defective copy are one group.

What is chosen by them is chosen by a stand-in: figures on them are about them, and whoever quotes them says so.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from objectif.data.dataset import Dataset, MaskSource, Sample
from objectif.data.good import is_good_row
from objectif.data.pixels import read
from objectif.errors import ObjectifError

KIND = "synthetic defect"
FOLDER = "synthetic"
MOST = 200
"""Copies that are made at most: enough to compare by."""
NOTE = (
    "no picture to learn from has a real defect: approaches are compared by defects made up on held-out good pictures, "
    "and figures on those are about them, not about real defects"
)


def lacks_defects(dataset: Dataset) -> bool:
    """Whether fewer than two of the pictures that are not for the final test have a defect."""
    good = is_good_row(dataset)
    return sum(s.split != "test" and not ok for s, ok in zip(dataset.samples, good, strict=True)) < 2


def with_defects(dataset: Dataset, folder: Path, seed: int = 0) -> Dataset:
    """The Dataset and, for each good picture that is not for the final test, a copy with a defect, below `folder`.

    Pictures of other than one or three channels, and those that cannot be read, get none.
    """
    good = is_good_row(dataset)
    rows = [k for k, s in enumerate(dataset.samples) if good[k] and s.split != "test"]
    rows = rows[:: max(1, -(-len(rows) // MOST))]
    classes = (*dataset.classes, KIND)
    samples, groups = list(dataset.samples), {}
    for number, row in enumerate(rows):
        one = dataset.samples[row]
        group = one.group if one.group is not None else one.path
        name = f"{FOLDER}/{number:04d}.png"
        target = folder / f"{number:04d}.png"
        mask = target.with_name(f"{number:04d}_mask.png")
        if not (target.exists() and mask.exists()):
            made = _made(dataset, row, rows[(number + 1) % len(rows)], number, seed)
            if made is None:
                continue
            folder.mkdir(parents=True, exist_ok=True)
            _write(target, made[0])
            _write(mask, made[1])
        groups[row] = group
        label = (len(dataset.classes),)
        samples.append(Sample(name, target, label, group=group, split=one.split, mask=MaskSource(mask)))
    for row, group in groups.items():
        samples[row] = replace(samples[row], group=group)
    return replace(
        dataset, classes=classes, samples=tuple(samples), notes=(*dataset.notes, NOTE), legend=dataset.legend
    )


def _write(target: Path, pixels: NDArray[Any]) -> None:
    picture = pixels[:, :, ::-1] if pixels.ndim == 3 and pixels.shape[2] == 3 else pixels
    content = cv2.imencode(".png", np.ascontiguousarray(picture))[1]
    target.write_bytes(content.tobytes())


def _made(
    dataset: Dataset, row: int, other: int, number: int, seed: int
) -> tuple[NDArray[Any], NDArray[np.uint8]] | None:
    """The picture with a defect, and where it is (255)."""
    try:
        picture, donor = read(dataset, row), read(dataset, other)
    except ObjectifError:
        return None
    if picture.shape[2] not in {1, 3} or picture.shape[2] != donor.shape[2]:
        return None
    draw = np.random.default_rng((seed, number))
    return (_pasted, _scarred, _blotted)[number % 3](picture, donor, draw)


Made = tuple[NDArray[Any], NDArray[np.uint8]]


def _pasted(picture: NDArray[Any], donor: NDArray[Any], draw: np.random.Generator) -> Made:
    """A piece of another picture, turned, with soft edges."""
    height, width = picture.shape[:2]
    area = height * width * draw.uniform(0.01, 0.06)
    aspect = np.exp(draw.uniform(-1.0, 1.0))
    high = int(np.clip(round(np.sqrt(area * aspect)), 3, max(3, min(height, donor.shape[0]) - 1)))
    wide = int(np.clip(round(np.sqrt(area / aspect)), 3, max(3, min(width, donor.shape[1]) - 1)))
    high, wide = min(high, height, donor.shape[0]), min(wide, width, donor.shape[1])
    top, left = draw.integers(0, height - high + 1), draw.integers(0, width - wide + 1)
    from_y = draw.integers(0, donor.shape[0] - high + 1)
    from_x = draw.integers(0, donor.shape[1] - wide + 1)
    piece = donor[from_y : from_y + high, from_x : from_x + wide].astype(np.float32)
    piece = piece[:: draw.choice((-1, 1)), :: draw.choice((-1, 1))] * draw.uniform(0.8, 1.25)
    mask = np.zeros((height, width), np.float32)
    mask[top : top + high, left : left + wide] = 1.0
    over = picture.astype(np.float32)
    over[top : top + high, left : left + wide] = piece
    return _blended(picture, over, mask, max(height, width) / 400)


def _scarred(picture: NDArray[Any], donor: NDArray[Any], draw: np.random.Generator) -> Made:
    """A thin line, bent once, lighter or darker."""
    height, width = picture.shape[:2]
    reach = max(height, width) * draw.uniform(0.1, 0.35)
    turn = draw.uniform(0, 2 * np.pi)
    points = [np.array([draw.uniform(0.1, 0.9) * width, draw.uniform(0.1, 0.9) * height])]
    for bend in (0.0, draw.uniform(-0.7, 0.7)):
        step = reach / 2 * np.array([np.cos(turn + bend), np.sin(turn + bend)])
        points.append(points[-1] + step)
    mask = np.zeros((height, width), np.float32)
    thick = max(1, round(max(height, width) * draw.uniform(0.005, 0.015)))
    cv2.polylines(mask, [np.rint(points).astype(np.int32)], False, 1.0, thick)
    return _blended(picture, _shifted(picture, draw, 1.5, 3.0), mask, max(height, width) / 800)


def _blotted(picture: NDArray[Any], donor: NDArray[Any], draw: np.random.Generator) -> Made:
    """A smooth shape, a little lighter or darker."""
    height, width = picture.shape[:2]
    noise = cv2.resize(
        draw.standard_normal((6, 6)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC
    )
    y, x = np.mgrid[:height, :width]
    middle = draw.uniform(0.2, 0.8, 2) * (height, width)
    far = np.hypot((y - middle[0]) / height, (x - middle[1]) / width) / draw.uniform(0.12, 0.25)
    shape = (noise - 2.5 * far).astype(np.float32)
    mask = (shape > np.quantile(shape, 1 - draw.uniform(0.01, 0.05))).astype(np.float32)
    return _blended(picture, _shifted(picture, draw, 0.7, 2.0), mask, max(height, width) / 200)


def _shifted(
    picture: NDArray[Any], draw: np.random.Generator, least: float, most: float
) -> NDArray[np.float32]:
    """The picture lighter or darker by so many of its own standard deviations."""
    real = picture.astype(np.float32)
    spread = max(float(real.std()), 0.02 * float(np.iinfo(picture.dtype).max))
    return np.asarray(real + draw.choice((-1.0, 1.0)) * draw.uniform(least, most) * spread, np.float32)


def _blended(
    picture: NDArray[Any], over: NDArray[np.float32], mask: NDArray[np.float32], soft: float
) -> Made:
    """`over` where the mask is, its edge softened by so many pixels."""
    if not mask.any():
        mask[mask.shape[0] // 2, mask.shape[1] // 2] = 1.0
    share = (
        cv2.GaussianBlur(mask, (0, 0), max(soft, 0.5)).reshape(*mask.shape, 1)
        if soft > 0.5
        else mask[..., None]
    )
    mixed = picture.astype(np.float32) * (1 - share) + over * share
    top = np.iinfo(picture.dtype).max
    return np.rint(np.clip(mixed, 0, top)).astype(picture.dtype), (mask > 0.5).astype(np.uint8) * 255
