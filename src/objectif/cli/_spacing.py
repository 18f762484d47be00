"""`--spacing`: how much a pixel measures, as people write it: 0.25um, or 0.5,0.25 down and across."""

from __future__ import annotations

import re
from dataclasses import dataclass

from objectif.errors import InputError

UNITS = ("nm", "um", "mm", "cm", "dm", "m", "km", "in", "ft")
_LEAST, _MOST = 1e-12, 1e12  # beyond, areas of a pixel or of a picture are no numbers any more
_NUMBER = r"((?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
_FORM = re.compile(rf"{_NUMBER}(?:\s*,\s*{_NUMBER})?\s*([^\W\d_]*)")


@dataclass(frozen=True, slots=True)
class Scale:
    """How much a pixel measures (down, across), in a unit of UNITS."""

    spacing: tuple[float, float]
    unit: str


def scale(text: str) -> Scale:
    """What --spacing says, millimetres where it names no unit; InputError where it is nothing of the kind."""
    found = _FORM.fullmatch(text.strip())
    if found is not None:
        down, across = float(found[1]), float(found[2] or found[1])
        unit = (found[3] or "mm").replace("\u00b5", "u").replace("\u03bc", "u")  # micro sign, Greek mu
        if unit in UNITS and all(_LEAST <= v <= _MOST for v in (down, across)):
            return Scale((down, across), unit)
    raise InputError(
        f"--spacing {text}: expected how much a pixel measures, a number above 0 or two (ROW,COLUMN), in mm or with one of "
        f"{', '.join(UNITS)} behind. Write it as 0.25um or 0.5,0.25mm, with a point before decimals."
    )
