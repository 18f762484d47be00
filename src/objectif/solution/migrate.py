"""Versions of the Solution format: what this objectif writes, and how older manifests are brought up to it.

The policy, in full in docs/decisions/solution-format.md: every version ever released is read for ever; a file is never
rewritten in place; a newer file is refused, because half-understood preparation gives wrong answers that look right.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from objectif.errors import SolutionError

VERSION = 3


def _know_the_size_of_images(manifest: dict[str, Any]) -> dict[str, Any]:
    """1 to 2: `reference`, which decides when an image is answered in tiles; nobody had written it down."""
    return {**manifest, "reference": None}


def _know_what_is_promised(manifest: dict[str, Any]) -> dict[str, Any]:
    """2 to 3: promises, an input gate, and what calibration images looked like; earlier files have none of them."""
    return {**manifest, "promises": None, "gate": None, "calibration": None}


# From version n to n + 1, one function each: a manifest in, a new manifest out. Version 1 is the first.
STEPS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {
    1: _know_the_size_of_images,
    2: _know_what_is_promised,
}


def upgrade(
    manifest: Mapping[str, Any],
    *,
    newest: int = VERSION,
    steps: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = STEPS,
) -> dict[str, Any]:
    """The manifest as version `newest` would have written it. SolutionError where the file is newer or says no version."""
    version = manifest.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise SolutionError(
            f"the manifest says version {version!r}; expected a whole number from 1. Is this a Solution?"
        )
    if version > newest:
        raise SolutionError(
            f"this Solution has format version {version}; this objectif reads versions 1 to {newest}. "
            "Upgrade it: pip install -U objectif"
        )
    current = dict(manifest)
    for step in range(version, newest):
        current = steps[step](current)
        current["version"] = step + 1
    return current
