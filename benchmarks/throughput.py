"""Images a second of `predict` on 1,000 JPEGs of 320 px, as ratios to the bare network in the same run.

The Solution is EfficientNet-Lite0 with a head, fp32 and int8; the measurement is `objectif benchmark`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any


def row(runs: Path) -> dict[str, Any]:
    """The row for the table of figures."""
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
    solution = next(out.glob("*.objectif"))
    printed = subprocess.run(
        [bench.BIN, "benchmark", solution, "--count", "1000", "--json"], check=True, capture_output=True, text=True
    ).stdout
    found = json.loads(printed)
    (runs / "throughput.json").write_text(printed)
    return describe(found)


def describe(found: dict[str, Any]) -> dict[str, Any]:
    """The figures of `objectif benchmark --json` in one row."""
    print(json.dumps(found, indent=1), file=sys.stderr)
    return {
        "what": "`predict` on 1,000 JPEGs of 320 px with Lite0, two cores, bare network = 1",
        "asked": "fp32 0.85, int8 0.75; int8 bare at least 1.8 x fp32 bare",
        "measured": json.dumps(found)[:200],
        "reached": None,
        "notes": "",
        "command": "python benchmarks/run.py throughput",
    }
