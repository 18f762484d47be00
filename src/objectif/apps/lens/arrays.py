"""Arrays beside a lens, as .npz: written whole, read without running code, one message where they are damaged."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.errors import InputError
from objectif.runs.storage import write_whole


def write_arrays(path: Path, **arrays: Any) -> None:
    """Write them whole or not at all; RunError where the disk refuses."""
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    write_whole(path, stream.getvalue())


def read_arrays(path: Path, *names: str) -> dict[str, NDArray[Any]]:
    """All arrays of a file, `names` among them. InputError where it is missing or damaged, or one is not there."""
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as stored:
            found = {name: stored[name] for name in stored.files}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} is missing or damaged ({error}); {AGAIN}") from None
    lacking = [name for name in names if name not in found]
    if lacking:
        raise InputError(f"{path} lacks {lacking[0]!r}; {AGAIN}")
    return found


AGAIN = "`objectif lens new DATA --out` the same folder makes it again and keeps the cards."
