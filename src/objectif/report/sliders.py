"""Before and after: the given and the restored picture to slide between, and the clean one beside them.

All three stand side by side; the page's script lays the first two over each other and adds the slider, so without it
nothing is lost. A part of the picture is shown as it is, pixel by pixel, because what noise or blur does is not to be seen
in a picture made smaller. JPEG of high quality, since noise hardly packs otherwise.
"""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from objectif.report.html import Markup, tag, visible
from objectif.tasks.exhibits import BeforeAfter

SIDE = 288  # pixels of the part that is shown, at most
QUALITY = 90


def draw(case: BeforeAfter, left: int) -> tuple[Markup, int]:
    """The three pictures and how many bytes they take; ValueError where that is more than `left`."""
    heads = [("Given", case.given), ("Restored", case.answer)]
    heads += [] if case.clean is None else [("Clean", case.clean)]
    sources = [(head, _jpeg(part(picture))) for head, picture in heads]
    cost = sum(len(source) for _, source in sources)
    if cost > left:
        raise ValueError("the page has as many pictures as it can hold")
    height, width = part(case.given).shape[:2]
    whole = case.given.shape[:2]
    aside = f" · a part of {width} × {height} pixels" if (height, width) != whole else ""
    style = f"aspect-ratio:{width}/{height};max-width:{width}px"
    sides = [
        tag(
            "div",
            tag("div", tag("b", head), aside if k == 0 else None, class_="side"),
            tag("img", src=source, alt=visible(f"{head}: {case.path}", 200), class_="shot", style=style),
        )
        for k, (head, source) in enumerate(sources)
    ]
    return tag("div", sides, class_=f"pair {'three ' * (len(sides) == 3)}slides"), cost


def part(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The middle of a picture (H, W, C)."""
    top, left = (max(0, side - SIDE) // 2 for side in picture.shape[:2])
    return picture[top : top + SIDE, left : left + SIDE]


def _jpeg(picture: NDArray[np.uint8]) -> str:
    """A data: address."""
    plane = picture[:, :, 0] if picture.shape[2] != 3 else picture
    content = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(plane)).save(content, "JPEG", quality=QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(content.getvalue()).decode('ascii')}"
