"""Layout: one .npz in the MedMNIST manner: train_images, train_labels, val_images, ... ; x_train, y_train also fit.

images (n, H, W) or (n, H, W, C) of uint8 or uint16; labels (n,) or (n, 1), or (n, classes) of 0 and 1 where
multi-label. `images` and `labels` alone are one part without splits; `classes` may hold the names.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from pathlib import Path

import numpy as np

from objectif.data.containers import Part, build
from objectif.data.dataset import Dataset
from objectif.errors import DataError, LayoutAmbiguous

_KEY = re.compile(
    r"(?:(?P<split>train|val|test)_)?(?P<what>images|labels)|(?P<xy>[xy])_(?P<of>train|val|test)"
)


class Npz:
    """The format `npz`."""

    name = "npz"
    richness = 31

    def sniff(self, path: Path) -> str | None:
        """Names the file and its splits; its directory alone is read."""
        fitting = [file for file in candidates(path) if _pairs(_keys(file))]
        return None if not fitting else f"{', '.join(f.name for f in fitting)} holds images and labels"

    def read(self, path: Path) -> Dataset:
        """All parts; DataError where arrays are missing, truncated or of the wrong shape."""
        files = [file for file in candidates(path) if _pairs(_keys(file))] or candidates(path)[:1]
        if not files:
            raise DataError(f"{path}: no .npz file.")
        if len(files) > 1:
            raise LayoutAmbiguous(
                f"{path}: several .npz files hold images: {', '.join(map(str, files))}. "
                "Give the one that is meant instead of the folder."
            )
        file = files[0]
        found = _pairs(_keys(file))
        if not found:
            raise DataError(
                f"{file}: holds {', '.join(_keys(file)) or 'no arrays'}; expected train_images and train_labels "
                "(and val_, test_), or images and labels."
            )
        try:
            with np.load(file, allow_pickle=False) as arrays:
                parts = [Part(file, split, arrays[x], arrays[y]) for split, (x, y) in found.items()]
                classes = [str(c) for c in arrays["classes"]] if "classes" in arrays else None
        except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
            raise DataError(
                f"{file}: truncated or not plain arrays ({error}). Save it again with np.savez."
            ) from None
        notes = [f"layout 'npz': {file.name} with {', '.join(x for x, _ in found.values())}"]
        return build(parts, path=file, layout=self.name, notes=notes, classes=classes)


def candidates(path: Path) -> list[Path]:
    """The file that is meant, or those in a folder, sorted."""
    if path.is_file():
        return [path] if path.suffix.lower() == ".npz" else []
    return sorted(f for f in path.iterdir() if f.suffix.lower() == ".npz" and f.is_file())


def _keys(file: Path) -> list[str]:
    """Names of the arrays; none where the file is no zip."""
    try:
        with zipfile.ZipFile(file) as archive:
            return [name.removesuffix(".npy") for name in archive.namelist()]
    except (OSError, zipfile.BadZipFile):
        return []


def _pairs(keys: list[str]) -> dict[str | None, tuple[str, str]]:
    """Split -> names of (images, labels), for the splits that have both."""
    found: dict[str | None, dict[str, str]] = {}
    for key in keys:
        match = _KEY.fullmatch(key)
        if match:
            what = match["what"] or {"x": "images", "y": "labels"}[match["xy"]]
            found.setdefault(match["split"] or match["of"], {})[what] = key
    return {split: (pair["images"], pair["labels"]) for split, pair in found.items() if len(pair) == 2}


FORMAT = Npz()
