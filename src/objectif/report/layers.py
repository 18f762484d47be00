"""Pictures with masks on them: truth, answer and errors side by side.

The picture stands in the page once; over it lie three layers of few colours, which as palette pictures cost a few kilobytes
each. A layer is as large as the picture is shown. Errors are drawn over the picture darkened, and where several pixels
become one, the usual kind of error among them is shown if errors are a third of them: thin ones do not vanish, and single
pixels do not grow.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from objectif.metrics.masks import VOID, classes_of, objects_of
from objectif.report.html import Markup, name, tag, visible
from objectif.report.pictures import Pictures, thumbnail
from objectif.run.palette import COLOURS, Colour, colour
from objectif.tasks.exhibits import MaskCase

SIDE = 420  # pixels of a picture's longer side
TALL = 420  # pixels at which a picture is shown at most in height
MOST = 20  # classes in the key
TINT, LINE, DARK = (
    105,
    255,
    165,
)  # opacities, of 255: colour over an object, its border, the dark below errors
FAINT = 1 / 3  # share of errors from which a pixel of the layer is one
ERRORS: tuple[tuple[str, Colour], ...] = (
    ("missed", (247, 230, 74)), ("extra", (255, 120, 40)), ("wrong class", (255, 70, 80)),
    ("wrong, near a true border", (232, 238, 242)),
)  # fmt: skip
_OPEN = (128, 128, 128)  # pixels whose truth is not known


def draw(pictures: Pictures, case: MaskCase, key: str, left: int) -> tuple[Markup, int]:
    """Three pictures side by side and how many bytes they take; key: the picture's id in the page.

    One of UNREADABLE where there is no picture, it has another size than its mask, or more than `left` bytes.
    """
    height, width = pictures.size(case.path)
    if (height, width) != case.truth.shape:
        raise ValueError(f"the picture has {width} x {height} pixels, its mask another size")
    least = max(1, round(SIDE * min(height, width) / max(height, width)))
    source, tiny = thumbnail(pictures.read(case.path, least), SIDE)
    scale = min(1.0, SIDE / max(height, width))
    size = max(1, round(height * scale)), max(1, round(width * scale))
    layers = [_tinted(case, case.truth, size), _tinted(case, case.answer, size), _wrong(case.errors, size)]
    cost = len(source) + sum(map(len, layers))
    if cost > left:
        raise ValueError("the page has as many pictures as it can hold")
    sharp = "image-rendering:pixelated" if tiny else None
    whole = {"width": "100%", "height": "100%", "preserveAspectRatio": "none"}
    sides = []
    for k, (head, layer) in enumerate(zip(("Truth", "Answer", "Errors"), layers, strict=True)):
        ground = tag("use", href=f"#{key}") if k else tag("image", id=key, href=source, style=sharp, **whole)
        sides.append(
            tag(
                "div",
                tag("div", tag("b", head), class_="side"),
                tag(
                    "svg",
                    ground,
                    tag(
                        "image",
                        href=layer,
                        style="image-rendering:pixelated" if scale == 1.0 else None,
                        **whole,
                    ),
                    class_="shot",
                    role="img",
                    aria_label=visible(f"{head} of {case.path}", 200),
                    style=f"aspect-ratio:{width}/{height};max-width:{TALL * width / height:.0f}px",
                ),
            )
        )
    return tag("div", sides, class_="pair three"), cost


def key(cases: Sequence[MaskCase]) -> list[Markup]:
    """What the colours mean: classes that occur (unless colours tell objects apart), and kinds of errors that do."""
    entries: list[Markup] = []
    seen: dict[int, Markup] = {}
    for case in cases:
        if _by_object(case):
            continue
        for label in _occurring(case):
            seen.setdefault(label, _entry(case.classes[label], colour(label, case.background)))
    entries += [seen[label] for label in sorted(seen)][:MOST]
    if len(seen) > MOST:
        entries.append(tag("span", f"and {len(seen) - MOST} more"))
    found = {int(code) for case in cases for code in np.unique(case.errors)}
    errors = [_entry(words, paint) for code, (words, paint) in enumerate(ERRORS, 1) if code in found]
    if entries and errors:
        entries.append(tag("b", "Errors:"))
    return entries + errors


def _entry(words: str, paint: Colour) -> Markup:
    rect = tag("rect", x=3, y=3, width=28, height=14, rx=3, fill="#{:02x}{:02x}{:02x}".format(*paint))
    return tag(
        "span", tag("svg", rect, class_="swatch", width=34, height=20, aria_hidden="true"), name(words, 40)
    )


def _occurring(case: MaskCase) -> list[int]:
    labels = np.union1d(np.unique(classes_of(case.truth)), np.unique(classes_of(case.answer)))
    return [int(k) for k in labels if k < len(case.classes) and not (case.background and k == 0)]


def _by_object(case: MaskCase) -> bool:
    """Whether objects have colours, because there is one class of them."""
    apart = case.truth.dtype != np.uint8 or case.answer.dtype != np.uint8
    return apart and len(case.classes) - int(case.background) == 1


def _tinted(case: MaskCase, mask: NDArray[Any], size: tuple[int, int]) -> str:
    """A layer of a mask: objects tinted, their borders in full colour, open pixels gray."""
    height, width = size
    rows = (np.arange(height) * 2 + 1) * mask.shape[0] // (2 * height)
    columns = (np.arange(width) * 2 + 1) * mask.shape[1] // (2 * width)
    seen = mask[rows[:, None], columns[None]]
    label = classes_of(seen)
    edge = np.zeros(seen.shape, np.bool_)
    for one, other in ((np.s_[:, 1:], np.s_[:, :-1]), (np.s_[1:], np.s_[:-1])):
        edge[one] |= seen[one] != seen[other]
        edge[other] |= seen[one] != seen[other]
    if _by_object(case) and seen.dtype != np.uint8:
        paints, index = list(COLOURS), objects_of(seen) % len(COLOURS)
    else:
        kept = _occurring(case) or [0]
        place = np.zeros(VOID + 1, np.int64)
        place[kept] = np.arange(len(kept))
        paints, index = [colour(k, case.background) for k in kept][:126], np.minimum(place[label], 125)
    clear = (label == 0) if case.background else np.zeros(seen.shape, np.bool_)
    index = np.where(edge, 2 * index + 1, 2 * index) + 2
    index = np.where(label == VOID, 1, np.where(clear, 0, index))
    table = [(0, 0, 0, 0), (*_OPEN, DARK), *((*p, o) for p in paints for o in (TINT, LINE))]
    return _png(index, table)


def _wrong(errors: NDArray[np.uint8], size: tuple[int, int]) -> str:
    """A layer of errors, dark where there is none."""
    height, width = size
    shares = [
        cv2.resize((errors == code).astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
        for code in range(1, len(ERRORS) + 1)
    ]
    stack = np.stack(shares)
    index = np.where(stack.sum(axis=0) >= FAINT, stack.argmax(axis=0) + 1, 0)
    return _png(index, [(0, 0, 0, DARK), *((*paint, LINE) for _, paint in ERRORS)])


def _png(index: NDArray[Any], table: Sequence[tuple[int, int, int, int]]) -> str:
    """A palette picture (h, w) of red, green, blue and opacity as a data: address."""
    picture = Image.fromarray(np.ascontiguousarray(index, np.uint8))
    picture.putpalette([v for paint in table for v in paint[:3]])
    content = io.BytesIO()
    picture.save(content, "PNG", optimize=True, transparency=bytes(paint[3] for paint in table))
    return f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode('ascii')}"
