"""Images a second of `predict` on 1,000 JPEGs of 320 px, as ratios to the bare network in the same run.

The Solution is EfficientNet-Lite0 with a head, fp32 and int8; the measurement is `objectif benchmark`.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any


def row(runs: Path) -> dict[str, Any]:
    """The row for the table of figures."""
    import run as bench

    solution = lite0(runs)
    photos = _measure(bench.BIN, solution, str(bench.DATA / "flowers"), "--count", "1000", "--rounds", "3")
    large = [
        s for s in _measure(bench.BIN, solution, "--seconds", "1", "--rounds", "3") if "12" in s["images"]
    ]
    return describe(photos, large)


def lite0(runs: Path) -> Path:
    """The Solution on Lite0, raced for where it is not there yet."""
    import run as bench

    out = runs / "lite0"
    statement = runs / "lite0.toml"
    runs.mkdir(parents=True, exist_ok=True)
    statement.write_text(
        f'data = "{bench.DATA / "flowers"}"\n[search]\nbudget = "90s"\nmodels = ["lite0"]\nlosses = ["cross_entropy"]\n'
        'preparations = ["plain"]\nmargin = 0.05\n'
    )
    if not (out / "result.json").exists():
        subprocess.run([bench.BIN, "solve", statement, "--out", out], check=True, stdout=subprocess.DEVNULL)
    return next(out.glob("*.objectif"))


def _measure(program: Path, solution: Path, *options: str) -> list[dict[str, Any]]:
    """The speeds that `objectif benchmark --json` prints."""
    command = [program, "benchmark", solution, *options, "--json"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    speeds: list[dict[str, Any]] = json.loads(printed)["speeds"]
    return speeds


def describe(photos: list[dict[str, Any]], large: list[dict[str, Any]]) -> dict[str, Any]:
    """The row for the table of figures."""
    by = {s["precision"]: s for s in photos}
    full, small = by["fp32"], by.get("int8")
    said = f"fp32 {full['ratio']:.2f} ({full['files']:.0f} of {full['bare']:.0f} images/s)"
    reached = full["ratio"] >= 0.85
    notes = f"latency {full['latency_ms']:.1f} ms fp32"
    if small is None:
        said, reached = said + "; no int8 in the file", False
    else:
        gain = small["bare"] / full["bare"]
        said += f"; int8 {small['ratio']:.2f} ({small['files']:.0f} of {small['bare']:.0f}); int8 bare {gain:.2f} x fp32 bare"
        reached = reached and small["ratio"] >= 0.75 and gain >= 1.8
        notes += f", {small['latency_ms']:.1f} ms int8; peak memory {full['memory_mb']:.0f} and {small['memory_mb']:.0f} MB"
    notes += "; 12-megapixel files: " + ", ".join(
        f"{s['precision']} {s['files']:.0f} images/s" for s in large
    )
    return {
        "what": "`predict` on 1,000 JPEGs of 320 px with Lite0, two cores, bare network = 1",
        "asked": "fp32 0.85, int8 0.75; int8 bare at least 1.8 x fp32 bare",
        "measured": said,
        "reached": reached,
        "notes": notes,
        "command": "python benchmarks/run.py throughput",
    }
