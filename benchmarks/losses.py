"""Where the loss matters: every loss on seedlings as they are, made long-tailed 1:20, and with 20 % of labels wrong.

    python benchmarks/losses.py

Only training images are thinned out or mislabelled, anew for each seed; held-out images keep their true labels. All
losses learn from the same features (EfficientNet-Lite2, all levels, through the exported file) on the same images.
"""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SEEDS = 5
TAIL = 20


def long_tailed(
    rows: NDArray[np.int64], truth: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Training rows with class sizes falling geometrically to a twentieth, classes in random order."""
    classes = rng.permutation(truth.max() + 1)
    kept = []
    for place, label in enumerate(classes):
        own = rng.permutation(rows[truth[rows] == label])
        share = TAIL ** (-place / (len(classes) - 1))
        kept.append(own[: max(2, round(share * len(own)))])
    return np.sort(np.concatenate(kept))


def mislabelled(truth: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """The labels with a fifth of them changed to another class, evenly."""
    wrong = truth.copy()
    rows = rng.permutation(len(truth))[: round(0.2 * len(truth))]
    wrong[rows] = (wrong[rows] + rng.integers(1, truth.max() + 1, len(rows))) % (truth.max() + 1)
    return wrong


def features(data: Path, splits: Path, work: Path) -> tuple[Any, NDArray[np.float32]]:
    """The Dataset with its given folds, and features of all images."""
    from objectif.learn.race.ground import survey
    from objectif.learn.race.work import extract
    from objectif.problem import Problem

    work.mkdir(parents=True, exist_ok=True)
    ground = survey(Problem(data / "seedlings", splits=splits / "seedlings"), work)
    target = work / "lite2.npy"
    if not target.exists():
        (work / "context.pkl").write_bytes(pickle.dumps(ground.context))
        more = {"model": "lite2_levels", "side": 256, "step": "plain", "view": "plain", "threads": 2}
        extract(context=work / "context.pkl", target=target, tell=lambda _: None, **more)
    return ground, np.load(target)


def compare(ground: Any, table: NDArray[np.float32], variant: str) -> Any:
    """The verdict over all single-label losses on one variant."""
    from objectif import plugins
    from objectif.learn.fit.heads import Rotated, fit_head
    from objectif.runs.entry import Entry
    from objectif.runs.verdict import verdict
    from objectif.tasks.classify import Decoding, decode

    names = [n for n in plugins.names("losses") if plugins.load("losses", n).kind == "single"]
    truth, plan = ground.dataset.truth(), ground.plan
    classes = len(ground.dataset.classes)
    scores = {name: np.zeros((SEEDS, len(truth), classes), np.float32) for name in names}
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        for fold in range(plan.folds):
            rows, labels = plan.train(fold), truth
            if variant == "long-tailed":
                rows = long_tailed(rows, truth, rng)
            if variant == "mislabelled":
                labels = mislabelled(truth, rng)
            held = plan.held(fold)
            rotated = Rotated(table[rows], labels[rows], groups=ground.context.units[rows], seed=seed)
            for name in names:
                head = fit_head(rotated, plugins.load("losses", name), classes=classes)
                scores[name][seed, held] = decode(head.logits(table[held]), Decoding(), False)
        print(f"{variant}: seed {seed + 1} of {SEEDS}", file=sys.stderr, flush=True)
    entries = [Entry(n, "frozen", "lite2_levels", n, "plain", scores[n]) for n in names]
    return verdict(entries, truth, "accuracy")


def run(data: Path, splits: Path, work: Path) -> dict[str, Any]:
    """variant -> rows of the loss table; written to work/losses.json and read from there the next time."""
    stored = work / "losses.json"
    if stored.exists():
        kept: dict[str, Any] = json.loads(stored.read_text())
        return kept
    ground, table = features(data, splits, work)
    found = {}
    for variant in ("as they are", "long-tailed", "mislabelled"):
        decided = compare(ground, table, variant)
        found[variant] = [row.to_dict() for row in decided.tables["loss"]]
    stored.write_text(json.dumps(found, indent=1))
    return found


def markdown(found: dict[str, Any]) -> str:
    """Losses down, variants across; what clearly beats cross-entropy in bold, what it clearly beats in italics."""
    names = sorted({row["name"] for rows in found.values() for row in rows})
    lines = ["| loss | " + " | ".join(found) + " |", "|---|" + "---|" * len(found)]
    by_name = {v: {row["name"]: row for row in rows} for v, rows in found.items()}
    for name in sorted(names, key=lambda n: -sum(by_name[v][n]["estimate"] for v in found)):
        cells = []
        for variant in found:
            row = by_name[variant][name]
            text = f"{row['estimate']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"
            if "cross_entropy" in row["better_than"]:
                text = f"**{text}**"
            elif name in by_name[variant]["cross_entropy"]["better_than"]:
                text = f"*{text}*"
            cells.append(text)
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def row(runs: Path, data: Path, splits: Path) -> dict[str, Any]:
    """The row for the table of figures; the table of losses goes into benchmarks/losses.md."""
    found = run(data, splits, runs / "losses")
    (Path(__file__).parent / "losses.md").write_text(
        f"# Losses on seedlings, {SEEDS} seeds\n\nAccuracy on clean held-out images with its 95 % interval over images and seeds. Bold: clearly beats "
        f"cross-entropy (intervals that hold for all pairs); italics: clearly beaten by it.\n\n{markdown(found)}\n"
    )
    better = {
        variant: [r["name"] for r in rows if "cross_entropy" in r["better_than"]]
        for variant, rows in found.items()
        if variant != "as they are"
    }
    said = "; ".join(f"{variant}: {', '.join(names) or 'none does'}" for variant, names in better.items())
    return {
        "what": "losses that clearly beat cross-entropy on seedlings, long-tailed 1:20 and with 20 % wrong labels",
        "asked": "one in each, or said that none does",
        "measured": said,
        "reached": all(better.values()),
        "notes": "[table](losses.md)",
        "command": "python benchmarks/run.py losses",
    }


if __name__ == "__main__":
    import run as bench

    print(row(bench.RUNS, bench.DATA, bench.SPLITS)["measured"])
