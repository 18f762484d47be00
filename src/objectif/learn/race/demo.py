"""Images that a package ships: scikit-learn's handwritten digits, written as a folder for each class."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np


def write_digits(folder: Path) -> Path:
    """1,797 gray PNG of 8 x 8 pixels in folder/0 ... folder/9; returns the folder. Files there already are kept.

    Source: Alpaydin & Kaynak 1998, "Optical recognition of handwritten digits", UCI; shipped by scikit-learn.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    for number, (image, label) in enumerate(zip(digits.images, digits.target, strict=True)):
        path = folder / str(label) / f"{number:04d}.png"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), np.round(image * 255 / 16).astype(np.uint8))
    return folder
