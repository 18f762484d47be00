"""Pictures inside the page: found behind an answer's path, shrunk, and encoded anew from their pixels.

Encoded anew, so that nothing of the file's metadata (camera, owner, GPS position) can come along.
"""

from __future__ import annotations

import base64
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from objectif.data import load as layouts
from objectif.data.dataset import Dataset
from objectif.data.pixels import read as read_sample
from objectif.data.pixels import size as size_of_sample
from objectif.errors import ObjectifError
from objectif.images import photo
from objectif.report.material import Material

SIDE = 160  # pixels of a thumbnail's longer side
TINY = 64  # pictures up to this side are kept as they are and magnified by the browser
UNREADABLE = (ObjectifError, OSError, ValueError, cv2.error)  # why a picture may not be shown


def thumbnail(pixels: NDArray[Any], side: int = SIDE) -> tuple[str, bool]:
    """Pixels (H, W, C), at most `side` long, as a data: address, and whether they should be magnified.

    16-bit pictures are stretched to their own range; of more than three bands the first three are shown.
    """
    picture = pixels[:, :, None] if pixels.ndim == 2 else pixels
    picture = picture[:, :, :3] if picture.shape[2] >= 3 else picture[:, :, :1]
    if picture.dtype != np.uint8:
        low, high = float(picture.min()), float(picture.max())
        picture = ((picture.astype(np.float32) - low) * (255.0 / max(high - low, 1e-9))).astype(np.uint8)
    height, width = picture.shape[:2]
    tiny = max(height, width) <= TINY
    if max(height, width) > side:
        scale = side / max(height, width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    if picture.ndim == 3:
        picture = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR) if picture.shape[2] == 3 else picture[:, :, 0]
    kind, options = (".png", []) if tiny else (".jpg", [cv2.IMWRITE_JPEG_QUALITY, 82])
    done, encoded = cv2.imencode(kind, np.ascontiguousarray(picture), options)
    if not done:
        raise ValueError("the picture cannot be encoded")
    mime = "image/png" if tiny else "image/jpeg"
    return (f"data:{mime};base64,{base64.b64encode(encoded.tobytes()).decode('ascii')}", tiny)


class Pictures:
    """The pixels behind an answer's path: a file of the data, or an item of an array by the data's layout."""

    def __init__(self, material: Material) -> None:
        self._problem = material.result.problem
        self._run = material.folder.path

    def there(self) -> bool:
        """Whether the data are still where they were."""
        return any(root.exists() for root in self._places()[:-1])

    def read(self, path: str, side: int = SIDE) -> NDArray[Any]:
        """Pixels, perhaps already reduced to a short side of at least `side`.

        ObjectifError where there are none, or where the path leads out of the data.
        """
        file = self._file(path)
        if file is not None:
            return photo.read(file, name=path, min_side=side)
        dataset, row = self._item(path)
        return read_sample(dataset, row, min_side=side)

    def size(self, path: str) -> tuple[int, int]:
        """(height, width) of the whole upright picture in pixels; errors as read()."""
        file = self._file(path)
        if file is not None:
            info = photo.probe(file, name=path)
            return info.height, info.width
        return size_of_sample(*self._item(path))

    def _file(self, path: str) -> Path | None:
        """The file of that name in the data; None where the data have none."""
        if Path(path).is_absolute() or ".." in Path(path).parts:
            raise ObjectifError("its path leads out of the data")
        for place in self._places():
            file = (place if place.is_dir() else place.parent) / path
            if file.is_file():
                return file
        return None

    def _item(self, path: str) -> tuple[Dataset, int]:
        """The data and the row of that path in them."""
        dataset, rows = self._dataset
        if path not in rows:
            raise ObjectifError("the picture is no longer there")
        return dataset, rows[path]

    def _places(self) -> list[Path]:
        """Where the data may be: as the problem says; if that is relative, also as seen from the run."""
        data = Path(str(self._problem.get("data", "")))
        places = [data] if data.is_absolute() else [data, self._run.parent / data, self._run / data]
        return [*places, self._run]  # what a race has made itself is in its own folder

    @cached_property
    def _dataset(self) -> tuple[Dataset, dict[str, int]]:
        """The data as their layout reads them, and the row of each path."""
        place = next((p for p in self._places() if p.exists()), self._places()[0])
        try:
            dataset = layouts.load(place, format=self._problem.get("format"))
        except ObjectifError:
            dataset = Dataset("", place, "", (), ())
        return dataset, {s.path: k for k, s in enumerate(dataset.samples)}
