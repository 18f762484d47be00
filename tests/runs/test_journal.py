"""The journal: torn only at the end, and its clock goes on."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path

import pytest

from objectif.errors import RunError
from objectif.runs.journal import Journal, last_by_trial, read


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


def test_events_have_the_promised_keys(path: Path) -> None:
    journal = Journal.resume(path)
    journal.append("trial", trial="a", status="ran", metric=float("nan"), rung=1)
    (line,) = path.read_text().splitlines()
    event = json.loads(line)
    assert list(event)[:4] == ["event", "trial", "status", "elapsed_s"]
    assert event["rung"] == 1
    assert event["metric"] is None
    assert event["elapsed_s"] >= 0


def test_cut_anywhere_it_loses_the_last_event_only_and_goes_on(path: Path) -> None:
    journal = Journal.resume(path)
    for k in range(3):
        journal.append("trial", trial=f"é{k}", status="ran")
    whole = path.read_bytes()
    last = whole.rindex(b"\n", 0, -1) + 1
    for cut in range(last, len(whole) + 1):
        path.write_bytes(whole[:cut])
        kept = 3 if cut == len(whole) else 2
        reading = read(path)
        assert len(reading.events) == kept
        assert (reading.note is None) == (cut in (last, len(whole)))
        Journal.resume(path).append("resumed")
        after = read(path)
        assert [e["event"] for e in after.events] == ["trial"] * kept + ["resumed"]
        assert after.torn is None


def test_zeros_after_a_power_cut_are_a_torn_line(path: Path) -> None:
    path.write_bytes(b'{"event": "start"}\n\0\0\0\0\n')
    assert len(read(path).events) == 1
    assert read(path).torn is not None


@pytest.mark.parametrize("middle", [b'{"event": "tri', b"", b"[]", b'{"trial": "a"}', b"\xff\xfe"])
def test_damage_in_the_middle_is_an_error_with_its_line(path: Path, middle: bytes) -> None:
    path.write_bytes(b'{"event": "start"}\n' + middle + b'\n{"event": "end"}\n')
    with pytest.raises(RunError, match=r"line 2.*Remedy"):
        read(path)


def test_the_clock_counts_racing_not_the_pause(path: Path) -> None:
    first = Journal.resume(path)
    time.sleep(0.05)
    before = first.append("trial")["elapsed_s"]
    time.sleep(0.2)
    second = Journal.resume(path)
    assert before <= second.elapsed() < before + 0.15
    assert second.append("resumed")["elapsed_s"] >= before


def test_a_full_disk_is_said(tmp_path: Path) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full on this system")
    with pytest.raises(RunError, match="disk is full"):
        Journal(Path("/dev/full"), read(tmp_path / "none")).append("trial")


def test_a_write_cut_short_is_taken_back(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal.resume(path)
    journal.append("trial", trial="a", status="ran")
    before = path.read_bytes()
    write = os.write
    monkeypatch.setattr(os, "write", lambda handle, line: write(handle, line[:10]))
    with pytest.raises(RunError, match="disk is full"):
        journal.append("trial", trial="b", status="ran")
    assert path.read_bytes() == before


def test_threads_do_not_mix_their_lines(path: Path) -> None:
    journal = Journal.resume(path)
    work = [
        threading.Thread(
            target=lambda k=k: [journal.append("e", trial=f"{k}-{j}", pad="x" * 5000) for j in range(20)]
        )
        for k in range(4)
    ]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    assert len({e["trial"] for e in read(path).events}) == 80


def test_the_newest_status_of_each_trial(path: Path) -> None:
    journal = Journal.resume(path)
    journal.append("start")
    journal.append("trial", trial="a", status="running")
    journal.append("trial", trial="b", status="failed")
    journal.append("trial", trial="a", status="ran")
    found = last_by_trial(read(path).events)
    assert {k: v["status"] for k, v in found.items()} == {"a": "ran", "b": "failed"}
