"""Figures of numbers and stages: bananas, one fruit left out at a time, by the day alone, by colour, by the picture, by both."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Row = dict[str, Any]
STAGES = "URVO"
VIEWS = {
    "colour": "mean_colour",
    "day": "columns_only",
    "image": "lite0_regress_frozen",
    "image + day": "lite0_regress_columns",
    "image + day + photos so far": "lite0_regress_series",
}
"""What is looked at, and the Learner that looks at it."""


def manifests(data: Path, out: Path) -> dict[str, Path]:
    """'stage' and 'until': CSV files beside the pictures that the source's table tells, in the folder `out`.

    until: the days until a fruit is first seen overripe, of the photos before that day; `event overripe` is that day.
    """
    with (data / "data-colors.csv").open() as file:
        rows = sorted(csv.DictReader(file), key=lambda row: (row["fruit"], row["date"]))
    over: dict[str, str] = {}
    for row in rows:
        if row["ripeness"] == "O":
            over.setdefault(row["fruit"], row["date"])
    written = {}
    for name, head in (("stage", f"stage {'<'.join(STAGES)}"), ("until", "event overripe")):
        folder = out / name
        folder.mkdir(parents=True, exist_ok=True)
        lines = [f"path,subject,date,{head}"]
        for row in rows:
            picture = data.resolve() / "images" / row["file"].replace(".png", ".jpg")
            told = row["ripeness"] if name == "stage" else over[row["fruit"]]
            if name == "stage" or row["date"] < over[row["fruit"]]:
                lines.append(f"{picture},{row['fruit']},{row['date']},{told}")
        written[name] = folder / f"{name}.csv"
        written[name].write_text("\n".join(lines) + "\n")
    return written


def left_out(manifest: Path) -> Path:
    """The folder of splits beside a manifest in which every fruit is a fold of its own."""
    folder = manifest.parent / "splits"
    folder.mkdir(exist_ok=True)
    with manifest.open() as file:
        rows = list(csv.DictReader(file))
    for number, fruit in enumerate(sorted({row["subject"] for row in rows})):
        lines = [row["path"] for row in rows if row["subject"] == fruit]
        (folder / f"fold{number:02d}.txt").write_text("\n".join(lines) + "\n")
    return folder


def statement(manifest: Path, loss: str, budget: str) -> Path:
    """The problem: one fruit left out at a time, and five views of it under one loss."""
    staged = loss == "corn"
    models = [name + "_stages" * staged for name in VIEWS.values()]
    out = manifest.with_suffix(".toml")
    out.write_text(
        f'data = "{manifest}"\nsplits = "{left_out(manifest)}"\n[search]\nbudget = "{budget}"\nmodels = {json.dumps(models)}\n'
        f'losses = ["{loss}"]\n'
    )
    return out


def answered(run: Path, loss: str) -> tuple[NDArray[Any], dict[str, NDArray[Any]]]:
    """The truth, and the out-of-fold answers (seeds, n, ...) of each view under one loss; views that did not finish lack."""
    from objectif.runs.answers import read
    from objectif.runs.folder import RunFolder

    folder = RunFolder.open(run)
    result = folder.result()
    found = {}
    for view, model in VIEWS.items():
        for row in result.leaderboard:
            if row.model.removesuffix("_stages") == model and row.loss == loss and row.estimate is not None:
                trials = [folder.read_trial(f"{row.id}/seed{seed}") for seed in result.seeds]
                found[view] = np.stack([trial["scores"] for trial in trials if trial is not None])
    return read(folder).truth, found


def views(run: Path, name: str, loss: str, over: str, images: str = "image") -> Row:
    """Cells of a row: each view's metric with its interval by fruit, image-only beside `over`, and the coverage."""
    from objectif.metrics.catalog import metric
    from objectif.metrics.intervals import interval
    from objectif.metrics.regression import inside
    from objectif.runs.entry import Entry
    from objectif.runs.verdict import verdict

    truth, found = answered(run, loss)
    fruit, told = truth[:, 1].astype(np.int64), metric(name)
    each, covered = [], []
    for view, scores in found.items():
        one = interval(told, truth, scores, fruit)
        each.append(f"{view} {one.estimate:.3f} [{one.low:.3f}, {one.high:.3f}]")
        held = inside(truth, scores[0])
        share = np.array([held[fruit == f].mean() for f in np.unique(fruit)])
        covered.append((view, float(share.mean()), float(share.min())))
    entries = [Entry(view, "", view, "", "", found[view]) for view in (images, over)]
    judged = verdict(entries, truth, told, groups=fruit)
    worse = next(row for row in judged.rows if row.id != judged.rows[0].id)
    sign = (
        1 if worse.id == over else -1
    )  # the row tells the worse minus the better; the image minus the other is told
    ends = sorted(-sign * end for end in (worse.diff_low, worse.diff_high))
    return {
        "each": "; ".join(each),
        "gap": f"{-sign * worse.diff:+.3f} [{ends[0]:+.3f}, {ends[1]:+.3f}]",
        "clear": ends[1] < 0 if told.sign < 0 else ends[0] > 0,
        "coverage": "; ".join(f"{view} {mean:.2f} (least {least:.2f})" for view, mean, least in covered),
        "covers": all(mean >= 0.8 for _, mean, _ in covered),
    }


def row(run: Path, seconds: float, what: str, name: str, loss: str, command: str) -> Row:
    """A row of the table from a finished race."""
    cells = views(run, name, loss, "colour")
    return {
        "what": what,
        "asked": "image clearly beats colour; 90 % intervals cover at least 0.80 by fruit",
        "measured": cells["each"],
        "reached": bool(cells["clear"] and cells["covers"]),
        "notes": f"{name} under {loss}, 95 % intervals by fruit; image minus colour {cells['gap']}; 90 % intervals hold, mean "
        f"over fruits: {cells['coverage']}; {seconds / 60:.1f} min",
        "command": command,
    }
