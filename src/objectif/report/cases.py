"""Pictures with marks on them: the truth on the left, the answer on the right, side by side.

Marks are drawn over the picture rather than into it: they keep their width and their letters on any screen,
and say their words to who points at them. The right picture is the left one used again, so it costs no bytes.
Where objects would be specks in the whole picture a part of it is shown. Masks are drawn by layers.py, restored pictures by sliders.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from objectif.report import heats, layers, sliders
from objectif.report.html import Markup, join, name, tag, visible
from objectif.report.numbers import count
from objectif.report.pictures import UNREADABLE, Pictures, thumbnail
from objectif.tasks.exhibits import BeforeAfter, Case, Cases, HeatCase, Mark, MaskCase

SIDE = 480  # pixels of a picture's longer side
TALL = 440  # pixels at which a picture is shown at most in height
MOST = 30  # cases in the page
FIRST = 3  # of one exhibit that are not folded away
BUDGET = 2_200_000  # bytes of all pictures together
SPECK, CLEAR = 11.0, 20.0  # pixels: the usual mark's side below which a part is shown, and its side there
CROWD = 14  # marks on a picture from which only errors are named
TRUTH, ANSWER = ("truth", "missed"), ("right", "wrong")
MEANING = {
    "truth": "in the labels, found",
    "missed": "in the labels, missed",
    "right": "answered, right",
    "wrong": "answered, wrong",
}
_DASHES = {"missed": "1.5 4", "wrong": "7 4"}
NEAREST = 0.66  # of its full size, at which words are laid out: on a phone pictures are no larger
_LETTER, _LINE = 7.2, 15  # pixels: width of a letter of a mark's words, height of its line
Window = tuple[float, float, float, float]  # left, top, right, bottom in pixels of the picture


@dataclass
class Album:
    """Draws cases one after the other, within one budget. left: bytes; number: of the next picture."""

    pictures: Pictures
    left: int = BUDGET
    number: int = 0
    drawn: int = field(default=0)

    def draw(self, exhibit: Cases) -> Markup | None:
        """The cases of one exhibit, the first of them open; None where the page has room for none."""
        cases = exhibit.cases[: MOST - self.drawn]
        self.drawn += len(cases)
        if not cases:
            return None
        figures = [self._figure(case) for case in cases]
        folded = figures[FIRST:]
        more = tag("details", tag("summary", f"Show {len(folded)} more"), folded) if folded else None
        rest = len(exhibit.cases) - len(cases)
        note = tag("p", f"{count(rest, 'more case')} not shown.", class_="note") if rest else None
        return tag("div", figures[:FIRST], more, note, class_="cases")

    def _figure(self, case: Case | MaskCase | HeatCase | BeforeAfter) -> Markup:
        """One case: what is to be seen, the pictures, its name."""
        path = case.path
        said = tag("figcaption", name(case.words, 300), tag("small", name(path, 80)))
        try:
            if isinstance(case, BeforeAfter):
                pair, size = sliders.draw(case, self.left)
                self.left -= size
            else:
                pair = self._pair(path, case.marks) if isinstance(case, Case) else self._masks(case)
        except UNREADABLE as reason:
            pair = tag(
                "p", name(f"not shown: {str(reason).removeprefix(f'{path}: ')}", 200), class_="note frame"
            )
        return tag("figure", said, pair, class_="case")

    def _masks(self, case: MaskCase | HeatCase) -> Markup:
        """Truth, answer and errors, or heat; UNREADABLE where there is no picture or no room for one."""
        key = f"shot-{self.number + 1}"
        if isinstance(case, HeatCase):
            drawn, size = heats.draw(self.pictures, case, key, self.left)
        else:
            drawn, size = layers.draw(self.pictures, case, key, self.left)
        self.number += 1
        self.left -= size
        return drawn

    def _pair(self, path: str, marks: Sequence[Mark]) -> Markup:
        """Truth and answer; UNREADABLE where there is no picture or no room for one."""
        height, width = self.pictures.size(path)
        part = window(height, width, marks)
        reach = max(part[2] - part[0], part[3] - part[1])
        pixels = self.pictures.read(path, max(1, round(SIDE * min(height, width) / reach)))
        scale = pixels.shape[0] / height, pixels.shape[1] / width
        top, bottom = (round(v * scale[0]) for v in (part[1], part[3]))
        left, right = (round(v * scale[1]) for v in (part[0], part[2]))
        source, tiny = thumbnail(pixels[top : max(bottom, top + 1), left : max(right, left + 1)], SIDE)
        if len(source) > self.left:
            raise ValueError("the page has as many pictures as it can hold")
        self.left -= len(source)
        self.number += 1
        shot = Shot(f"shot-{self.number}", part, tiny)
        said = f"a part of {width} × {height} pixels" if part != (0, 0, width, height) else ""
        sides = [("Truth", TRUTH, source), ("Answer", ANSWER, None)]
        return tag(
            "div", [shot.side(head, kinds, marks, file, said) for head, kinds, file in sides], class_="pair"
        )


@dataclass(frozen=True)
class Shot:
    """A picture that stands twice in the page. key: its id. part: what is seen. tiny: to be magnified."""

    key: str
    part: Window
    tiny: bool

    def side(
        self, head: str, kinds: tuple[str, ...], marks: Sequence[Mark], source: str | None, part: str
    ) -> Markup:
        """The picture with its marks of these kinds; source: None where it is used again."""
        seen = [m for m in marks if m.kind in kinds and self._holds(m)]
        number: Counter[str] = Counter(m.kind for m in marks if m.kind in kinds)
        names = {"truth": "found"}
        told = [f"{number[k]} {names.get(k, k)}" for k in kinds if number[k]]
        words = ", ".join(told) or "nothing"
        aside = f" · {part}" if part else ""
        across, down = self.part[2] - self.part[0], self.part[3] - self.part[1]
        return tag(
            "div",
            tag("div", tag("b", head), f": {words}{aside}", class_="side"),
            tag(
                "svg",
                self._pixels(source),
                [self._mark(m) for m in _behind_first(seen)],
                self._words(seen),
                class_="shot",
                role="img",
                aria_label=visible(f"{head}: {words}", 200),
                style=f"aspect-ratio:{across:.0f}/{down:.0f};max-width:{TALL * across / down:.0f}px",
            ),
        )

    def _pixels(self, source: str | None) -> Markup:
        if source is None:
            return tag("use", href=f"#{self.key}")
        sharp = "image-rendering:pixelated" if self.tiny else None
        look = {"preserveAspectRatio": "none", "style": sharp}
        return tag("image", id=self.key, href=source, width="100%", height="100%", **look)

    def _holds(self, mark: Mark) -> bool:
        """Whether anything of the mark is seen."""
        x1, y1, x2, y2 = mark.box
        left, top, right, bottom = self.part
        return x2 > left and x1 < right and y2 > top and y1 < bottom

    def _place(self, mark: Mark) -> Window:
        """The mark's edges in percent of what is seen."""
        left, top, right, bottom = self.part
        x1, y1, x2, y2 = mark.box
        return (
            100 * (x1 - left) / (right - left),
            100 * (y1 - top) / (bottom - top),
            100 * (x2 - left) / (right - left),
            100 * (y2 - top) / (bottom - top),
        )

    def _mark(self, mark: Mark) -> Markup:
        """A rectangle on a dark one, so that it stands out from any picture."""
        x1, y1, x2, y2 = self._place(mark)
        at = {"x": f"{x1:.2f}%", "y": f"{y1:.2f}%", "width": f"{max(x2 - x1, 0.2):.2f}%"}
        at["height"] = f"{max(y2 - y1, 0.2):.2f}%"
        title = tag("title", visible(f"{mark.words} ({MEANING[mark.kind]})", 120))
        dashes = _DASHES.get(mark.kind)
        return join(
            tag("rect", class_="case-line", **at),
            tag("rect", title, class_=f"mark {mark.kind}", stroke_dasharray=dashes, **at),
        )

    def _words(self, marks: Sequence[Mark]) -> list[Markup]:
        """Words above, below or inside the marks, errors first; what would cover others is left out."""
        across, down = self.part[2] - self.part[0], self.part[3] - self.part[1]
        width = NEAREST * min(SIDE, TALL * across / down)
        height = width * down / across
        errors = [m for m in marks if m.kind in ("wrong", "missed")]
        taken: list[Window] = []
        parts = []
        for mark in errors if len(marks) > CROWD else [*errors, *(m for m in marks if m not in errors)]:
            words = visible(mark.words, 36)
            x1, y1, x2, y2 = (
                v / 100 * s for v, s in zip(self._place(mark), (width, height) * 2, strict=True)
            )
            long = _LETTER * len(words)
            left = max(
                2.0, x1
            )  # at the mark's left edge, or, where there is no room, ending at its right edge
            from_right = left + long > width - 2
            if from_right:
                left = max(2.0, min(x2, width - 2) - long)
            for edge, shift in ((y1, -4), (y2, _LINE - 2), (y1, _LINE)):
                box = (left, edge + shift - _LINE + 3, left + long, edge + shift + 3)
                if box[1] < 0 or box[3] > height or any(_meet(box, other) for other in taken):
                    continue
                taken.append(box)
                x, anchor = (left + long, "end") if from_right else (left, None)
                at = {"x": f"{100 * x / width:.2f}%", "y": f"{100 * edge / height:.2f}%"}
                parts.append(
                    tag("text", words, dy=shift, text_anchor=anchor, class_=f"words {mark.kind}", **at)
                )
                break
        return parts


