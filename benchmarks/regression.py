"""Figures of numbers and stages: bananas, one fruit left out at a time, by the day alone, by colour, by the picture, by both."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

Row = dict[str, Any]
STAGES = "URVO"


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
