"""Where it looked: maps over a few held-out images, wrong answers first, and the tests that the maps were put to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from objectif.report.heats import layer
from objectif.report.html import Markup, name, tag, visible
from objectif.report.material import Material
from objectif.report.numbers import figure, with_interval
from objectif.report.pictures import UNREADABLE, Pictures, thumbnail
from objectif.runs.folder import WHY

SIDE = 300  # pixels of a picture's longer side
_METHODS = {
    "cam": "The maps are exact: what each place adds to the score, whose mean over places and a constant make it up.",
    "occlusion": "The maps are found by hiding parts of the picture, faded into a blur of itself, and asking again.",
}
_TESTS = (
    "A map can look right and be wrong. Deletion and insertion hide, or show, the picture part by part; they say that the map "
    "finds what this network uses, not that it uses what it should. That is what the pointing game asks, where it is known where "
    "things are."
)


def section(material: Material) -> Markup | None:
    """The section; None where the run has no maps."""
    found = material.folder.read_json(WHY) if material.folder.has(WHY) else None
    if not found or not found.get("cases"):
        return None
    pictures = Pictures(material)
    gone = None if pictures.there() else "The data are no longer where they were: names only."
    said = f"Heat is where something speaks for the answer, by {found['network']}. {_METHODS.get(found['method'], '')}"
    return tag(
        "section",
        tag("h2", "Where it looked"),
        tag("p", said, class_="soft"),
        tag("p", gone, class_="note") if gone else None,
        tag("div", [_figure(pictures, case) for case in found["cases"]], class_="gallery wide"),
        _scale(),
        _tests(found.get("tests") or []),
        id="why",
    )


def _figure(pictures: Pictures, case: Mapping[str, Any]) -> Markup:
    """One picture with its heat, what was answered and what is true."""
    path = str(case["path"])
    try:
        drawn: Markup = _drawn(pictures, case)
    except UNREADABLE as reason:
        drawn = name(f"not shown: {str(reason).removeprefix(f'{path}: ')}", 120)
    told = tag("b", name(str(case["told"]), 60))
    verdict = "right" if case["right"] else tag("span", "is ", name(str(case["truth"]), 60), class_="said")
    hot = f"hottest: {figure(float(case['hot']))} {case['unit']}"
    return tag(
        "figure",
        tag("div", drawn, class_="frame"),
        tag("figcaption", told, ", ", verdict, tag("small", hot), tag("small", name(path, 60))),
    )


def _drawn(pictures: Pictures, case: Mapping[str, Any]) -> Markup:
    """The picture, paled so that heat stands out, and the heat over it."""
    path = str(case["path"])
    height, width = pictures.size(path)
    pixels = pictures.read(path, max(1, round(SIDE * min(height, width) / max(height, width))))
    source, tiny = thumbnail(_pale(pixels), SIDE)
    scale = SIDE / max(height, width)
    size = max(1, round(height * scale)), max(1, round(width * scale))
    cells = np.asarray(case["cells"], np.float32)
    heat = layer(cells, (0.0, float(case["hot"])), size)
    whole = {"width": "100%", "height": "100%", "preserveAspectRatio": "none"}
    return tag(
        "svg",
        tag("image", href=source, style="image-rendering:pixelated" if tiny else None, **whole),
        tag("image", href=heat, **whole),
        class_="shot",
        role="img",
        aria_label=visible(f"{case['sentence']}: {path}", 300),
        style=f"aspect-ratio:{width}/{height}",
    )


def _pale(pixels: NDArray[Any]) -> NDArray[Any]:
    """Colours at a third, of a picture of 8 bits."""
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        return pixels
    gray = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return cv2.addWeighted(pixels, 0.33, np.repeat(gray[:, :, None], 3, 2), 0.67, 0)


def _scale() -> Markup:
    """What the colours mean."""
    ramp = tag(
        "img",
        src=layer(np.linspace(0, 1, 64, dtype=np.float32)[None], (0.0, 1.0), (12, 180)),
        alt="",
        class_="heat-ramp",
    )
    return tag("p", "nothing speaks for it ", ramp, " the hottest place of that picture", class_="note")


def _tests(tests: list[Mapping[str, Any]]) -> Markup | None:
    """The table of tests; None where none was made."""
    rows = [_row(test) for test in tests if test.get("map")]
    if not rows:
        return None
    heads = [
        tag("th", words, scope="col") for words in ("Test", "Better", "Map", "Beside", "Images", "Verdict")
    ]
    sheet = tag("table", tag("thead", tag("tr", heads)), tag("tbody", rows), class_="sheet")
    return tag(
        "div",
        tag("h3", "Do the maps mean anything?"),
        tag("p", _TESTS, class_="soft"),
        tag("div", sheet, class_="scroll"),
        class_="exhibit",
    )


def _row(test: Mapping[str, Any]) -> Markup:
    found = test["map"]
    beside = [
        tag("div", f"{words}: {_told(value)}") for words, value in (test.get("beside") or {}).items() if value
    ]
    return tag(
        "tr",
        tag("th", name(str(test["test"]), 120), scope="row"),
        tag("td", str(test["better"])),
        tag("td", _told(found), class_="n"),
        tag("td", beside or "–"),
        tag("td", str(found["n"]), class_="n"),
        tag("td", _verdict(test)),
    )


def _told(value: Mapping[str, Any]) -> str:
    return with_interval(value["mean"], value["low"], value["high"])


def _verdict(test: Mapping[str, Any]) -> str:
    """What the interval allows to be said."""
    gain = test.get("gain")
    if gain is None:  # shuffled weights
        high = test["map"]["high"]
        if high is None:
            return "too few images"
        return "changes with the weights" if abs(high) < 0.5 else "depends too little on the weights"
    over = next(iter(test["beside"]), "chance")
    if gain["low"] is None:
        return "too few images"
    if gain["low"] > 0:
        return f"better than {over}"
    return f"worse than {over}" if gain["high"] < 0 else f"not told apart from {over}"
