"""Promises on real images: kept on X-rays, broken by another source of scans and noticed, and what proving them takes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

Row = dict[str, Any]
Solve = Callable[..., dict[str, Any]]
BINARY = Path(sys.executable).with_name("objectif")
RUNS = ("promise_chest", "promise_shift")


def chest(solve: Solve, runs: Path, data: Path) -> Row:
    """Pneumonia not missed, on images that took no part."""
    promise = "recall[Pneumonia] >= 0.95"
    found = solve("promise_chest", data / "chest_xray", "--promise", promise, "--budget", "5m")
    record = found["promises"]["records"][0]
    saved = f"{record['work_saved']:.3f} [{record['work_low']:.3f}, {record['work_high']:.3f}]"
    return {
        "what": f"chest_xray, 5 min, `{promise}` with 95 % confidence: proved recall; work saved",
        "asked": "0.95 proved, or infeasible said",
        "measured": f"{record['reached']:.3f} proved, {record['estimate']:.3f} measured; {saved}",
        "reached": bool(record["kept"]) and record["reached"] >= 0.95,
        "notes": f"{record['positives']} positives among {record['n']} images that took no part; {found['winner']}",
        "command": f"objectif solve shared/data/chest_xray --promise '{promise}' --budget 5m",
    }


def shift(solve: Solve, runs: Path, data: Path, lists: Path) -> Row:
    """A promise kept on Training, asked of Testing, which is from elsewhere."""
    promise = "recall[glioma_tumor] >= 0.85"
    train = data / "brain_mri"
    part = runs / "promise_shift_lists"
    part.mkdir(parents=True, exist_ok=True)
    (part / "train.txt").write_text((lists / "train.txt").read_text())
    (part / "test.txt").write_text((lists / "test.txt").read_text())
    options = ("--splits", part, "--promise", promise, "--budget", "4m")
    found = solve("promise_shift", train, *options)
    record = found["promises"]["records"][0]
    told = evaluated(next((runs / "promise_shift").glob("*.objectif")), train, part)
    check = told["promises"][0] if told["promises"] else {"verdict": "nothing promised", "estimate": None}
    return {
        "what": f"brain_mri, `{promise}` proved on Training; `evaluate` on Testing, which is from elsewhere",
        "asked": "evaluate speaks up",
        "measured": f"{check['verdict']}: {check['estimate']:.3f}"
        if check["estimate"] is not None
        else check["verdict"],
        "reached": check["verdict"] == "no longer kept",
        "notes": f"on Training {record['reached']:.3f} proved with {record['positives']} positives",
        "command": "python benchmarks/run.py promise_shift",
    }


def evaluated(solution: Path, data: Path, lists: Path) -> dict[str, Any]:
    """What `objectif evaluate` says of the test part."""
    words = [BINARY, "evaluate", solution, data, "--splits", lists, "--json"]
    child = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=True)
    told: dict[str, Any] = json.loads(child.stdout)
    return told


def cost(runs: Path) -> Row:
    """Seconds that promises, calibration, gate and maps took, of all that the races took."""
    shares = []
    for name in RUNS:
        events = [json.loads(line) for line in (runs / name / "journal.jsonl").read_text().splitlines()]
        spent = sum(e["seconds"] for e in events if e["event"] in ("evidence", "explained"))
        whole = max(float(e["elapsed_s"]) for e in events)
        shares.append((name, spent, whole, spent / (whole - spent)))
    told = "; ".join(f"{name}: {spent:.1f} of {whole:.0f} s" for name, spent, whole, _ in shares)
    return {
        "what": "time that promises, calibration, input gate and maps add to `solve`",
        "asked": "at most 10 %",
        "measured": ", ".join(f"{share:.1%}" for *_, share in shares),
        "reached": all(share <= 0.10 for *_, share in shares),
        "notes": told,
        "command": "python benchmarks/run.py evidence_time",
    }
