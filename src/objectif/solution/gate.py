"""Gate: which inputs a Solution knows, as numbers; the value that is fitted, kept in the file and applied.

Statistics only, never an image: means, a few directions and limits tell nobody whose picture was there, and weigh some
hundred kilobytes at most. Nearest references (a memory of embeddings) were rejected for both reasons.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from objectif.errors import SolutionError

if TYPE_CHECKING:
    from objectif.solution.file import Solution

Floats = NDArray[np.float32]
Limits = tuple[float | None, float | None]
LOOKS = ("level", "contrast", "detail", "colour", "enlarged", "size")
"""Measures of prepared pixels, in the order of run.gate.looks()."""
DISTANCE, SIGNATURE = "distance", "signature"
_KEYS = frozenset({"passes", "images", "origin", "limits", "distance", "signature"})
PREFIX, SIGNED = "gate_", "gate_signature_"
_ARRAYS = ("mean", "basis", "spread", "rest")


def directions(embedding: NDArray[Any]) -> Floats:
    """Embeddings (n, D), rooted (signs kept) and then of length 1.

    The root tames the few channels that are loud in any one image, the length takes contrast and exposure away, which have
    checks of their own. Both together let far fewer foreign images through than either, or none.
    """
    values = np.asarray(embedding, np.float32)
    length = np.sqrt(np.abs(values).sum(1, keepdims=True))  # the squares of roots
    values = np.copysign(np.sqrt(np.abs(values)), values)
    return np.asarray(values / np.maximum(length, 1e-9), np.float32)


@dataclass(frozen=True)
class Space:
    """Where embeddings of usual images lie: near a mean, and along a few directions from it.

    mean (D,), basis (r, D) orthonormal rows, spread (r,) variances along them, all of directions(). rest: sum of the
    variances across, along all other directions. unit: the distance of the middle image that took no part in the fit.
    """

    mean: Floats
    basis: Floats
    spread: Floats
    rest: float
    unit: float = 1.0

    def measured(self, embedding: NDArray[Any]) -> tuple[Floats, Floats]:
        """Of embeddings (n, D): distances (n,), in units of the middle one, and places (n, r) along the directions.

        A distance is that from the plane of the usual: what is left of an embedding when its parts along the directions are
        taken away. Places are in standard deviations; they take no part in it, because images that are far along the very
        directions in which usual ones differ are seldom foreign. SolutionError: another network's embeddings.
        """
        distances, along = self._told(embedding)
        return distances, np.asarray(along / np.sqrt(self.spread), np.float32)

    def distances(self, embedding: NDArray[Any]) -> Floats:
        """(n,) the first of measured()."""
        return self._told(embedding)[0]

    def _told(self, embedding: NDArray[Any]) -> tuple[Floats, Floats]:
        """Distances (n,), and parts along the directions (n, r)."""
        if embedding.shape[1:] != self.mean.shape:
            raise SolutionError(
                f"the network gives embeddings of {embedding.shape[1]} numbers, the input gate knows {len(self.mean)}. The "
                "Solution was put together from parts that do not belong together: solve again."
            )
        centred = directions(embedding) - self.mean
        along = centred @ self.basis.T
        across = np.einsum("ij,ij->i", centred, centred) - np.einsum("ij,ij->i", along, along)
        distances = np.sqrt(np.maximum(across, 0.0) / (self.rest * self.unit**2))
        return np.asarray(distances, np.float32), np.asarray(along, np.float32)

    def arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """For the member known.npz, under names that begin with `prefix`."""
        rest = np.array([self.rest, self.unit], np.float64)
        values: tuple[NDArray[Any], ...] = (self.mean, self.basis.astype(np.float16), self.spread, rest)
        return {prefix + name: value for name, value in zip(_ARRAYS, values, strict=True)}


@dataclass(frozen=True)
class Gate:
    """Limits of what passes.

    limits: measure -> (lowest, highest), None where a side is open. distance: precision -> the highest distance.
    space: None where embeddings are not judged. signed: the plane of hand-made signatures (run.gate.signature) and the highest
    distance from it, where a network's own features are hand-made too and know too few pictures. passes: share of good
    inputs that the limits let through together. images, origin: how many images the limits are from, and which, in words.
    """

    limits: Mapping[str, Limits]
    distance: Mapping[str, float]
    space: Space | None
    passes: float
    images: int
    origin: str
    signed: tuple[Space, float] | None = None

    def table(self) -> dict[str, Any]:
        """JSON-ready, for the manifest."""
        return {
            "passes": self.passes,
            "images": self.images,
            "origin": self.origin,
            "limits": {name: list(pair) for name, pair in self.limits.items()},
            "distance": dict(self.distance),
            "signature": None if self.signed is None else self.signed[1],
        }

    def arrays(self) -> dict[str, NDArray[Any]]:
        """For the member known.npz."""
        own = {} if self.space is None else self.space.arrays(PREFIX)
        return own if self.signed is None else {**own, **self.signed[0].arrays(SIGNED)}

    @classmethod
    def of(cls, solution: Solution) -> Gate | None:
        """The gate of a Solution; None where it has none. SolutionError where its numbers make no sense."""
        if solution.gate is None:
            return None
        try:
            return _parsed(solution.gate, solution.known, tuple(solution.networks))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SolutionError(
                f"the input gate is damaged ({type(error).__name__}: {error}); expected limits and a plane as they "
                "were fitted. Copy the file again from its source, or solve again."
            ) from error


def _parsed(table: Mapping[str, Any], known: Mapping[str, NDArray[Any]], precisions: tuple[str, ...]) -> Gate:
    """ValueError, KeyError or TypeError where something is amiss."""
    if set(table) != _KEYS:
        raise ValueError(f"its keys are {sorted(table)}")
    limits: dict[str, Limits] = {}
    for name, pair in table["limits"].items():
        if name not in LOOKS:
            raise ValueError(f"a limit of {name!r}")
        low, high = (None if end is None else _finite(end) for end in pair)
        limits[name] = low, high
    distance = {str(name): _finite(value) for name, value in table["distance"].items()}
    space = space_of(known, PREFIX) if distance else None
    if distance and not set(precisions) <= set(distance):
        raise ValueError(f"distances for {sorted(distance)}, networks for {sorted(precisions)}")
    signed = None
    if table["signature"] is not None:
        signed = space_of(known, SIGNED), _finite(table["signature"])
    passes, images, origin = _finite(table["passes"]), int(table["images"]), str(table["origin"])
    return Gate(limits, distance, space, passes, images, origin, signed)


def space_of(known: Mapping[str, NDArray[Any]], prefix: str) -> Space:
    """The inverse of Space.arrays(); KeyError or ValueError where the arrays are no plane."""
    mean, basis, spread, rest = (np.asarray(known[prefix + name]) for name in _ARRAYS)
    fits = (
        mean.ndim == 1
        and basis.ndim == 2
        and basis.shape == (len(spread), len(mean))
        and spread.ndim == 1
        and rest.shape == (2,)
    )
    if not fits:
        raise ValueError(
            f"arrays of shapes {[a.shape for a in (mean, basis, spread, rest)]} that do not belong together"
        )
    if not all(np.isfinite(a).all() for a in (mean, basis, spread, rest)):
        raise ValueError("numbers that are not finite")
    if (spread <= 0).any() or (rest <= 0).any():
        raise ValueError("variances that are not above zero")
    return Space(
        mean.astype(np.float32), basis.astype(np.float32), spread.astype(np.float32), *map(float, rest)
    )


def _finite(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise ValueError(f"{value!r} instead of a number")
    return float(value)
