"""Layout: IDX pairs, as MNIST comes: train-images-idx3-ubyte(.gz) with train-labels-idx1-ubyte(.gz), and t10k-.

Where both are there, train- and t10k- (or test-) are the given splits.
Format: http://yann.lecun.com/exdb/mnist/ - two zero bytes, a type, the number of axes, their lengths, the numbers.
"""

from __future__ import annotations

import gzip
import math
import re
import struct
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from objectif.data.containers import Part, build
from objectif.data.dataset import Dataset
from objectif.errors import DataError

_IMAGES = re.compile(r"(?P<stem>.*)images(?P<mark>[-.])idx[34]-ubyte(?P<gz>\.gz)?", re.IGNORECASE)


class Idx:
    """The format `idx`."""

    name = "idx"
    richness = 30

    def sniff(self, path: Path) -> str | None:
        """Names the pairs."""
        found = pairs(path)
        return (
            None if not found else f"IDX pair(s) {', '.join(images.name for images, _ in found)} with labels"
        )

    def read(self, path: Path) -> Dataset:
        """All pairs; DataError where one is truncated or the counts differ."""
        found = pairs(path)
        if not found:
            raise DataError(
                f"{path}: no pair of IDX files. Expected t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte."
            )
        splits = [_split(images.name) for images, _ in found]
        given = {"train", "test"} <= set(splits)
        parts = [
            Part(images, split if given else None, read_idx(images), read_idx(labels))
            for (images, labels), split in zip(found, splits, strict=True)
        ]
        files = ", ".join(images.name for images, _ in found)
        notes = [f"layout 'idx': {files}{'; train- and test files are the given splits' if given else ''}"]
        return build(parts, path=path, layout=self.name, notes=notes)


def pairs(path: Path) -> list[tuple[Path, Path]]:
    """(images, labels) files in a folder, or the pair of one images file."""
    files = [path] if path.is_file() else sorted(f for f in path.iterdir() if f.is_file())
    found: dict[str, tuple[Path, Path]] = {}
    for images in files:
        match = _IMAGES.fullmatch(images.name)
        if match is None:
            continue
        stem, mark = match["stem"], match["mark"]
        for end in dict.fromkeys((match["gz"] or "", "", ".gz")):
            labels = images.with_name(f"{stem}labels{mark}idx1-ubyte{end}")
            if labels.is_file():
                # the same pair may be there packed and unpacked: once is enough
                found.setdefault(stem, (images, labels))
                break
    return list(found.values())


def _split(name: str) -> str | None:
    lower = name.lower()
    return "train" if "train" in lower else "test" if "t10k" in lower or "test" in lower else None


def read_idx(file: Path) -> NDArray[Any]:
    """The array in an IDX file of unsigned bytes, packed or not. Raises DataError: truncated, another type."""
    try:
        with gzip.open(file) if file.suffix.lower() == ".gz" else file.open("rb") as stream:
            return _numbers(stream, file)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{file}: truncated or unreadable ({error}). Fetch it again.") from None


def _numbers(stream: IO[bytes] | gzip.GzipFile, file: Path) -> NDArray[Any]:
    head = stream.read(4)
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] != 8:
        raise DataError(
            f"{file}: starts with {head!r}; expected an IDX file of unsigned bytes. Fetch it again."
        )
    lengths = stream.read(4 * head[3])
    if len(lengths) < 4 * head[3]:
        raise DataError(f"{file}: truncated within its header. Fetch it again.")
    shape = struct.unpack(f">{head[3]}I", lengths)
    wanted = math.prod(shape)
    raw = stream.read(wanted)
    if len(raw) < wanted:
        raise DataError(f"{file}: {len(raw)} numbers; its header promises {wanted}. Fetch it again.")
    return np.frombuffer(raw, np.uint8).reshape(shape)


FORMAT = Idx()
