"""Jobs run apart: whatever one of them does, the others and the race go on."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

pytest.importorskip("torch")

from objectif.learn.race import executor as module
from objectif.learn.race.executor import Event, Job, LocalExecutor


@pytest.fixture
def executor(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalExecutor]:
    monkeypatch.setattr(module, "_PRELOAD", ["objectif.learn.race.executor"])
    local = LocalExecutor(cores=2)
    yield local
    local.stop()


def last(executor: LocalExecutor, seconds: float = 60.0) -> Event:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for event in executor.events(1.0):
            if event.kind != "message":
                return event
    raise AssertionError("the job never ended")


def job(work: str, **more: object) -> Job:
    return Job(work, work, dict(more.pop("arguments", {})), module="fixtures_work", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("work", "limits", "reason"),
    [
        ("crashes", {}, "SIGSEGV"),
        ("raises", {}, "ZeroDivisionError"),
        ("sleeps", {"seconds": 0.5}, "out of time"),
        ("eats", {"memory_mb": 600.0}, "out of memory"),
        ("exits", {}, "exit code 3"),
    ],
)
def test_a_bad_job_is_an_event_with_a_reason(
    executor: LocalExecutor, work: str, limits: dict[str, float], reason: str
) -> None:
    executor.submit(job(work, **limits))
    event = last(executor)
    assert event.kind == "failed"
    assert reason in event.payload
    executor.submit(job("answers", arguments={"value": 7}))
    assert last(executor).payload == 7, "the executor must go on after a failure"


def test_messages_come_before_the_end_and_in_order(executor: LocalExecutor) -> None:
    executor.submit(job("counts", arguments={"to": 5}))
    seen = []
    while not seen or seen[-1] != ("done", 5):
        seen += [(event.kind, event.payload) for event in executor.events(5.0)]
    assert seen == [("message", k) for k in range(5)] + [("done", 5)]


def test_children_die_with_a_killed_parent(tmp_path: object) -> None:
    code = (
        "import time, sys; sys.path.insert(0, sys.argv[1])\n"
        "from objectif.learn.race import executor as m; m._PRELOAD = ['objectif.learn.race.executor']\n"
        "def main():\n"
        "    e = m.LocalExecutor(2); e.submit(m.Job('tell_pid', 'tell_pid', {}, module='fixtures_work'))\n"
        "    while True:\n"
        "        for event in e.events(1.0): print(event.payload, flush=True)\n"
        "if __name__ == '__main__': main()\n"
    )
    here = os.path.dirname(__file__)
    parent = subprocess.Popen([sys.executable, "-c", code, here], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    until = time.monotonic() + 10
    while time.monotonic() < until and os.path.exists(f"/proc/{child}") and "zombie" not in _state(child):
        time.sleep(0.1)
    assert not os.path.exists(f"/proc/{child}") or "zombie" in _state(child)
    parent.stdout.close()


def _state(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/status") as status:
            return next((line for line in status if line.startswith("State")), "")
    except FileNotFoundError:
        return "zombie"
