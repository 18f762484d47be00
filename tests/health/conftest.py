"""Generated pictures that behave like photos: smooth scenes with an object whose kind is the class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from objectif.data.dataset import Dataset, Sample

Picture = NDArray[np.uint8]


def scene(seed: int, kind: int = 0, side: int = 96) -> Picture:
    """(side, side, 3) RGB: a random smooth background and, somewhere, a disc (0), bars (1) or a ring (2)."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(0, 255, (6, 6, 3)).astype(np.float32)
    picture = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)
    fine = cv2.GaussianBlur(rng.normal(0, 40, (side, side)).astype(np.float32), (0, 0), 1.5)
    picture = picture + fine[:, :, None]
    colour = rng.uniform(0, 255, 3).tolist()
    centre = tuple(int(v) for v in rng.uniform(0.35, 0.65, 2) * side)
    radius = int(rng.uniform(0.2, 0.3) * side)
    if kind == 0:
        cv2.circle(picture, centre, radius, colour, -1)
    elif kind == 1:
        for step in range(-radius, radius + 1, max(4, radius // 2)):
            x, y = centre[0] + step, centre[1]
            cv2.line(picture, (x, y - radius), (x, y + radius), colour, 3)
    else:
        cv2.circle(picture, centre, radius, colour, 4)
    return np.clip(picture, 0, 255).astype(np.uint8)


def in_memory(
    pictures: Sequence[Picture],
    labels: Sequence[int | tuple[int, ...]],
    *,
    paths: Sequence[str] | None = None,
    splits: Sequence[str | None] | None = None,
    groups: Sequence[str | None] | None = None,
    multilabel: bool = False,
) -> Dataset:
    """A Dataset whose pictures, all of one size, are an array in memory."""
    box = Path("box.npz")
    marks = [(y,) if isinstance(y, int) else y for y in labels]
    classes = max((max(m) for m in marks if m), default=0) + 1
    samples = tuple(
        Sample(
            paths[i] if paths else f"box.npz#{i}",
            box,
            marks[i],
            item=i,
            split=splits[i] if splits else None,
            group=groups[i] if groups else None,
        )
        for i in range(len(pictures))
    )
    names = tuple(["disc", "bars", "ring"][:classes]) if classes <= 3 else tuple(map(str, range(classes)))
    return Dataset(
        "box",
        Path(),
        "npz",
        names,
        samples,
        multilabel,
        arrays={box: np.stack([np.asarray(p) for p in pictures])},
    )


def write(path: Path, picture: Picture, *, quality: int = 92) -> Path:
    """Save RGB pixels as the suffix says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    options = [cv2.IMWRITE_JPEG_QUALITY, quality] if path.suffix == ".jpg" else []
    done, code = cv2.imencode(path.suffix, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), options)
    assert done
    path.write_bytes(code.tobytes())
    return path


@pytest.fixture(scope="session")
def clean() -> Dataset:
    """90 different pictures of three classes, nothing wrong with them."""
    return in_memory([scene(i, i % 3) for i in range(90)], [i % 3 for i in range(90)])


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """folder(n, kinds) writes n scenes of each kind as JPEG into class folders and gives the root."""

    def make(n: int = 20, kinds: int = 2) -> Path:
        for kind in range(kinds):
            for i in range(n):
                write(tmp_path / "data" / f"class{kind}" / f"{i}.jpg", scene(1000 * kind + i, kind))
        return tmp_path / "data"

    return make
