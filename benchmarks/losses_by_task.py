"""Which loss, where answers are embeddings or numbers: each has the same time, and all are judged together.

Embeddings are trained, so each loss has a race of its own of the same length on the same division. Heads for numbers on fixed
features are solved to the end, so one race holds all of them. Intervals are those of a race: for all pairs together.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

Row = dict[str, Any]
Solve = Callable[..., dict[str, Any]]

EMBEDDINGS = ("arcface", "triplet", "supervised_contrastive", "proxy_anchor")
NUMBERS = ("l2", "l1", "huber", "log_cosh", "quantile", "poisson")
MODEL, HEAD = "lite0_embed", "lite0_regress_frozen"


def embeddings(solve: Solve, runs: Path, data: Path, budget: str = "3m") -> Row:
    """Tracks of traffic signs, four races."""
    found: dict[str, tuple[Path, str]] = {}
    for loss in EMBEDDINGS:
        name = f"embeddings-{loss}"
        file = runs / f"{name}.toml"
        search = {"budget": budget, "models": [MODEL], "losses": [loss]}
        lines = [f"data = {json.dumps(str(data))}", 'task = "identify"', "[search]"]
        lines += [f"{key} = {json.dumps(value)}" for key, value in search.items()]
        file.write_text("\n".join(lines) + "\n")
        found[loss] = (runs / name, solve(name, file)["winner"])
    return {
        "what": f"losses of embeddings, tracks of traffic_signs, {budget} each: TPIR at FPIR 1 %",
        **told(found),
        "command": "python benchmarks/run.py embedding_losses",
    }


def numbers(solve: Solve, runs: Path, manifest: Path, splits: Path, budget: str = "3m") -> Row:
    """Days until a banana is overripe, from the picture, one race."""
    file = runs / "number-losses.toml"
    search = {"budget": budget, "models": [HEAD], "losses": list(NUMBERS)}
    lines = [f"data = {json.dumps(str(manifest))}", f"splits = {json.dumps(str(splits))}", "[search]"]
    lines += [f"{key} = {json.dumps(value)}" for key, value in search.items()]
    file.write_text("\n".join(lines) + "\n")
    result = solve("number-losses", file)
    ran = {row["loss"]: row["id"] for row in result["leaderboard"] if row["estimate"] is not None}
    return {
        "what": f"losses of numbers, bananas, one fruit left out, days until overripe, {budget}: mean absolute error",
        **told({loss: (runs / "number-losses", name) for loss, name in ran.items()}),
        "command": "python benchmarks/run.py number_losses",
    }


def told(found: Mapping[str, tuple[Path, str]]) -> Row:
    """Cells of a row: each loss with its interval, best first, and who clearly beats whom; loss -> run and candidate."""
    from objectif.runs.answers import read
    from objectif.runs.entry import Entry
    from objectif.runs.folder import RunFolder
    from objectif.runs.verdict import verdict

    entries = []
    for loss, (run, candidate) in found.items():
        folder = RunFolder.open(run)
        result = folder.result()
        trials = [folder.read_trial(f"{candidate}/seed{seed}") for seed in result.seeds]
        scores = np.stack([trial["scores"] for trial in trials if trial is not None])
        entries.append(Entry(loss, "", "the same", loss, "", scores))
    answers = read(folder)
    judged = verdict(entries, answers.truth, result.objective(), groups=answers.units)
    each = [f"{row.id} {_figure(row)}" for row in judged.rows]
    beaten = [f"{row.id}: {row.reason}" for row in judged.rows if row.status == "beaten"]
    return {
        "asked": "a difference, or said that there is none",
        "measured": "; ".join(each),
        "reached": None,
        "notes": "; ".join(beaten) or "none clearly beats another",
    }


def _figure(row: Any) -> str:
    if row.low is None:
        return f"{row.estimate:.3f} (no interval)"
    return f"{row.estimate:.3f} [{row.low:.3f}, {row.high:.3f}]"
