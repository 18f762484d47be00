"""What a report shows of identification: how scores lie about the threshold, TPIR against FPIR, each identity, errors.

No exhibit has a picture: what is identified are people more often than not, and a page is passed on. Errors are listed by
the names of their files, to be looked up where the pictures are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from objectif.metrics.identity import FPIR, METRICS, Searches, searches, threshold
from objectif.tasks.exhibits import Curve, Curves, Exhibit, Sheet

if TYPE_CHECKING:
    from objectif.tasks.identify import Threshold

Arrays = NDArray[Any]
BINS = 40
RATES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2)
WIDEST = 0.2
MOST = 40  # rows of a table of identities, and of errors


def exhibits(
    paths: Sequence[str],
    classes: Sequence[str],
    truth: Arrays,
    answers: Arrays,
    limit: Threshold | None,
) -> list[Exhibit]:
    """Curves and tables; none where nobody could be searched. truth (N, 1, 2), answers (N, D) as the task has them."""
    found = searches(truth, answers)
    if not found:
        return []
    pooled = np.concatenate([s.top[~s.mated] for s in found])
    value = limit.value if limit is not None else threshold(pooled, FPIR)
    return [
        _scores(found, value, limit),
        _curve(found),
        _figures(truth, answers, found),
        _identities(found, truth, classes, value),
        _errors(found, paths, truth, classes, value),
    ]


def _scores(found: Sequence[Searches], value: float, limit: Threshold | None) -> Curves:
    """Histograms of the three kinds of scores, each as shares of its own number."""
    kinds = {
        "known, own entry": np.concatenate([s.mate[s.mated] for s in found]),
        "any other entry": np.concatenate([s.other for s in found]),
        "strangers, nearest entry": np.concatenate([s.top[~s.mated] for s in found]),
    }
    everything = np.concatenate(list(kinds.values()))
    low = float(np.floor(min(everything.min(), value) * 20) / 20)
    edges = np.linspace(low, max(1.0, low + 0.1), BINS + 1)
    middle = tuple(float(v) for v in (edges[:-1] + edges[1:]) / 2)
    curves = []
    for name, scores in kinds.items():
        share = np.histogram(scores, edges)[0] / max(1, len(scores))
        curves.append(Curve(name, middle, tuple(float(v) for v in share)))
    high = max(max(c.y) for c in curves) * 1.05
    curves.append(Curve(f"threshold {value:.3f}", (value, value), (0.0, high)))
    words = "at which 1 % of the strangers' searches have a name" if limit is None else limit.words
    return Curves(
        "Scores",
        "Cosines of pictures that took no part in training, in galleries drawn again and again. What is right of the "
        f"threshold gets a name. The threshold {value:.3f} is for {words}.",
        "cosine",
        "share of the scores of its kind",
        tuple(curves),
        (float(edges[0]), float(edges[-1]), 0.0, high),
    )


def _curve(found: Sequence[Searches]) -> Curves:
    """TPIR at each FPIR, the thresholds of each block its own."""
    known = sum(int(s.mated.sum()) for s in found)
    rates = []
    for rate in RATES:
        hits = 0
        for one in found:
            limit = threshold(one.top[~one.mated], rate)
            hits += int((one.right & (one.top > limit)).sum())
        rates.append(hits / max(1, known))
    sizes = sorted({s.enrolled for s in found})
    return Curves(
        "TPIR against FPIR",
        f"Share of known people who are named rightly, at the share of strangers' pictures that get a name; in galleries of "
        f"{' and '.join(map(str, sizes))} entries with up to {max(s.images for s in found)} pictures.",
        "FPIR",
        "TPIR",
        (Curve("TPIR", RATES, tuple(rates)),),
        (0.0, WIDEST, 0.0, 1.0),
    )


def _figures(truth: Arrays, answers: Arrays, found: Sequence[Searches]) -> Sheet:
    """All metrics side by side, and what they rest on."""
    rows: list[tuple[str | float | None, ...]] = [(m.title, m.value(truth, answers)) for m in METRICS]
    for title, number in (
        ("entries in a gallery", np.mean([s.enrolled for s in found])),
        ("pictures of an entry, at most", max(s.images for s in found)),
        ("searches of known people", sum(int(s.mated.sum()) for s in found)),
        ("searches of strangers", sum(int((~s.mated).sum()) for s in found)),
    ):
        rows.append((title, f"{number:g}"))
    caption = (
        "Searches are of galleries drawn again and again by a fixed seed, so one picture is in many of them."
    )
    return Sheet("Figures", caption, ("figure", "value"), tuple(rows))


def _identities(found: Sequence[Searches], truth: Arrays, classes: Sequence[str], value: float) -> Sheet:
    """How each is found when known, and taken for another when a stranger; the worst first."""
    rows: list[tuple[str | float | None, ...]] = []
    for number in np.unique(truth[:, 0, 0]).tolist():
        images = np.flatnonzero(truth[:, 0, 0] == number)
        known, named, first, strange, taken = 0, 0, 0, 0, 0
        for one in found:
            own = np.isin(one.row, images)
            mated = own & one.mated
            known += int(mated.sum())
            first += int(one.right[mated].sum())
            named += int((one.right & (one.top > value))[mated].sum())
            strange += int((own & ~one.mated).sum())
            taken += int((one.top > value)[own & ~one.mated].sum())
        rows.append(
            (
                classes[number] if number < len(classes) else str(number),
                str(len(images)),
                named / known if known else None,
                first / known if known else None,
                taken / strange if strange else None,
            )
        )
    rows.sort(key=lambda r: (_number(r[2], 1.0) - _number(r[4], 0.0), str(r[0])))
    rest = len(rows) - MOST
    more = f" {rest} more are not shown." if rest > 0 else ""
    return Sheet(
        "Identities",
        f"At the threshold, those with the most trouble first.{more}",
        ("identity", "pictures", "named when known", "nearest when known", "named when a stranger"),
        tuple(rows[:MOST]),
    )


def _number(value: str | float | None, other: float) -> float:
    return value if isinstance(value, float) else other


def _errors(
    found: Sequence[Searches], paths: Sequence[str], truth: Arrays, classes: Sequence[str], value: float
) -> Sheet:
    """Pictures by the share of their searches that went wrong, most first."""
    wrong = {kind: np.zeros(len(paths)) for kind in ("missed", "another's name", "stranger named")}
    asked = np.zeros(len(paths))
    for one in found:
        over = one.top > value
        np.add.at(asked, one.row, 1)
        for kind, which in (
            ("missed", one.mated & ~over),
            ("another's name", one.mated & over & ~one.right),
            ("stranger named", ~one.mated & over),
        ):
            np.add.at(wrong[kind], one.row[which], 1)
    table = np.stack(list(wrong.values()))
    share = table.sum(0) / np.maximum(asked, 1)
    order = [k for k in np.argsort(-share, kind="stable").tolist() if share[k] > 0]
    rows = tuple(
        (
            paths[k],
            _identity(classes, int(truth[k, 0, 0])),
            list(wrong)[int(table[:, k].argmax())],
            float(share[k]),
        )
        for k in order[:MOST]
    )
    rest = len(order) - len(rows)
    more = f" {rest} more are not shown." if rest > 0 else ""
    caption = (
        f"{len(order)} of {len(paths)} pictures were answered wrongly in some search at the threshold; what happened most, and "
        f"in which share of their searches.{more}"
    )
    return Sheet("Errors", caption, ("file", "identity", "what went wrong", "share"), rows)


def _identity(classes: Sequence[str], number: int) -> str:
    return classes[number] if number < len(classes) else str(number)
