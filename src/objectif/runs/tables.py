"""Which loss? Which model? Which approach? Answers over complete blocks, as rows and as sentences.

An approach is represented by its best model. That model was picked after looking, which is allowed because
the intervals hold for all pairs of models together.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from objectif.metrics.compare import Pairs
from objectif.metrics.resample import FEWEST_GROUPS, Scorer
from objectif.runs.blocks import Block, Design, complete
from objectif.runs.crossed import SEEDS_FOR_A_CLAIM, Sample
from objectif.runs.entry import Entry
from objectif.runs.outcome import TableRow

_NAMED = 3  # comparisons spelled out in a sentence; the others are counted


def tables(
    entries: Sequence[Entry], scorer: Scorer, draws: int = 2000, seed: int = 0
) -> dict[str, tuple[TableRow, ...]]:
    """Tables "loss", "model" and "approach" of entries that ran to the end: the first candidates of scorer.

    Rows are best first; a table is empty where there is nothing to compare.
    """
    models = _model_names(entries)
    home = {models[i]: e.approach for i, e in enumerate(entries)}

    def area(names: frozenset[str], blocks: list[Block]) -> float:
        return len(names) * len(blocks)

    def approaches_first(names: frozenset[str], blocks: list[Block]) -> float:
        return len({home[n] for n in names}) * 1e6 + len(names) * len(blocks)

    losses = complete(
        entries,
        lambda i: entries[i].loss,
        lambda e: (e.approach, e.model, e.preparation, e.setting),
        area,
        SEEDS_FOR_A_CLAIM,
    )
    nets, best = (
        complete(entries, lambda i: models[i], lambda e: (e.loss, e.preparation), worth, SEEDS_FOR_A_CLAIM)
        for worth in (area, approaches_first)
    )
    return {
        "loss": _plain("loss", losses, scorer, draws, seed),
        "model": _plain("model", nets, scorer, draws, seed),
        "approach": _approaches(best, home, scorer, draws, seed),
    }


def _model_names(entries: Sequence[Entry]) -> list[str]:
    """The model of each entry, with its approach and setting where one name stands under several."""
    names = [e.model for e in entries]
    for extra in ("approach", "setting"):
        under: dict[str, set[str]] = {}
        for name, e in zip(names, entries, strict=True):
            under.setdefault(name, set()).add(getattr(e, extra))
        names = [
            f"{name}, {getattr(e, extra)}" if len(under[name]) > 1 and getattr(e, extra) else name
            for name, e in zip(names, entries, strict=True)
        ]
    return names


def _plain(kind: str, design: Design | None, scorer: Scorer, draws: int, seed: int) -> tuple[TableRow, ...]:
    if design is None:
        return ()
    everybody = list(range(len(design.names)))
    return _rows(
        kind, design, Sample.of(design, scorer), everybody, design.names, design.left_out, draws, seed
    )


def _approaches(
    design: Design | None, home: dict[str, str], scorer: Scorer, draws: int, seed: int
) -> tuple[TableRow, ...]:
    """Each approach by its best model."""
    if design is None or len({home[n] for n in design.names}) < 2:
        return ()
    sample = Sample.of(design, scorer)
    best: dict[str, int] = {}
    for i in np.argsort(-sample.utility, kind="stable"):
        best.setdefault(home[design.names[i]], int(i))
    shown, left_out = list(best.values()), tuple(sorted(set(home.values()) - set(best)))
    labels = tuple(home[n] for n in design.names)
    return _rows("approach", design, sample, shown, labels, left_out, draws, seed)


def _rows(
    kind: str,
    design: Design,
    sample: Sample,
    shown: list[int],
    labels: tuple[str, ...],
    left_out: tuple[str, ...],
    draws: int,
    seed: int,
) -> tuple[TableRow, ...]:
    """Rows of the names `shown` (numbers in the design), best first; intervals hold for all of the design."""
    pairs = sample.pairs(draws, seed) if len(sample.sizes) >= FEWEST_GROUPS else None
    utility, rows = sample.utility, []
    order = sorted(shown, key=lambda i: (-utility[i], labels[i]))
    for i in order:
        wins = [] if pairs is None else [j for j in order if pairs.better[i, j]]
        low, high = sample.limits(i)
        named = [f"{labels[j]} ({design.names[j]})" if kind == "approach" else labels[j] for j in (i, *wins)]
        rows.append(
            TableRow(
                name=labels[i],
                estimate=float(sample.sign * utility[i]),
                low=low,
                high=high,
                better_than=tuple(labels[j] for j in wins),
                blocks=len(design.blocks),
                seeds=sample.seeds,
                claim=_claim(kind, named, [_gap(pairs, i, j) for j in wins], sample.seeds),
                left_out=left_out,
            )
        )
    return tuple(rows)


def _gap(pairs: Pairs | None, i: int, j: int) -> str:
    """'by 0.021 [0.004, 0.038]'."""
    if pairs is None:
        return ""
    return f"by {pairs.difference[i, j]:.3f} [{pairs.low[i, j]:.3f}, {pairs.high[i, j]:.3f}]"


def _claim(kind: str, names: list[str], gaps: list[str], seeds: int) -> str:
    """'A beats B by ... on the same images, 3 seeds'; with fewer seeds it is about one network."""
    enough = seeds >= SEEDS_FOR_A_CLAIM
    subject = names[0] if enough else f"this network with {names[0]}"
    counted = "1 seed" if seeds == 1 else f"{seeds} seeds"
    if not gaps:
        return f"{subject} does not clearly beat another {kind} ({counted})"
    named = [f"{name} {gap}" for name, gap in zip(names[1:], gaps, strict=True)][:_NAMED]
    more = len(gaps) - len(named)
    others = f" and {more} other{'s' if more > 1 else ''}" if more else ""
    tail = "" if enough else f"; fewer than three seeds say nothing about the {kind} itself"
    return f"{subject} beats {', '.join(named)}{others} on the same images, {counted}{tail}"
