"""Whole files on a disk that may be full, read-only or cut off; and errors about it that say what to do.

A file is written beside its place, flushed, then renamed over it: whoever is killed, and whenever, leaves the
old file or the new one, never half of one.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from objectif.errors import RunError

_ELSEWHERE = "choose another folder with --out"
_WHY = {
    errno.ENOSPC: ("the disk is full", "free some space"),
    errno.EDQUOT: ("the disk quota is used up", "free some space"),
    errno.EROFS: ("the disk is read-only", _ELSEWHERE),
    errno.EACCES: ("writing there is not allowed", f"{_ELSEWHERE}, or change its permissions"),
    errno.EPERM: ("writing there is not allowed", f"{_ELSEWHERE}, or change its permissions"),
    errno.ENOTDIR: ("part of the path is a file, not a folder", _ELSEWHERE),
    errno.EEXIST: ("a file has that name, a folder is expected", _ELSEWHERE),
    errno.EISDIR: ("a folder has that name, a file is expected", _ELSEWHERE),
    errno.ENAMETOOLONG: ("the name is too long for this disk", "choose a shorter name with --out"),
}


def explain(error: OSError, path: Path) -> RunError:
    """The system's error as one sentence with its remedy."""
    why, remedy = _WHY.get(error.errno or 0, (error.strerror or str(error), _ELSEWHERE))
    return RunError(f"cannot write {path}: {why}. Remedy: {remedy}, then run the command again.")


def write_whole(target: Path, content: bytes) -> None:
    """Write a file whole or not at all; RunError on a full or read-only disk leaves the old one untouched."""
    beside = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(beside, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(beside, target)
        _flush_names(target.parent)
    except OSError as error:
        remove_quietly(beside)
        raise explain(error, target) from error


def append_once(path: Path, line: bytes) -> None:
    """One write at the end of a file, or none.

    A write that the disk cut short is taken back. RunError says why.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        try:
            written = os.write(handle, line)
            if written < len(line):
                os.ftruncate(handle, os.fstat(handle).st_size - written)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            os.close(handle)
    except OSError as error:
        raise explain(error, path) from error


def remove_quietly(path: Path) -> None:
    """Remove a half-written file if it can be: the error that made it useless is the one to report."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return


def plain(value: Any) -> Any:
    """`value` as what JSON knows.

    Numpy numbers and arrays unpacked, paths as text, what is not finite as None.
    """
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if value is None or isinstance(value, (str, int, bool)):
        return value
    return str(value)


def _flush_names(folder: Path) -> None:
    """Make a rename survive a power cut; file systems that cannot flush a folder lose only that comfort."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)
