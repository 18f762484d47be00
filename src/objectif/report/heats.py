"""Pictures with heat on them: the true defect outlined, and how unusual each part is, side by side."""

from __future__ import annotations

import base64

import cv2
import numpy as np
from numpy.typing import NDArray

from objectif.report.html import Markup, tag, visible
from objectif.report.layers import SIDE, TALL
from objectif.report.pictures import Pictures, thumbnail
from objectif.run.overlay_heat import paint
from objectif.tasks.exhibits import HeatCase

LINE = (255, 225, 60)  # of the true defect's outline


def draw(pictures: Pictures, case: HeatCase, key: str, left: int) -> tuple[Markup, int]:
    """Two pictures side by side and how many bytes they take; key: the picture's id in the page.

    One of UNREADABLE where there is no picture, or it and its heat take more than `left` bytes.
    """
    height, width = pictures.size(case.path)
    least = max(1, round(SIDE * min(height, width) / max(height, width)))
    source, tiny = thumbnail(pictures.read(case.path, least), SIDE)
    scale = SIDE / max(height, width)
    size = max(1, round(height * scale)), max(1, round(width * scale))
    layers = [None if case.truth is None else _outline(case.truth, size), layer(case.cells, case.scale, size)]
    cost = len(source) + sum(len(shown) for shown in layers if shown)
    if cost > left:
        raise ValueError("the page has as many pictures as it can hold")
    sharp = "image-rendering:pixelated" if tiny else None
    whole = {"width": "100%", "height": "100%", "preserveAspectRatio": "none"}
    heads = ("Truth" if case.truth is not None else "Truth: nobody has said where", "How unusual")
    sides = []
    for k, (head, shown) in enumerate(zip(heads, layers, strict=True)):
        ground = tag("use", href=f"#{key}") if k else tag("image", id=key, href=source, style=sharp, **whole)
        over = tag("image", href=shown, **whole) if shown else None
        sides.append(
            tag(
                "div",
                tag("div", tag("b", head), class_="side"),
                tag(
                    "svg",
                    ground,
                    over,
                    class_="shot",
                    role="img",
                    aria_label=visible(f"{head}: {case.path}", 200),
                    style=f"aspect-ratio:{width}/{height};max-width:{TALL * width / height:.0f}px",
                ),
            )
        )
    return tag("div", sides, class_="pair"), cost


def _outline(truth: NDArray[np.bool_], size: tuple[int, int]) -> str:
    """A transparent layer with the border of a mask."""
    seen = cv2.resize(truth.astype(np.uint8), size[::-1], interpolation=cv2.INTER_NEAREST)
    layer = np.zeros((*size, 4), np.uint8)
    outlines = cv2.findContours(seen, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)[0]
    cv2.drawContours(layer, outlines, -1, (*LINE[::-1], 255), 2)
    return _png(layer)


def layer(cells: NDArray[np.float32], scale: tuple[float, float], size: tuple[int, int]) -> str:
    """A transparent layer of heat of cells (h, w), coldest and hottest by the scale, for a picture shown at size (H, W).

    It is half as large, as it is smooth.
    """
    low, high = scale
    small = max(1, size[1] // 2), max(1, size[0] // 2)
    values = cv2.resize(cells, small, interpolation=cv2.INTER_LINEAR)
    colours, strength = paint((values - low) / max(high - low, 1e-9))
    alpha = np.rint(255 * strength).astype(np.uint8)[:, :, None]
    return _png(np.concatenate([colours[:, :, ::-1], alpha], axis=2))


def _png(layer: NDArray[np.uint8]) -> str:
    content = cv2.imencode(".png", np.ascontiguousarray(layer), [cv2.IMWRITE_PNG_COMPRESSION, 9])[1].tobytes()
    return f"data:image/png;base64,{base64.b64encode(content).decode('ascii')}"
