"""How a training view shows a picture: one affine map by chance, its pixels, and a change of light. Shared by the tasks.

What a task's truth does under the same map is the task's: boxes move by their corners (detect/view.py), masks by their
pixels (segment/view.py). All of it happens to bytes in OpenCV.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

GRAY = 128.0  # of empty places and of bars, as Preparation pads


@dataclass(frozen=True)
class Warp:
    """matrix (2,2), shift (2,): a point p of the picture is at matrix @ p + shift, (x, y) in pixels from the corner."""

    matrix: NDArray[np.float64]
    shift: NDArray[np.float64]
    scale: float

    @property
    def affine(self) -> NDArray[np.float64]:
        """(2,3) the same for OpenCV, whose coordinates are of the centres of pixels."""
        centre = self.shift + 0.5 * self.matrix.sum(1) - 0.5
        return np.concatenate([self.matrix, centre[:, None]], 1)

    def show(self, image: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
        """(H,W,C) of the image (h,w,C); gray beyond its sides."""
        shown = cv2.warpAffine(
            image,
            self.affine,
            size[::-1],
            flags=cv2.INTER_AREA if self.scale < 0.5 else cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=(GRAY,) * 4,
        )
        found: NDArray[Any] = shown.reshape(*size, image.shape[2])
        return found


def draw(
    generator: np.random.Generator,
    picture: tuple[int, int],
    window: tuple[int, int],
    symmetries: tuple[str, ...],
    *,
    zoom: tuple[float, float],
    stretch: float,
    tilt: float = 0.0,
    fits: tuple[int, int] | None = None,
) -> Warp:
    """A map by chance of a picture (h,w) into a window (h,w), at a random place of it.

    zoom: least and greatest scale; at 1 the picture just fits into `fits`, else the window. stretch: of one side against
    the other. tilt: most degrees of rotation.
    """
    height, width = picture
    to_h, to_w = fits or window
    scale = min(to_h / height, to_w / width) * np.exp(generator.uniform(*np.log(zoom)))
    skew = np.exp(generator.uniform(-stretch, stretch) / 2)
    matrix = np.diag([scale * skew, scale / skew]) @ turned(generator, symmetries)
    if tilt:
        angle = np.deg2rad(generator.uniform(-tilt, tilt))
        matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ matrix
    corners = matrix @ np.array([[0, width, 0, width], [0, 0, height, height]], np.float64)
    low, high = corners.min(1), corners.max(1)
    free = np.array([window[1], window[0]]) - (high - low)
    return Warp(matrix, free * generator.uniform(0, 1, 2) - low, float(scale))


def turned(generator: np.random.Generator, symmetries: tuple[str, ...]) -> NDArray[np.float64]:
    """A random element of the group that the symmetries span, as a 2 x 2 matrix."""
    matrix = np.eye(2)
    for name, change in (("mirror", np.diag([-1.0, 1.0])), ("flip", np.diag([1.0, -1.0]))):
        if name in symmetries and generator.random() < 0.5:
            matrix = change @ matrix
    if "turn" in symmetries:
        quarter = np.array([[0.0, -1.0], [1.0, 0.0]])
        matrix = np.linalg.matrix_power(quarter, int(generator.integers(4))) @ matrix
    return np.asarray(matrix)


def relight(image: NDArray[Any], generator: np.random.Generator, light: float) -> NDArray[Any]:
    """Gain of every channel, contrast about the mean, saturation; (H,W,C), uint8 or float32 in 0..255, of the same type.

    light: relative change of each channel's gain, and of saturation.
    """
    channels = image.shape[2]
    gain = np.exp(generator.uniform(-light, light)) * np.exp(
        generator.uniform(-light / 3, light / 3, channels)
    )
    mix = np.eye(channels)
    if channels == 3:
        colour = np.exp(generator.uniform(-2 * light, 2 * light))
        mix = colour * mix + (1 - colour) * np.full((3, 3), 1 / 3)
    offset = generator.uniform(-light, light) * 32
    table = np.concatenate([gain[:, None] * mix, np.full((channels, 1), offset)], 1)
    if channels > 4:  # more than OpenCV transforms
        changed = image.astype(np.float32) * gain.astype(np.float32) + np.float32(offset)
    else:
        changed = cv2.transform(image, table)  # bytes saturate, floats do not
    clipped: NDArray[Any] = np.clip(changed, 0, 255).astype(image.dtype).reshape(image.shape)
    return clipped
