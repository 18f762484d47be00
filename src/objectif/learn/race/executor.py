"""Where trials run: processes of this machine now; the seam (`Executor`) is what a cluster would implement.

Every job runs in a process of its own, so that one that crashes, diverges or eats the memory is written down and the
race goes on. A fork server that has imported torch once makes a new process cost milliseconds instead of seconds.
Memory is watched from outside, by resident size: an address-space limit (ulimit -v) breaks torch, which reserves far
more than it uses. Children ask the kernel to be killed when their parent dies, so a `kill -9` leaves nothing behind.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol

import psutil
from threadpoolctl import threadpool_limits

from objectif.errors import ObjectifError

WORK = "objectif.learn.race.work"
TRAINING = "objectif.learn.race.training"
SHRINKING = "objectif.learn.race.shrinking"
LESSON = "objectif.learn.race.lesson"
_PRELOAD = [WORK, TRAINING, SHRINKING, LESSON]
_PDEATHSIG = 1


@dataclass(frozen=True)
class Job:
    """Work for one process. work: name of a function in `module`. arguments: picklable keywords for it.

    threads: cores it uses while it runs. seconds: longest time it may take. memory_mb: largest resident size.
    The function also gets `tell`, by which it sends messages while it runs.
    """

    name: str
    work: str
    arguments: dict[str, Any]
    threads: int = 1
    seconds: float = 3600.0
    memory_mb: float = 8192.0
    module: str = WORK


@dataclass(frozen=True)
class Event:
    """What a job reports. kind: 'message' (payload from the work), 'done' (its return value) or 'failed' (why)."""

    job: Job
    kind: str
    payload: Any = None


class Executor(Protocol):
    """Runs jobs; `cores` is how many threads it offers in all."""

    cores: int

    def submit(self, job: Job) -> None:
        """Start a job now."""

    def busy(self) -> int:
        """Threads in use."""

    def events(self, seconds: float) -> Iterator[Event]:
        """What has happened; waits at most `seconds` for something to happen."""

    def stop(self) -> None:
        """End every job, now."""


@dataclass
class _Running:
    job: Job
    process: multiprocessing.process.BaseProcess
    channel: Connection
    started: float = field(default_factory=time.monotonic)


class LocalExecutor:
    """Processes on this machine, by default one thread of work for each core that this process may use."""

    def __init__(self, cores: int | None = None) -> None:
        self.cores = cores or len(os.sched_getaffinity(0))
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(_PRELOAD)
        self._running: list[_Running] = []

    def submit(self, job: Job) -> None:
        """Start a job in a new process."""
        here, there = self._context.Pipe(duplex=False)
        process = self._context.Process(target=_child, args=(job, there, os.getpid()), daemon=True)
        process.start()
        there.close()
        self._running.append(_Running(job, process, here))

    def busy(self) -> int:
        """Threads in use by running jobs."""
        return sum(r.job.threads for r in self._running)

    def events(self, seconds: float) -> Iterator[Event]:
        """Messages, ends and failures; a silent wait is cut into short ones to watch time and memory."""
        until = time.monotonic() + seconds
        found = list(self._poll(0.0))
        while not found and self._running and time.monotonic() < until:
            found = list(self._poll(min(0.25, max(0.01, until - time.monotonic()))))
        yield from found

    def _poll(self, seconds: float) -> Iterator[Event]:
        ready = wait([r.channel for r in self._running], seconds)
        for running in list(self._running):
            if running.channel in ready:
                yield from self._receive(running)
            elif reason := _over(running):
                self._end(running)
                yield Event(running.job, "failed", reason)

    def _receive(self, running: _Running) -> Iterator[Event]:
        while True:
            try:
                if not running.channel.poll():
                    return
                kind, payload = running.channel.recv()
            except (EOFError, OSError):
                running.process.join(5)
                code = running.process.exitcode
                self._end(running)
                yield Event(running.job, "failed", _death(code))
                return
            if kind == "message":
                yield Event(running.job, kind, payload)
                continue
            self._end(running)
            yield Event(running.job, kind, payload)
            return

    def _end(self, running: _Running) -> None:
        if running.process.is_alive() and running.process.pid:
            running.process.join(0.2)
            if running.process.is_alive():
                running.process.kill()
        running.process.join(5)
        running.channel.close()
        self._running.remove(running)

    def stop(self) -> None:
        """Kill every running job."""
        for running in list(self._running):
            running.process.kill()
            self._end(running)


def _over(running: _Running) -> str | None:
    """Why a running job must end, or None."""
    took = time.monotonic() - running.started
    if took > running.job.seconds:
        return f"out of time: {took:.0f} s used, {running.job.seconds:.0f} s allowed"
    try:
        resident = psutil.Process(running.process.pid).memory_info().rss / 2**20
    except psutil.Error:
        return None
    if resident > running.job.memory_mb:
        return f"out of memory: {resident:.0f} MB resident, {running.job.memory_mb:.0f} MB allowed"
    return None


def _death(code: int | None) -> str:
    if code is not None and code < 0:
        name = signal.Signals(-code).name if -code in signal.Signals._value2member_map_ else str(-code)
        hint = " (the system may be out of memory)" if name == "SIGKILL" else ""
        return f"crashed: ended by {name}{hint}"
    return f"crashed: exit code {code}"


def _child(job: Job, channel: Connection, parent: int) -> None:
    """Entry of the new process: die with the parent, run the work, report."""
    _die_with_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends us in order

    def report(kind: str, payload: Any) -> None:
        try:
            channel.send((kind, payload))
        except OSError:  # nobody listens any more: the race was killed
            os._exit(1)

    try:
        os.environ["OMP_NUM_THREADS"] = str(job.threads)
        work = getattr(import_module(job.module), job.work)
        threadpool_limits(job.threads)  # numpy's own threads, which were set when numpy was imported
        report("done", work(tell=lambda payload: report("message", payload), **job.arguments))
    except MemoryError:
        report("failed", "out of memory")
    except ObjectifError as error:
        report("failed", str(error))
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{os.path.basename(last.filename)}:{last.lineno}"
        report("failed", f"{type(error).__name__}: {error} ({where})")
    finally:
        sys.stdout.flush()
        channel.close()


def _die_with_parent(parent: int) -> None:
    """Be killed when the fork server dies, and watch the solving process itself, which is not our direct parent."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PDEATHSIG, signal.SIGKILL)
    import threading

    def watch() -> None:
        while psutil.pid_exists(parent):
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