def window(height: int, width: int, marks: Sequence[Mark]) -> Window:
    """All of a picture, or the part with most errors where marks would be specks in the whole."""
    whole = (0.0, 0.0, float(width), float(height))
    reach = max(height, width)
    if not marks:
        return whole
    boxes = np.array([m.box for m in marks], np.float64)
    sides = np.sqrt(np.maximum(boxes[:, 2] - boxes[:, 0], 1) * np.maximum(boxes[:, 3] - boxes[:, 1], 1))
    usual = float(np.median(sides))
    near = max(SIDE * usual / CLEAR, float(sides.max()) * 1.5, 48.0)
    if usual * SIDE / reach >= SPECK or near > 0.7 * reach:
        return whole
    across, down = max(1.0, width * near / reach), max(1.0, height * near / reach)
    errors = np.array([m.kind in ("wrong", "missed") for m in marks])
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    told = middles[errors] if errors.any() else middles
    best, most = (0.0, 0.0), -1
    for x, y in told:
        left = min(max(x - across / 2, 0.0), width - across)
        top = min(max(y - down / 2, 0.0), height - down)
        inside = (told >= (left, top)).all(1) & (told <= (left + across, top + down)).all(1)
        if int(inside.sum()) > most:
            best, most = (left, top), int(inside.sum())
    return best[0], best[1], best[0] + across, best[1] + down


