"""Paths that strangers name: resolved, links and all, and refused unless they lie in an allowed root.

A path is resolved first and compared after that, so '..' and links cannot lead outside. A path that is not there and one
that may not be read get the same refusal, or the answers would tell what lies on the disk.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from objectif.errors import InputError

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def inside(path: str | Path, roots: tuple[Path, ...]) -> Path:
    """The resolved path of a file or folder in one of `roots` (resolved); a relative one starts at the first root.

    InputError where it is not there or lies elsewhere.
    """
    shown = str(path)
    try:
        found = (roots[0] / Path(shown)).resolve(strict=True)
    except (OSError, ValueError, RuntimeError):
        found = None
    if found is None or not any(found.is_relative_to(root) for root in roots):
        raise InputError(
            f"{shown!r} is not in a folder that this server may read; expected a path below "
            f"{', '.join(map(str, roots[:3]))}. Start it with --root FOLDER to add one."
        )
    return found


def safe_name(text: str, *, default: str = "unnamed") -> str:
    """A name for a URL and a file: letters, digits, '.', '_', '-', at most 60, not starting with a '.'."""
    return _UNSAFE.sub("-", text).strip("-.")[:60] or default


def key_of(path: Path) -> str:
    """A short name for a path, the same tomorrow and different for different paths: 'flowers-1f3a9c21'."""
    digest = hashlib.sha256(str(path).encode("utf-8", "surrogateescape")).hexdigest()
    return f"{safe_name(path.name)[:40]}-{digest[:8]}"
