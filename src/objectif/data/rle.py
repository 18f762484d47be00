"""COCO's run lengths: a mask as the lengths of its runs, column by column, as numbers or as COCO's text.

    {"size": [height, width], "counts": [3, 2, 7]}      3 pixels outside, 2 inside, 7 outside, down the first column
    {"size": [height, width], "counts": "3274"}         the same, compressed

The text writes each number in groups of 5 bits, the lowest first, as characters from '0' on; the 6th bit says that more
follow, and the highest bit of the last group is the sign. From the fourth number on, the difference to the number two
before is written, because neighbouring columns of an object are much alike. (maskApi.c of the COCO API has the same.)

Rejected: pycocotools, for a package to be compiled by some users for two functions of twenty lines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.errors import DataError

_FIRST, _BITS, _MORE, _SIGN, _LOW = 48, 5, 0x20, 0x10, 0x1F
_EXPECTED = 'expected {"size": [height, width], "counts": lengths or text}'


def encode(mask: NDArray[Any]) -> dict[str, Any]:
    """{"size": [height, width], "counts": text} of a mask (H, W), True inside."""
    return {"size": [int(mask.shape[0]), int(mask.shape[1])], "counts": text(runs(mask))}


def decode(rle: Mapping[str, Any], where: str = "RLE") -> NDArray[np.bool_]:
    """(H, W) of {"size", "counts"}, compressed or not; DataError, naming `where` it stands, if that is none."""
    size, counts = rle.get("size"), rle.get("counts")
    sides = list(size) if isinstance(size, Sequence) and not isinstance(size, str) else []
    if len(sides) != 2 or not all(type(v) is int and v >= 0 for v in sides):
        raise DataError(f"{where}: size is {size!r:.60}; {_EXPECTED}. Correct it.")
    return filled(lengths(counts, where), sides[0], sides[1], where)


def lengths(counts: object, where: str = "RLE") -> tuple[int, ...]:
    """The lengths of runs, outside first, of `counts`: a list, or COCO's text as str or bytes. Raises DataError."""
    if isinstance(counts, bytes):
        counts = counts.decode("latin-1")
    if isinstance(counts, str):
        found = _numbers(counts, where)
    elif isinstance(counts, list | tuple):
        found = list(counts)
    else:
        raise DataError(f"{where}: counts is {counts!r:.60}; {_EXPECTED}. Correct it.")
    odd = next((n for n in found if type(n) is not int or n < 0), None)
    if odd is not None:
        raise DataError(
            f"{where}: a run has the length {odd!r:.40}; expected a whole number of pixels. Correct it."
        )
    return tuple(found)


def runs(mask: NDArray[Any]) -> list[int]:
    """Lengths of the runs of a mask (H, W), column by column, outside and inside in turn, outside first."""
    flat = np.asarray(mask, bool).ravel(order="F")
    if not len(flat):
        return []
    turns = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    found: list[int] = np.diff(np.concatenate(([0], turns, [len(flat)]))).tolist()
    return [0, *found] if flat[0] else found


def filled(counts: Sequence[int], height: int, width: int, where: str = "RLE") -> NDArray[np.bool_]:
    """(height, width) with these runs; DataError where they do not fill it exactly."""
    total = sum(counts)
    if total != height * width:
        raise DataError(
            f"{where}: runs of {total} pixels in all; expected {height * width} ({width} x {height}). Correct size or counts."
        )
    inside = np.arange(len(counts)) % 2 == 1
    return np.repeat(inside, counts).reshape((height, width), order="F")


def text(counts: Sequence[int]) -> str:
    """COCO's compressed form of lengths of runs."""
    out = bytearray()
    for place, count in enumerate(counts):
        left = count - counts[place - 2] if place > 2 else count
        more = True
        while more:
            group = left & _LOW
            left >>= _BITS
            more = left != (-1 if group & _SIGN else 0)
            out.append(_FIRST + group + _MORE * more)
    return out.decode("ascii")


def _numbers(written: str, where: str) -> list[int]:
    """Lengths of runs of COCO's compressed form; DataError where a character is none of it or the end is missing."""
    found: list[int] = []
    value, shift = 0, 0
    for place, character in enumerate(written, 1):
        group = ord(character) - _FIRST
        if not 0 <= group < 2 * _MORE:
            raise DataError(
                f"{where}: counts has {character!r} as character {place}; expected COCO's '0' to 'o'. Write it again."
            )
        value |= (group & _LOW) << shift
        shift += _BITS
        if group & _MORE:
            continue
        if group & _SIGN:
            value -= 1 << shift
        found.append(value + found[-2] if len(found) > 2 else value)
        value, shift = 0, 0
    if shift:
        raise DataError(f"{where}: counts ends within a number; it was cut off. Write it again.")
    return found
