"""Training views of images with boxes: one affine warp a picture, mosaics of four, and a change of light.

Everything happens to bytes in OpenCV: a view of 320 px costs a millisecond where a training step costs forty. A mosaic
shows four pictures at smaller and larger scales side by side (Bochkovskiy et al. 2020, "YOLOv4", arXiv:2004.10934), which
is worth much for small data sets; the last part of training sees whole pictures, as the network will in use. What a crop
has cut down to a sliver is neither asked for nor counted as background: it is marked to be ignored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.learn.models.warp import GRAY, draw, relight

Truth = NDArray[np.floating[Any]]
WIDTH = 6  # x1 y1 x2 y2 class ignore
SLIVER = 0.35  # an object of which less can be seen is ignored


@dataclass(frozen=True)
class Settings:
    """mosaic: share of views that are mosaics, until `plain` of the training is done.

    zoom, mosaic_zoom: least and greatest scale, 1 where the picture just fits. stretch: of one side against the other.
    light: relative change of each channel's gain, and of saturation.
    """

    mosaic: float = 0.5
    plain: float = 0.8
    zoom: tuple[float, float] = (0.7, 1.4)
    mosaic_zoom: tuple[float, float] = (0.5, 1.2)
    stretch: float = 0.1
    light: float = 0.25


def view(
    images: NDArray[Any],
    truth: Truth,
    size: tuple[int, int],
    generator: np.random.Generator,
    progress: float,
    symmetries: tuple[str, ...],
    settings: Settings = Settings(),  # frozen
) -> tuple[NDArray[Any], Truth]:
    """A View (see learn/models/base.py) for truth (n,G,6)."""
    n, channels = len(images), images.shape[3]
    seen = np.empty((n, *size, channels), images.dtype)
    found: list[Truth] = []
    for row in range(n):
        if progress < settings.plain and n > 3 and generator.random() < settings.mosaic:
            others = generator.choice(np.delete(np.arange(n), row), 3, replace=False)
            rows = [row, *(int(o) for o in others)]
            seen[row], boxes = _mosaic(images, truth, rows, size, generator, symmetries, settings)
        else:
            seen[row] = GRAY
            boxes = _place(images[row], truth[row], seen[row], generator, symmetries, settings.zoom, settings)
        seen[row] = relight(seen[row], generator, settings.light)
        found.append(boxes)
    return seen, _padded(found)


def _mosaic(
    images: NDArray[Any],
    truth: Truth,
    rows: list[int],
    size: tuple[int, int],
    generator: np.random.Generator,
    symmetries: tuple[str, ...],
    settings: Settings,
) -> tuple[NDArray[Any], Truth]:
    """Four pictures around a random centre."""
    height, width = size
    y, x = int(height * generator.uniform(0.3, 0.7)), int(width * generator.uniform(0.3, 0.7))
    canvas = np.full((height, width, images.shape[3]), GRAY, images.dtype)
    parts = []
    corners = [(0, y, 0, x), (0, y, x, width), (y, height, 0, x), (y, height, x, width)]
    for row, (top, bottom, left, right) in zip(rows, corners, strict=True):
        window = canvas[top:bottom, left:right]
        boxes = _place(
            images[row], truth[row], window, generator, symmetries, settings.mosaic_zoom, settings, size
        )
        parts.append(boxes + np.array([left, top, left, top, 0, 0]))
    return canvas, np.concatenate(parts)


def _place(
    image: NDArray[Any],
    boxes: Truth,
    window: NDArray[Any],
    generator: np.random.Generator,
    symmetries: tuple[str, ...],
    zoom: tuple[float, float],
    settings: Settings,
    size: tuple[int, int] | None = None,
) -> Truth:
    """Warp a picture into `window` (in place); its boxes there. size: what the picture just fits at scale 1."""
    height, width = window.shape[:2]
    warp = draw(
        generator,
        (image.shape[0], image.shape[1]),
        (height, width),
        symmetries,
        zoom=zoom,
        stretch=settings.stretch,
        fits=size,
    )
    window[:] = warp.show(image, (height, width))
    return _moved(boxes, warp.matrix, warp.shift, width, height)


def _moved(
    boxes: Truth, matrix: NDArray[np.float64], shift: NDArray[np.float64], width: int, height: int
) -> Truth:
    """Boxes after the warp, cut at the window; those that left it are dropped, slivers are to be ignored."""
    boxes = boxes[boxes[:, 4] >= 0]
    ends = boxes[:, :4].reshape(-1, 2, 2) @ matrix.T + shift  # an axis-parallel box stays one
    low, high = ends.min(1), ends.max(1)
    whole = np.prod(high - low, 1)
    frame = np.array([width, height])
    low, high = np.clip(low, 0, frame), np.clip(high, 0, frame)
    kept = np.prod(high - low, 1)
    sliver = (kept < SLIVER * whole) | ((high - low).min(1) < 2)
    moved = np.concatenate([low, high, boxes[:, 4:5], np.maximum(boxes[:, 5:6], sliver[:, None])], 1)
    return np.asarray(moved[(high - low).min(1) > 0.5])


def _padded(rows: list[Truth]) -> Truth:
    """Boxes of n images as one (n,G,6); padding has class -1."""
    most = max(1, max(len(r) for r in rows))
    truth = np.zeros((len(rows), most, WIDTH), np.float32)
    truth[:, :, 4] = -1
    for row, boxes in zip(truth, rows, strict=True):
        row[: len(boxes)] = boxes
    return truth
