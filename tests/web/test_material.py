"""Data and statements that strangers give: nothing outside of the roots is named, corrections never touch the data."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from PIL import Image

from objectif.data.load import load
from objectif.errors import DataError, ProblemError
from objectif.web.corrections import DROPPED, Corrections
from objectif.web.live import Live
from objectif.web.material import Materials, stated
from objectif.web.pages.plane import front
from objectif.web.settings import Settings

from .conftest import ODD, Client


@pytest.fixture
def flowers(room: Settings) -> Path:
    """A folder in the root: two classes of three pictures."""
    for label in ("rose", f"tulip {ODD}"):
        for k in range(3):
            place = room.roots[0] / "flowers" / label / f"{k}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (30, 20 + k)).save(place)
    return room.roots[0] / "flowers"


def outside(room: Settings) -> Path:
    secret = room.shelf.parent / "secret.png"
    Image.new("RGB", (9, 9)).save(secret)
    return secret


@pytest.mark.parametrize("way", ["absolute", "up", "link"])
def test_a_list_that_leads_outside_is_refused(client: Client, room: Settings, way: str) -> None:
    secret, root = outside(room), room.roots[0]
    (root / "link.png").symlink_to(secret)
    named = {"absolute": str(secret), "up": "../secret.png", "link": "link.png"}[way]
    (root / "list.csv").write_text(f"path,label\nred.png,a\n{named},b\n")
    for path, body in (("/api/v1/data", {"path": "list.csv"}), ("/api/v1/runs", {"data": "list.csv"})):
        reply = client("POST", path, json=body)
        assert reply.status_code == 422, (way, reply.text)
        assert "outside of the folders" in reply.json()["detail"] or "list.csv" in reply.json()["detail"]
    assert not list((room.shelf / "runs").iterdir())


@pytest.mark.parametrize(
    "line",
    [
        'data = "/etc"',
        'data = "flowers"\nsplits = "/etc"',
        'data = "flowers"\n[search]\nmodels = ["onnx:/etc/x.onnx"]',
    ],
)
def test_a_statement_that_leads_outside_is_refused(
    client: Client, flowers: Path, room: Settings, line: str
) -> None:
    (room.roots[0] / "problem.toml").write_text(line + "\n")
    assert client("POST", "/api/v1/runs", json={"data": "problem.toml"}).status_code == 422
    assert not list((room.shelf / "runs").iterdir())


def test_a_statement_is_checked_before_it_is_kept(flowers: Path, room: Settings) -> None:
    materials = Materials(room.shelf, room.roots)
    place = materials.statement(materials.add(flowers))
    text = place.read_text()
    with pytest.raises(ProblemError, match=r"^line \d+: unknown key 'metrik'.*did you mean 'metric'"):
        stated(place, text.replace("metric =", "metrik ="))
    assert place.read_text() == text
    assert stated(place, text.replace("seed = 0", "seed = 5")).seed == 5
    assert [p.name for p in place.parent.iterdir() if p.name.startswith(".")] == []


def test_corrections_lie_beside_the_data_and_can_be_raced(flowers: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in flowers.rglob("*")}
    found = Corrections(flowers, load(flowers), flowers.parent)
    found.say(0, f"tulip {ODD}")
    found.say(1, DROPPED)
    found.say(3, f"tulip {ODD}")  # what it is already
    assert found.read() == {"rose/0.png": f"tulip {ODD}", "rose/1.png": DROPPED}
    with open(flowers.parent / "flowers.corrections.csv", newline="") as stream:
        assert next(csv.DictReader(stream)) == {"path": "rose/0.png", "was": "rose", "is": f"tulip {ODD}"}
    corrected = load(found.manifest)
    assert [corrected.classes[s.labels[0]] for s in corrected.samples] == [
        f"tulip {ODD}",
        "rose",
        *[f"tulip {ODD}"] * 3,
    ]
    found.say(0, None)
    found.say(1, "rose")
    assert found.read() == {} and len(load(found.manifest)) == 6
    assert {p: p.stat().st_mtime_ns for p in flowers.rglob("*")} == before
    with pytest.raises(DataError, match="label is 'nobody'; expected one of rose"):
        found.say(0, "nobody")


def test_corrections_elsewhere_name_the_data_in_full(flowers: Path, tmp_path: Path) -> None:
    found = Corrections(flowers, load(flowers), tmp_path)
    found.say(0, DROPPED)
    assert len(load(found.manifest)) == 5


def test_a_journal_becomes_a_board() -> None:
    live = Live()
    lite = {"model": "lite0", "loss": "brier", "side": 224}
    for event in (
        {"event": "cost", "model": "lite0", "side": 224, "cost": {"latency_ms": 9.5}, "elapsed_s": 1.0},
        {"event": "trial", "trial": "a/seed0", "status": "done", "metric": 0.8, "seed": 0, "candidate": lite},
        {
            "event": "trial",
            "trial": "a/seed1",
            "status": "done",
            "metric": 0.9,
            "seed": 1,
            "candidate": lite,
            "elapsed_s": 7.0,
        },
        {"event": "trial", "trial": "b/seed0", "status": "done", "metric": 0.7, "seed": 0, "candidate": {}},
        {"event": "trial", "trial": "c", "status": "dropped", "reason": "slow"},
        {"event": "trial", "trial": "b/seed1", "status": "failed", "reason": "once"},
        {"event": "tick", "running": ["heads"]},
        {"event": "surprise"},
    ):
        live.take(event)
    best, second, third = live.ranked(1.0)
    assert (best.candidate, best.mean, live.latency(best)) == ("a", pytest.approx(0.85), 9.5)
    assert (second.candidate, second.status) == ("b", "ran")  # one of its seeds ended well
    assert (third.status, third.reason) == ("dropped", "slow")
    assert live.ranked(-1.0)[0].candidate == "b" and live.elapsed == 7.0
    assert front([(1, 0.5), (2, 0.4), (3, 0.9), (3, 0.8)], 1.0) == [(1, 0.5), (3, 0.9)]
    assert json.dumps(live.running) == '["heads"]'
