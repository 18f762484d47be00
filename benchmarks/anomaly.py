"""Figures of anomalies: a race on good magnetic tiles alone, answered on other good ones and on all defects."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

Row = dict[str, Any]

SPEED = """
import json, sys
from objectif.data.load import load
from objectif.run.benchmark import benchmark
from pathlib import Path
files = [str(s.file) for s in load(Path(sys.argv[2]), task="anomaly").samples]
print(json.dumps([1000 / s.files for s in benchmark(Path(sys.argv[1]), {"tiles": files}, count=64)]))
"""


def lists(splits: Path, out: Path) -> Path:
    """The fixed lists under the names that --splits reads: what trains, and all that tests."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "train.txt").write_text((splits / "train_good.txt").read_text())
    tested = [(splits / f"test_{kind}.txt").read_text().strip() for kind in ("good", "defect")]
    (out / "test.txt").write_text("\n".join(tested) + "\n")
    return out


def magnetic_tiles(runs: Path, data: Path, splits: Path) -> Row:
    """Image and pixel AUROC, and the time an image takes with decoding."""
    out, images = runs / "magnetic_anomalies", data / "magnetic_tiles"
    given = lists(splits / "magnetic_tiles", runs / "magnetic_anomalies_lists")
    options = ["--task", "anomaly", "--group", r"num_(\d+)", "--splits", str(given)]
    solve = [
        sys.executable,
        "-m",
        "objectif",
        "solve",
        str(images),
        *options,
        "--budget",
        "7m",
        "--out",
        str(out),
    ]
    if not (out / "result.json").exists():
        subprocess.run(solve, check=True)
    solution = next(out.glob("*.objectif"))
    evaluate = [
        sys.executable,
        "-m",
        "objectif",
        "evaluate",
        str(solution),
        str(images),
        *options[2:],
        "--json",
    ]
    found = json.loads(subprocess.run(evaluate, capture_output=True, text=True, check=True).stdout)["metrics"]
    result = json.loads((out / "result.json").read_text())
    latency = _latency(solution, images)
    image, pixel = (
        result,
        found["pixel_auroc"],
    )  # the race also takes near duplicates for one unit: wider, and right
    others = ", ".join(
        f"{name} {found[name]['estimate']:.3f}"
        for name in ("aupro", "anomaly_f1", "detection_rate", "false_alarm_rate")
    )
    return {
        "what": "magnetic_tiles, learned from 40 good ones: image AUROC; pixel AUROC; time an image",
        "asked": "0.88; 0.85; under 60 ms",
        "measured": f"{_span(image)}; {_span(pixel)}; {latency:.0f} ms",
        "reached": image["estimate"] >= 0.88 and pixel["estimate"] >= 0.85 and latency < 60,
        "notes": f"{result['winner']}; {result['elapsed_s'] / 60:.1f} min; {others}",
        "command": "python benchmarks/run.py magnetic_anomalies",
    }


def _span(found: dict[str, Any]) -> str:
    return f"{found['estimate']:.3f} [{found['low']:.3f}, {found['high']:.3f}]"


def _latency(solution: Path, images: Path) -> float:
    """Milliseconds an image by `predict`'s own way, decoding included, on all cores of this machine."""
    child = subprocess.run(
        [sys.executable, "-c", SPEED, str(solution), str(images)],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
    )
    return float(min(json.loads(child.stdout)))
