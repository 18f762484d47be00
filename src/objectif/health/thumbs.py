"""Small pictures inside a page: re-encoded pixels, so that nothing of a file's EXIF (place, person, camera) comes along."""

from __future__ import annotations

import base64

import cv2
import numpy as np

from objectif.data import pixels as data_pixels
from objectif.data.dataset import Dataset
from objectif.errors import ImageError
from objectif.health.looks import eight_bit_rgb

QUALITY = 82


def data_uri(dataset: Dataset, row: int, side: int = 144) -> str | None:
    """'data:image/jpeg;base64,...' of sample `row`, at most `side` pixels long; None where it cannot be read."""
    try:
        rgb = eight_bit_rgb(data_pixels.read(dataset, row, min_side=side))
    except ImageError:
        return None
    height, width = rgb.shape[:2]
    scale = side / max(height, width)
    if scale < 1:
        size = max(1, round(width * scale)), max(1, round(height * scale))
        rgb = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    done, code = cv2.imencode(
        ".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
    )
    return f"data:image/jpeg;base64,{base64.b64encode(code.tobytes()).decode('ascii')}" if done else None
