"""What a report of anomalies shows: scores of good pictures and of each kind of defect, alarms, the curve, heat maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from objectif.metrics.distributions import wilson
from objectif.metrics.maps import UNKNOWN, cells, kinds, needed, scores, thresholds
from objectif.metrics.ranking import auroc_area
from objectif.metrics.resample import image_counts
from objectif.tasks.exhibits import Cases, Curve, Curves, Exhibit, HeatCase, Sheet

if TYPE_CHECKING:
    from objectif.tasks.anomaly import Decoding

Arrays = NDArray[Any]
DRAWS = 500
BINS = 14
SHOWN = 7  # kinds of defects that get a line
EACH = 3  # pictures of a sort


def exhibits(
    paths: Sequence[str],
    classes: tuple[str, ...],
    truth: Arrays,
    answers: Arrays,
    decoding: Decoding,
    groups: NDArray[np.int64] | None = None,
    seed: int = 0,
) -> list[Exhibit]:
    """All of them; [] without pictures. groups (N,): what is resampled, None for single images."""
    if not len(truth):
        return []
    kind, score = kinds(truth), scores(answers)
    found: list[Exhibit] = [
        _histograms(classes, kind, score, decoding),
        _alarms(classes, truth, answers, decoding),
    ]
    if (kind > 0).any() and (kind == 0).any():
        found.append(_curve(kind, score, groups, seed))
    return [*found, *_cases(paths, classes, truth, answers)]


def _name(classes: tuple[str, ...], kind: int) -> str:
    return classes[kind] if kind < len(classes) else "another defect"


def _histograms(
    classes: tuple[str, ...], kind: NDArray[np.int64], score: NDArray[np.float64], decoding: Decoding
) -> Curves:
    """The share of the pictures of each kind in each bin of the score, the threshold as a line upright."""
    low, high = float(score.min()), float(max(score.max(), decoding.threshold))
    edges = np.linspace(low, high + 1e-6 + 1e-3 * (high - low), BINS + 1)
    middles = tuple(float(v) for v in (edges[:-1] + edges[1:]) / 2)
    lines = []
    for one in sorted(set(kind.tolist()))[: SHOWN + 1]:
        own = score[kind == one]
        share = np.histogram(own, edges)[0] / len(own)
        lines.append(Curve(f"{_name(classes, one)} ({len(own)})", middles, tuple(map(float, share))))
    top = max(max(line.y) for line in lines)
    at = decoding.threshold
    lines.append(Curve(f"threshold {at:.3f}", (at, at), (0.0, top)))
    caption = (
        "How unusual pictures are, by kind; the number of pictures behind each name. What lies right of the threshold is "
        "answered as anomalous."
    )
    limits = (float(edges[0]), float(edges[-1]), 0.0, float(top * 1.05))
    return Curves("Scores", caption, "score of a picture", "share of its kind", tuple(lines), limits)


def _alarms(classes: tuple[str, ...], truth: Arrays, answers: Arrays, decoding: Decoding) -> Sheet:
    """How many of each kind are called anomalous, with Wilson's interval."""
    kind, called = kinds(truth), scores(answers) > thresholds(answers)
    rows: list[tuple[str | float | None, ...]] = []
    for one in sorted(set(kind.tolist())):
        name = _name(classes, one)
        rows.append(_row(f"{name} (false alarms)" if one == 0 else name, called[kind == one]))
    defects = float((kind > 0).sum())
    if defects:
        rows.append(_row("all defects", called[kind > 0]))
    head = ("kind", "pictures", "called anomalous", "share", "low", "high")
    return Sheet("Alarms at the threshold", _kept(decoding) + _undefined(defects), head, tuple(rows))


def _row(name: str, called: NDArray[np.bool_]) -> tuple[str | float | None, ...]:
    """One line of the table: how many, how many of them are called anomalous, the share and its interval."""
    hits, count = int(called.sum()), len(called)
    low, high = wilson(hits, count)
    return name, str(count), str(hits), hits / count, float(low), float(high)


