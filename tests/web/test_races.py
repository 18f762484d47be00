"""Races as children: started, followed, stopped with the best so far, known again after a restart, never mixed up."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from objectif.shell import RunState
from objectif.web.problems import Conflict, Missing
from objectif.web.races import Races
from objectif.web.settings import Settings

from .conftest import listening

STAND_IN = r"""
import json, pathlib, signal, sys, time
out = pathlib.Path(sys.argv[sys.argv.index("--out") + 1])
data = pathlib.Path(sys.argv[2])
if data.name == "bad":
    sys.exit("error: bad holds no images.")
out.mkdir(parents=True)
def tell(event, **more):
    with open(out / "journal.jsonl", "a") as stream:
        stream.write(json.dumps({"event": event, "trial": None, "status": None, "elapsed_s": 1.0, **more}) + "\n")
def deliver(*_):
    tell("done", status="done")
    (out / "best.objectif").write_bytes(b"")
    (out / "result.json").write_text("{}")
    sys.exit(0)
signal.signal(signal.SIGINT, deliver)
(out / "problem.json").write_text(json.dumps({"budget": 60.0}))
tell("start", status="new")
time.sleep(60)
"""


@pytest.fixture
def races(tmp_path: Path) -> Iterator[Races]:
    """Races whose children do nothing but keep the contract of a run folder; those left over are ended."""
    script = tmp_path / "stand_in.py"
    script.write_text(STAND_IN)
    found = Races(tmp_path / "shelf", [tmp_path], (sys.executable, str(script)))
    yield found
    for child in list(found._children.values()):
        child.kill()
        child.wait()


def until(races: Races, name: str, wanted: Callable[[RunState], bool]) -> RunState:
    """The race once it is as wanted."""
    for _ in range(400):
        if wanted(state := races.one(name)):
            return state
        time.sleep(0.05)
    raise AssertionError(races.one(name))


def running(races: Races, data: Path) -> str:
    """A race that has begun."""
    return until(races, races.start(data).name, lambda s: s.budget is not None and s.elapsed > 0).name


def test_a_race_is_started_and_stopped_with_the_best_so_far(races: Races, tmp_path: Path) -> None:
    name = running(races, tmp_path / "flowers")
    state = races.one(name)
    assert (name, state.state, state.budget, state.solution) == ("flowers", "running", 60.0, None)
    races.stop(name)
    races.stop(name)  # impatience is no second signal
    done = until(races, name, lambda s: s.state != "running")
    assert (done.state, done.solution) == ("done", "flowers")
    with pytest.raises(Conflict, match="is done; only one that this server started"):
        races.stop(name)


def test_a_new_server_knows_the_races_of_the_old_one(races: Races, tmp_path: Path) -> None:
    name = running(races, tmp_path / "flowers")
    later = Races(tmp_path / "shelf", [tmp_path])
    assert later.one(name).state == "running"
    later.stop(name)
    assert until(later, name, lambda s: s.state != "running").state == "done"


def test_another_process_with_the_number_of_a_race_is_left_alone(races: Races, tmp_path: Path) -> None:
    """Process numbers are given out again: this test's own number, with another time of birth, must not get a signal."""
    name = running(races, tmp_path / "flowers")
    note = races.note(name)
    child = races._children.pop(name)
    child.send_signal(signal.SIGKILL)
    child.wait()
    (races.notes / f"{name}.json").write_text(json.dumps({**note, "pid": os.getpid()}))
    assert races.one(name).state == "failed"
    with pytest.raises(Conflict):
        races.stop(name)


def test_a_race_that_fails_says_why(races: Races, tmp_path: Path) -> None:
    name = races.start(tmp_path / "bad").name
    state = until(races, name, lambda s: s.state != "running")
    assert (state.state, state.error) == ("failed", "error: bad holds no images.")


def test_two_races_of_one_name_are_two(races: Races, tmp_path: Path) -> None:
    assert [races.start(tmp_path / "bad").name for _ in range(3)] == ["bad", "bad-2", "bad-3"]
    with pytest.raises(Conflict, match="is called 'bad' already"):
        races.start(tmp_path / "other", name="bad")
    with pytest.raises(Missing, match="no run is called 'nobody'; there are bad, bad-2, bad-3"):
        races.one("nobody")


def test_a_statement_names_its_race_after_its_data(races: Races, tmp_path: Path) -> None:
    (tmp_path / "problem.toml").write_text('data = "photos/weeds"\n')
    assert races.start(tmp_path / "problem.toml").name == "weeds"


def test_a_run_folder_of_the_command_line_is_seen(races: Races, tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "by hand"
    folder.mkdir(parents=True)
    (folder / "journal.jsonl").write_text(
        '{"event": "start", "trial": null, "status": "new", "elapsed_s": 3.5}\n'
    )
    state = races.one("by-hand")
    assert (state.state, state.elapsed, state.folder) == ("stopped", 3.5, folder)


def test_events_are_followed_to_the_end_and_from_where_one_left_off(room: Settings) -> None:
    folder = room.shelf / "runs" / "old"
    folder.mkdir(parents=True)
    lines = [
        {"event": "note", "trial": None, "status": "said", "elapsed_s": k, "text": "<b>"} for k in range(5)
    ]
    (folder / "journal.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"torn')
    with listening(room) as address:
        told = httpx.get(f"{address}/api/v1/runs/old/events", timeout=10)
        assert told.headers["content-type"].startswith("text/event-stream")
        assert told.text.count("event: journal\n") == 5 and told.text.count("event: state\n") == 1
        rest = httpx.get(f"{address}/api/v1/runs/old/events", headers={"last-event-id": "3"}, timeout=10)
        assert [line for line in rest.text.splitlines() if line.startswith("id:")] == ["id: 4", "id: 5"]
        state = json.loads(rest.text.rsplit("event: state\ndata: ", 1)[1])
        assert state == httpx.get(f"{address}/api/v1/runs/old").json()