def key(exhibits: Sequence[Cases]) -> Markup:
    """What marks and colours mean: those that occur."""
    cases = [c for e in exhibits for c in e.cases]
    kinds = {m.kind for c in cases if isinstance(c, Case) for m in c.marks}
    entries = layers.key([c for c in cases if isinstance(c, MaskCase)])
    for kind in (k for k in MEANING if k in kinds):
        at = {"x": 3, "y": 3, "width": 28, "height": 14}
        swatch = tag(
            "svg",
            tag("rect", class_="case-line", **at),
            tag("rect", class_=f"mark {kind}", stroke_dasharray=_DASHES.get(kind), **at),
            class_="swatch",
            width=34,
            height=20,
            aria_hidden="true",
        )
        entries.append(tag("span", swatch, MEANING[kind]))
    return tag("div", entries, class_="key marks")


def _behind_first(marks: Sequence[Mark]) -> list[Mark]:
    """What is right behind what is wrong, large behind small."""

    def area(mark: Mark) -> float:
        x1, y1, x2, y2 = mark.box
        return (x2 - x1) * (y2 - y1)

    return sorted(marks, key=lambda m: (m.kind in ("wrong", "missed"), -area(m)))


def _meet(a: Window, b: Window) -> bool:
    """Whether two boxes overlap."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
