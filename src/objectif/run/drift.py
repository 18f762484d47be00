"""Drift without labels: do these images and the answers for them still look like those the Solution was judged on?

Each measure (level, contrast, ... of the pixels, places and distance of the embedding, scores of the answers) is compared
by the two-sample test of Kolmogorov and Smirnov, and Holm's correction keeps the chance of any false alarm at the stated
rate, whatever hangs together with what. Only sorted columns are kept of the images it was judged on: enough for these tests,
and no row of them is an image. Rejected: energy distance and MMD by permutation, which see more of what several measures do
together, but need the rows, and name no measure to a person; a classifier between both sets, which is as good, for more
images and a hundred times the work.

What is supposed: the new images are independent of each other. Twenty frames of one film are one image seen twenty times
and will be called different, rightly, but for the wrong reason; give --group for them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.answers import AnomalyMap, Answer, Boxes, Label, Masks, Quantity
from objectif.errors import InputError, SolutionError
from objectif.run.gate import Measures
from objectif.solution.file import Solution
from objectif.solution.gate import LOOKS, Space, space_of

Doubles = NDArray[np.float64]
PREFIX = "drift_"
ALARM = 0.05
LEAST = 20
"""Fewer images than this, new or kept, say too little."""
PLACES = 8
CLASSES = 8  # whose scores are looked at, at most
_DAMAGED = "what the file keeps of the images that it was judged on is damaged; copy it again from its source, or solve again"
_SHOWN = {
    "level": "mean level",
    "contrast": "contrast",
    "detail": "fine detail",
    "colour": "colour",
    "enlarged": "how much it was enlarged",
    "size": "size of the picture",
    "distance": "distance of the embedding",
}


def title(name: str) -> str:
    """What a person calls a measure."""
    kind, _, which = name.partition(":")
    named = {
        "score": f"score of {which}",
        "share": f"share of {which}",
        "place": f"embedding, direction {which}",
    }
    return named.get(kind) or _SHOWN.get(kind, kind)


@dataclass(frozen=True)
class Moved:
    """How one measure of the new images lies to that of those kept.

    gap: Kolmogorov-Smirnov distance, 0..1. p: of the test alone. adjusted: after Holm's correction for all measures.
    before, now: medians. higher: share of pairs in which the new image has the larger number, ties half.
    """

    name: str
    gap: float
    p: float
    adjusted: float
    before: float
    now: float
    higher: float

    @property
    def title(self) -> str:
        """What a person calls it."""
        return title(self.name)


@dataclass(frozen=True)
class Drift:
    """What drift() found. moved: every measure, the clearest first. unlike: (path, measure, deviations), the farthest first.

    alarm: stated share of false alarms. n: images compared, kept: images they were compared with. rejected: of the n, how
    many the input gate rejects. notes: sentences for a person.
    """

    moved: tuple[Moved, ...]
    unlike: tuple[tuple[str, str, float], ...]
    alarm: float
    n: int
    kept: int
    rejected: int
    notes: tuple[str, ...] = ()

    @property
    def differs(self) -> bool:
        """Whether any measure moved, at the stated rate of false alarms."""
        return any(one.adjusted <= self.alarm for one in self.moved)

    @property
    def verdict(self) -> str:
        """A sentence or two."""
        if not self.differs:
            return (
                f"No difference is seen between these {self.n} images and those it was judged on ({len(self.moved)} "
                f"measures, the smallest p {p_words(self.moved[0].adjusted)} after correction)."
            )
        clear = [one for one in self.moved if one.adjusted <= self.alarm]
        named = "; ".join(f"{one.title} {_way(one)}, p {p_words(one.adjusted)}" for one in clear[:4])
        more = f"; and {len(clear) - 4} more" if len(clear) > 4 else ""
        return f"These {self.n} images look different: {named}{more}."

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "differs": self.differs,
            "verdict": self.verdict,
            "alarm": self.alarm,
            "images": self.n,
            "compared_with": self.kept,
            "rejected_by_gate": self.rejected,
            "measures": [
                {
                    "name": one.name,
                    "gap": round(one.gap, 4),
                    "p": one.p,
                    "adjusted_p": one.adjusted,
                    "median_before": round(one.before, 4),
                    "median_now": round(one.now, 4),
                    "share_higher": round(one.higher, 4),
                }
                for one in self.moved
            ],
            "moved_most": [
                {"path": path, "measure": name, "deviations": round(far, 2)}
                for path, name, far in self.unlike
            ],
            "notes": list(self.notes),
        }


def p_words(value: float) -> str:
    """A p-value for people, with its sign: '= 0.03', '< 0.0001'."""
    return "< 0.0001" if value < 1e-4 else f"= {value:.4f}" if value < 0.01 else f"= {value:.2f}"


def _way(one: Moved) -> str:
    if one.higher >= 0.6:
        return "higher"
    return "lower" if one.higher <= 0.4 else "spread otherwise"


# --- what is measured --------------------------------------------------------------------------------------------


def told(answer: Answer) -> dict[str, float]:
    """Numbers of an answer, by name; {} where it has none that could drift (a picture, an identity)."""
    if isinstance(answer, Label):
        scores = {
            f"score:{name}": float(s)
            for name, s in zip(answer.classes[:CLASSES], answer.scores, strict=False)
        }
        return {**scores, "surest score": float(max(answer.scores))}
    if isinstance(answer, Quantity):
        return {"value": answer.value, "width of the interval": answer.high - answer.low}
    if isinstance(answer, Boxes):
        return {
            "objects": float(len(answer)),
            "surest score": float(answer.scores.max()) if len(answer) else 0.0,
        }
    if isinstance(answer, Masks):
        return {f"share:{name}": share for name, share in list(answer.shares.items())[:CLASSES]}
    return {"anomaly score": answer.score} if isinstance(answer, AnomalyMap) else {}


def numbers(answer: Answer, measures: Measures, space: Space | None) -> dict[str, float]:
    """All that is compared of one image, by name: sights() and told()."""
    return {**sights(measures, space), **told(answer)}


def sights(measures: Measures, space: Space | None) -> dict[str, float]:
    """What is compared of an input, by name: looks, and distance and places of the embedding in `space`."""
    found = dict(zip(LOOKS, map(float, measures.looks), strict=True))
    if space is None or measures.embedding is None:
        return found
    far, places = space.measured(measures.embedding[None])
    return {
        **found,
        "distance": float(far[0]),
        **{f"place:{k + 1}": float(v) for k, v in enumerate(places[0])},
    }


def kept(rows: Sequence[Mapping[str, float]], space: Space | None) -> dict[str, NDArray[Any]]:
    """Arrays of `known` from sights() or told() of images, one Mapping for each; embeddings and scores of such that took no part.

    Columns are sorted each by itself, so that no row is an image; one of fewer than LEAST numbers is left out.
    """
    columns: dict[str, list[float]] = {}
    for row in rows:
        for name, value in row.items():
            columns.setdefault(name, []).append(value)
    found: dict[str, NDArray[Any]] = {
        f"{PREFIX}column_{name}": np.sort(values).astype(np.float32)
        for name, values in columns.items()
        if len(values) >= LEAST
    }
    return found if space is None or not found else {**found, **space.arrays(PREFIX)}


def columns_of(solution: Solution) -> tuple[dict[str, Doubles], Space | None]:
    """What a Solution keeps for drift: name -> sorted numbers, and the space of its embeddings. SolutionError without."""
    head = f"{PREFIX}column_"
    found = {
        name.removeprefix(head): np.asarray(values, np.float64)
        for name, values in solution.known.items()
        if name.startswith(head)
    }
    if not found:
        raise SolutionError(
            "this Solution keeps nothing of the images that it was judged on, because an older objectif made it or they "
            f"were fewer than {LEAST}. Solve again on at least that many images, or groups of images, to have it."
        )
    if any(v.ndim != 1 or len(v) < LEAST or not np.isfinite(v).all() for v in found.values()):
        raise SolutionError(f"{_DAMAGED} (columns that are no finite numbers).")
    try:
        return found, space_of(solution.known, PREFIX) if f"{PREFIX}mean" in solution.known else None
    except (KeyError, TypeError, ValueError) as error:
        raise SolutionError(f"{_DAMAGED} ({error}).") from error


# --- the test ----------------------------------------------------------------------------------------------------


def drift(
    solution: Solution,
    images: Mapping[str, Mapping[str, float]],
    *,
    alarm: float = ALARM,
    rejected: int = 0,
    shown: int = 10,
) -> Drift:
    """Compare new images with those the Solution was judged on.

    images: path -> numbers(), in the space of columns_of(). rejected: how many of them the input gate rejects.
    InputError: fewer than LEAST images, or `alarm` outside (0, 1). SolutionError: the Solution keeps nothing to compare with.
    """
    if not 0 < alarm < 1:
        raise InputError(
            f"the rate of false alarms is {alarm}; expected a number above 0 and below 1, such as 0.05."
        )
    reference, _ = columns_of(solution)
    if len(images) < LEAST:
        raise InputError(
            f"{len(images)} images to compare; expected at least {LEAST}, because fewer say nothing about a drift. "
            "Give more; single images are judged by `objectif predict`."
        )
    rows, paths = list(images.values()), list(images)
    names = [name for name in reference if all(name in row for row in rows)]
    new = {name: np.array([row[name] for row in rows], np.float64) for name in names}
    moved = holm([(name, *compare(reference[name], new[name])) for name in names])
    clear = [one.name for one in moved if one.adjusted <= alarm] or names
    unlike = _farthest({n: reference[n] for n in clear}, {n: new[n] for n in clear}, paths)[:shown]
    sizes = [len(reference[name]) for name in names]
    scores = any(name not in LOOKS and not name.startswith(("place:", "distance")) for name in names)
    note = cannot(len(rows), min(sizes), len(names), alarm, scores=scores)
    return Drift(tuple(moved), tuple(unlike), alarm, len(rows), max(sizes), rejected, (note,))


def compare(before: NDArray[Any], now: NDArray[Any]) -> tuple[float, float, float, float, float]:
    """(Kolmogorov-Smirnov distance, p, median before, median now, share of pairs in which `now` is higher)."""
    before, now = np.sort(before), np.sort(now)
    both = np.concatenate([before, now])
    low, high = (np.searchsorted(x, both, side="right") / len(x) for x in (before, now))
    gap = float(np.abs(low - high).max())
    below, upto = (np.searchsorted(before, now, side=side).mean() / len(before) for side in ("left", "right"))
    return (
        gap,
        p_value(gap, len(before), len(now)),
        float(np.median(before)),
        float(np.median(now)),
        float((below + upto) / 2),
    )


def p_value(gap: float, n: int, m: int) -> float:
    """Of the two-sided two-sample test, by the asymptotic distribution with Stephens' 1970 correction; ties make it larger."""
    size = np.sqrt(n * m / (n + m))
    x = (size + 0.12 + 0.11 / size) * gap
    if x < 0.2:
        return 1.0
    k = np.arange(1, 101)
    return float(np.clip(2 * np.sum((-1.0) ** (k - 1) * np.exp(-2 * (k * x) ** 2)), 0.0, 1.0))