def _kept(decoding: Decoding) -> str:
    """What the threshold promises."""
    wanted = f"{decoding.false_alarms:.0%} of good pictures"
    if decoding.kept:
        return (
            f"The threshold is the conformal quantile of {decoding.good} held-out good pictures: of new ones like them, at "
            f"most {wanted} are expected to be called anomalous. Intervals are Wilson's, 95 %."
        )
    if not decoding.good:
        return "No held-out good picture chose the threshold: its false-alarm rate is not known."
    return (
        f"{decoding.good} held-out good pictures are too few for at most {wanted} ({needed(decoding.false_alarms)} are needed): "
        f"the threshold is the greatest of their scores, and at most {1 / (decoding.good + 1):.0%} of new ones are expected "
        "above it. Intervals are Wilson's, 95 %."
    )


def _undefined(defects: float) -> str:
    if defects:
        return ""
    return " There is no picture of a defect: how many defects are found cannot be told."


def _curve(
    kind: NDArray[np.int64], score: NDArray[np.float64], groups: NDArray[np.int64] | None, seed: int
) -> Curves:
    """Defects found over false alarms, with its band."""
    counts = np.asarray(image_counts(len(kind), groups, DRAWS, seed), np.float64)
    bad = (kind > 0).astype(np.float64)
    order = np.argsort(-score, kind="stable")
    grid = np.linspace(0, 1, 51)

    def line(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        up = np.cumsum(weights[order] * bad[order])
        along = np.cumsum(weights[order] * (1 - bad[order]))
        return np.asarray(np.interp(grid, along / max(along[-1], 1e-9), up / max(up[-1], 1e-9)))

    able = counts[(counts @ bad > 0) & (counts @ (1 - bad) > 0)]
    band = np.quantile([line(row) for row in able], [0.025, 0.975], axis=0) if len(able) > 10 else None
    area = float(auroc_area(bad, score, np.ones((1, len(bad))))[0])
    low, high = (None, None) if band is None else (tuple(map(float, band[0])), tuple(map(float, band[1])))
    curve = Curve(
        f"AUROC {area:.3f}", tuple(map(float, grid)), tuple(map(float, line(np.ones(len(bad))))), low, high
    )
    caption = "What part of the defects is found if that part of the good pictures may be called anomalous; 95 % band."
    return Curves("Found against false alarms", caption, "false alarms", "defects found", (curve,))


def _cases(paths: Sequence[str], classes: tuple[str, ...], truth: Arrays, answers: Arrays) -> list[Cases]:
    """Defects missed by most, false alarms by most, and the usual of each kind."""
    kind, score, at = kinds(truth), scores(answers), thresholds(answers)
    top = float(np.quantile(cells(answers)[kind == 0], 0.999)) if (kind == 0).any() else 1.0
    scale = float(np.median(cells(answers))), max(float(np.median(at)) * 1.25, top)
    bad, called = kind > 0, score > at

    def heat(row: int, words: str) -> HeatCase:
        seen = cells(truth)[row]
        mask = None if (seen == UNKNOWN).any() else seen == 1
        said = f"{_name(classes, int(kind[row]))}: {words}, score {score[row]:.3f}, threshold {at[row]:.3f}"
        return HeatCase(paths[row], said, cells(answers)[row].copy(), mask, scale)

    missed = [heat(k, "missed") for k in np.argsort(score) if bad[k] and not called[k]][: 2 * EACH]
    false = [heat(k, "false alarm") for k in np.argsort(-score) if not bad[k] and called[k]][: 2 * EACH]
    usual = []
    for one in sorted(set(kind.tolist()))[: SHOWN + 1]:
        own = np.flatnonzero(kind == one)
        middle = own[np.argsort(score[own])[len(own) // 2]]
        usual.append(heat(int(middle), "the usual one of its kind"))
    told = "Left the picture with the true defect outlined, right how unusual each part of it is: the redder, the more."
    return [
        Cases(title, told, tuple(cases))
        for title, cases in (
            ("Missed defects, the least unusual first", missed),
            ("False alarms", false),
            ("The usual picture of each kind", usual),
        )
        if cases
    ]
