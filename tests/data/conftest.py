"""Small made-up data sets for the data room."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from objectif.data.dataset import Dataset, Sample

Paint = Callable[..., Path]
Made = Callable[..., Dataset]


@pytest.fixture
def paint(tmp_path: Path) -> Paint:
    """paint("roses/a.png", ...) writes small pictures, each with other pixels; returns the folder."""
    count = iter(range(10_000))

    def write(*names: str) -> Path:
        for name in names:
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            pixels = np.random.default_rng(next(count)).integers(0, 255, (12, 16, 3), np.uint8)
            Image.fromarray(pixels).save(file)
        return tmp_path

    return write


@pytest.fixture(scope="session")
def made() -> Made:
    """made([0, 1, 1], groups=..., splits=..., multilabel=...) is a Dataset without files."""
    return make


def make(
    labels: Sequence[int] | Sequence[Sequence[int]],
    *,
    classes: int | None = None,
    groups: Sequence[str | None] | None = None,
    splits: Sequence[str | None] | None = None,
    multilabel: bool = False,
) -> Dataset:
    """A Dataset without files; labels are numbers, or lists of numbers where multi-label."""
    rows = [tuple(x) if isinstance(x, Sequence) else (int(x),) for x in labels]
    count = classes if classes is not None else 1 + max(max(r, default=0) for r in rows)
    samples = tuple(
        Sample(
            f"{i:05d}.png",
            Path(f"/nowhere/{i:05d}.png"),
            row,
            group=None if groups is None else groups[i],
            split=None if splits is None else splits[i],
        )
        for i, row in enumerate(rows)
    )
    return Dataset(
        "made", Path("/nowhere"), "made", tuple(f"c{k}" for k in range(count)), samples, multilabel=multilabel
    )
