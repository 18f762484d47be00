"""Races: list, start, follow as they happen, stop with the best so far."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from objectif.errors import InputError
from objectif.runs.folder import JOURNAL
from objectif.runs.storage import plain
from objectif.shell import RunState
from objectif.web.api.shapes import RunEntry, RunStart
from objectif.web.follow import Follower
from objectif.web.house import House
from objectif.web.problems import body, responses

_EVENTS = body(
    "text/event-stream",
    "Server-sent events. `journal`: one line of the race's journal as JSON (event, trial, status, elapsed_s in seconds, and "
    "more); its id is the line's number. `state`: the run as GET /runs/{name} tells it, whenever that changes. The stream "
    "ends when the race has.",
    {"type": "string"},
)
_PAUSE, _ALIVE = 0.5, 15.0  # seconds


def routes(house: House) -> APIRouter:
    """GET and POST /runs, GET /runs/{name}, GET /runs/{name}/events, POST /runs/{name}/stop."""
    api = APIRouter(tags=["runs"])

    @api.get(
        "/runs", response_model=list[RunEntry], responses=responses(), summary="All races, the newest first"
    )
    def runs() -> list[RunEntry]:
        return [entry(run) for run in house.races.all()]

    @api.post(
        "/runs",
        response_model=RunEntry,
        status_code=201,
        responses=responses(409, 422, 429),
        summary="Start a race",
    )
    def start(given: RunStart) -> RunEntry:
        return entry(house.start(Path(given.data), options(given), name=given.name))

    @api.get("/runs/{name}", response_model=RunEntry, responses=responses(404), summary="One race")
    def run(name: str) -> RunEntry:
        return entry(house.races.one(name))

    @api.get(
        "/runs/{name}/events",
        response_class=StreamingResponse,
        responses={**responses(404, 422), **_EVENTS},
        summary="Follow a race by server-sent events",
    )
    async def events(
        request: Request,
        name: str,
        since: int = Query(0, ge=0, le=10**9, description="Lines of the journal that are known already."),
    ) -> StreamingResponse:
        folder = await asyncio.to_thread(house.races.folder, name)
        last = request.headers.get("last-event-id", "")
        follower = Follower(folder / JOURNAL, int(last) if last.isdecimal() and len(last) < 10 else since)
        return StreamingResponse(_told(house, name, follower), media_type="text/event-stream",
                                 headers={"cache-control": "no-store"})  # fmt: skip

    @api.post(
        "/runs/{name}/stop",
        response_model=RunEntry,
        responses=responses(404, 409, 429),
        summary="Stop: the race delivers the best so far",
    )
    def stop(name: str) -> RunEntry:
        return entry(house.races.stop(name))

    return api


def entry(run: RunState) -> RunEntry:
    """A race as the API tells it."""
    return RunEntry(name=run.name, state=run.state, elapsed=run.elapsed, budget=run.budget,
                    solution=run.solution, error=run.error)  # fmt: skip


def options(given: RunStart) -> list[str]:
    """The options of `objectif solve`; each value was checked by its shape, and none is a shell's word."""
    if given.quick and given.budget:
        raise InputError("quick and budget contradict each other; expected one of them.")
    found = [f"--{key}={value}" for key in ("budget", "task", "metric", "seed")
             if (value := getattr(given, key)) is not None]  # fmt: skip
    return [*found, *(["--quick"] if given.quick else [])]


async def _told(house: House, name: str, follower: Follower) -> AsyncIterator[str]:
    """Events until the race has ended and all of its journal is told."""
    before, silent = None, 0.0
    while True:
        state = await asyncio.to_thread(house.races.one, name)
        lines = await asyncio.to_thread(follower.more)
        for number, line in lines:
            yield _event("journal", line, number)
        told = entry(state).model_dump()
        if told != before:
            before = told
            yield _event("state", told)
        if state.state != "running":
            return
        silent = 0.0 if lines else silent + _PAUSE
        if silent >= _ALIVE:
            silent = 0.0
            yield ": still running\n\n"
        await asyncio.sleep(_PAUSE)


def _event(kind: str, value: dict[str, Any], number: int | None = None) -> str:
    identity = "" if number is None else f"id: {number}\n"
    return f"event: {kind}\n{identity}data: {json.dumps(plain(value), ensure_ascii=False)}\n\n"