def smallest_gap(n: int, m: int, alarm: float) -> float:
    """The Kolmogorov-Smirnov distance from which a test at the rate `alarm` speaks up."""
    size = np.sqrt(n * m / (n + m))
    return float(min(1.0, np.sqrt(-np.log(alarm / 2) / 2) / (size + 0.12 + 0.11 / size)))


def holm(found: Sequence[tuple[str, float, float, float, float, float]]) -> list[Moved]:
    """All measures with p-values after Holm's correction, the clearest first."""
    ordered = sorted(found, key=lambda one: one[2])
    result, worst = [], 0.0
    for place, (name, gap, p, before, now, higher) in enumerate(ordered):
        worst = max(worst, min(1.0, p * (len(ordered) - place)))
        result.append(Moved(name, gap, p, worst, before, now, higher))
    return result


def _farthest(
    reference: Mapping[str, Doubles], new: Mapping[str, Doubles], paths: Sequence[str]
) -> list[tuple[str, str, float]]:
    """(path, measure, robust deviations) of each image in its farthest measure, the farthest image first."""
    names = list(reference)
    table = np.stack([_deviations(reference[name], new[name]) for name in names])
    which, far = table.argmax(0), table.max(0)
    return [(paths[k], title(names[which[k]]), float(far[k])) for k in np.argsort(-far, kind="stable")]


def _deviations(before: Doubles, now: Doubles) -> Doubles:
    low, middle, high = np.quantile(before, [0.16, 0.5, 0.84])
    spread = max((high - low) / 2, 1e-3 * max(1.0, abs(middle)))
    return np.asarray(np.abs(now - middle) / spread, np.float64)


def cannot(n: int, m: int, measures: int, alarm: float, *, scores: bool) -> str:
    """What such a comparison cannot see, in words."""
    gap = smallest_gap(n, m, alarm / max(1, measures))
    seen = (
        "looks and scores"
        if scores
        else "looks (no image was kept apart for promises, by which scores could be judged)"
    )
    return (
        f"With {n} new images against {m}, a measure has to differ by {gap:.2f} in its cumulative distribution before this "
        f"speaks up. It sees {seen}, not whether answers are right: `objectif evaluate` on labelled images does. "
        f"It supposes that the images are independent of each other; one false alarm in {1 / alarm:.0f} such checks is expected."
    )
