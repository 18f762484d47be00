"""The shapes of what a network gives, by the names of its outputs: one table, for every task.

A network answers for whole images, with `scores` (N, C); for places, with `boxes` (N, A, 4) and `scores` (N, A, C); for the
cells of a grid, with `scores` (N, h, w, C) and `distance` (N, h, w, 1), or with how unusual they are, `anomaly` (N, h, w);
for pixels, with `picture` (N, H, W, channels). `embedding` and `map` are the same for all: search and explanations use them,
no task needs them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

Axis = str | int | None
"""A number; "N" the images, "C" the classes, "A" the places, "Q" a number and its interval, or a probability and those of the C stages, each the same wherever it stands; None any number."""

_OF_TASKS: dict[tuple[str, ...], dict[str, tuple[Axis, ...]]] = {
    ("scores",): {"scores": ("N", "C")},
    ("embedding",): {},
    ("boxes", "scores"): {"boxes": ("N", "A", 4), "scores": ("N", "A", "C")},
    ("picture",): {"picture": ("N", None, None, None)},
    ("scores", "distance"): {"scores": ("N", None, None, "C"), "distance": ("N", None, None, 1)},
    ("anomaly",): {"anomaly": ("N", None, None)},
    ("quantity",): {"quantity": ("N", "Q")},
}
_OF_ALL: dict[str, tuple[Axis, ...]] = {"embedding": ("N", None), "map": ("N", None, None, "C")}


def shapes(needed: tuple[str, ...]) -> dict[str, tuple[Axis, ...]]:
    """Name -> axes of all outputs that a network may have whose task needs those."""
    return {**_OF_TASKS[needed], **_OF_ALL}


def flaws(
    outputs: Mapping[str, NDArray[Any]], needed: tuple[str, ...], classes: int, images: int | None = None
) -> list[str]:
    """What is wrong with the shapes of the outputs at hand, a phrase for each; [] where nothing is."""
    known: dict[str, int] = {"C": classes, "Q": 3 if classes == 1 else classes + 1}
    if images is not None:
        known["N"] = images
    found = []
    for name, axes in shapes(needed).items():
        if name not in outputs:
            continue
        shape = outputs[name].shape
        expected = tuple(known.get(axis, axis) if isinstance(axis, str) else axis for axis in axes)
        fits = len(shape) == len(expected) and all(
            wanted == there or not isinstance(wanted, int)
            for wanted, there in zip(expected, shape, strict=True)
        )
        if not fits:
            shown = ", ".join("any" if axis is None else str(axis) for axis in expected)
            found.append(f"{name} of shape {shape}; expected ({shown})")
        else:
            known.update((a, n) for a, n in zip(axes, shape, strict=True) if isinstance(a, str))
    return found
