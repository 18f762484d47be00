"""What a verdict says arrives whole in result.json."""

from __future__ import annotations

import json
from dataclasses import asdict, fields

from objectif.runs.outcome import Row
from objectif.runs.result import STATUSES, Result, Standing


def test_a_row_of_a_verdict_is_a_standing() -> None:
    assert {f.name for f in fields(Row)} == {f.name for f in fields(Standing)}
    words = {"id", "approach", "model", "loss", "preparation", "status", "reason"}
    row = Row(**{f.name: f.name if f.name in words else 1 for f in fields(Row)})  # type: ignore[arg-type]
    assert asdict(Standing(**asdict(row))) == asdict(row)


def test_statuses_are_those_of_a_verdict() -> None:
    from typing import get_args

    from objectif.runs.outcome import Status

    assert set(STATUSES) == set(get_args(Status))


def test_the_keys_that_scripts_rely_on_are_there() -> None:
    promised = {
        *("problem", "winner", "metric", "estimate", "low", "high", "baseline", "beats_baseline", "feasible"),
        *(
            "leaderboard",
            "elapsed_s",
            "seeds",
            "versions",
            "data_fingerprint",
            "estimate_of",
            "classes",
            "tables",
        ),
        *("sentences", "higher_is_better", "level", "split", "notes", "limits", "card", "command"),
    }
    found = Result("a", "accuracy", (Standing("a"),)).to_dict()
    assert promised <= found.keys()
    assert json.loads(json.dumps(found))["leaderboard"][0]["id"] == "a"
