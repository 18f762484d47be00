"""The picture of the README: the leaderboard of `objectif demo`. Run `objectif demo`, then this file."""

from __future__ import annotations

from pathlib import Path

from objectif.report.picture import picture
from objectif.runs.folder import RunFolder

if __name__ == "__main__":
    result = RunFolder.open("runs/demo/run").result()
    Path(__file__).with_name("demo.svg").write_text(picture(result), encoding="utf-8")
