"""Race: the board as it runs, the time left, the end with the best so far; then the report of the finished run."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from nicegui import ui

from objectif.errors import ObjectifError
from objectif.report.html import Markup, join, name, tag, visible
from objectif.runs.folder import LEADERBOARD, REPORT
from objectif.shell import RunState
from objectif.web.house import House
from objectif.web.live import Line, Live, Watch, left, objective
from objectif.web.pages import plane, standings
from objectif.web.pages.frame import Frame, button, refused, show
from objectif.web.pages.home import run_item
from objectif.web.spread import Ends, Spreads

_EVERY = 1.0  # seconds


def build(frame: Frame, house: House) -> None:
    """GET /race, GET /race/{name}."""
    watch, spreads = Watch(), Spreads()

    @frame.page("/race", "Races")
    async def races() -> None:
        runs = await asyncio.to_thread(house.races.all)
        listed = tag("ul", [run_item(run) for run in runs], class_="grid")
        begin = tag("p", "No race yet. ", tag("a", "Show your data", href="/data"), " to start one.")
        show(tag("h1", "Races"), listed if runs else begin)

    @frame.page("/race/{run}", "Race")
    async def race(run: str) -> None:
        first = await asyncio.to_thread(house.races.one, run)
        show(tag("h1", name(run)))
        with ui.element("div").classes("acts"):
            stop = button("Stop with the best so far", lambda: _stop(house, run, stop), kind="stop")
        place, report = ui.element("div"), ui.element("div")
        shown: list[str] = ["", ""]

        def draw(state: RunState, spread: Mapping[str, Ends]) -> None:
            stop.set_visibility(state.state == "running" and bool(house.races.note(run)))
            live = watch.live(state.folder)
            board = _board(state, live, house.races.note(run), house.races.log(run), spread)
            if board != shown[0]:
                shown[0] = board
                place.clear()
                with place:
                    show(board)
            if state.state != shown[1] and state.state != "running":
                with report:
                    _ended(state)
            shown[1] = state.state

        async def tick() -> None:
            state = await asyncio.to_thread(house.races.one, run)
            lines = watch.live(state.folder).ranked(objective(state.folder)[1])
            draw(state, await asyncio.to_thread(spreads.leaders, state.folder, lines))
            if state.state != "running":
                timer.cancel()

        draw(first, {})
        timer = ui.timer(_EVERY, tick, active=first.state == "running")


async def _stop(house: House, run: str, pressed: ui.button) -> None:
    try:
        await asyncio.to_thread(house.races.stop, run)
        pressed.set_text("Stopping: the best so far is made ready")
        pressed.disable()
    except ObjectifError as error:
        refused(error)


def _board(
    state: RunState, live: Live, note: Mapping[str, object], log: str, spread: Mapping[str, Ends]
) -> Markup:
    """All that the journal says, as HTML."""
    title, sign = objective(state.folder)
    lines = live.ranked(sign)
    parts: list[object] = [_head(state, live, lines, title, bool(note.get("stopping")))]
    if state.state == "failed" or (state.state == "stopped" and state.solution is None):
        parts.append(tag("p", state.error or "It ended without a Solution.", class_="verdict bad"))
    if any(line.mean is not None for line in lines) and state.state == "running":
        parts.append(standings.table(lines, live, title, spread))
        parts.append(
            tag("div", standings.losses(lines, title), plane.drawing(lines, live, title, sign), class_="two")
        )
    if state.state != "done" and (told := log.strip()):
        parts.append(tag("details", tag("summary", "What it says"), tag("pre", visible_lines(told))))
    return join(*parts)


def visible_lines(text: str) -> str:
    """Several lines, each safe to show."""
    return "\n".join(visible(line, 400) for line in text.splitlines()[-40:])


def _head(state: RunState, live: Live, lines: list[Line], title: str, stopping: bool) -> Markup:
    counts = {status: sum(line.status == status for line in lines) for status in ("ran", "dropped", "failed")}
    remaining = left(state.folder, live, state.budget)
    facts: list[tuple[str, object]] = [
        ("State", tag("span", "delivering" if stopping and state.state == "running" else state.state, class_=f"tag {state.state}")),
        ("Time left", f"{_clock(remaining)} of {_clock(state.budget)}" if remaining is not None and state.state == "running" else None),
        ("Candidates", f"{counts['ran']} ran, {counts['dropped']} dropped, {counts['failed']} failed" if lines else None),
        ("Leads", join(name(lines[0].candidate, 60), f" · {title} {lines[0].mean:.3f}")
         if lines and lines[0].mean is not None and state.state == "running" else None),
        ("At work", ", ".join(visible(r, 60) for r in live.running[:3]) if state.state == "running" and live.running else None),
    ]  # fmt: skip
    return tag("dl", [[tag("dt", k), tag("dd", v)] for k, v in facts if v is not None], class_="facts")


def _clock(seconds: float | None) -> str:
    return "" if seconds is None else f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _ended(state: RunState) -> None:
    """The report of the run, and the way to its Solution."""
    links = (
        [tag("a", "Open the Solution", href=f"/solution/{state.solution}", class_="button")]
        if state.solution
        else []
    )
    if (state.folder / LEADERBOARD).is_file():
        links.append(
            tag("a", "leaderboard.csv", href=f"/run-file/{state.name}/{LEADERBOARD}", class_="button second")
        )
    show(tag("div", links, class_="acts"))
    if (state.folder / REPORT).is_file():
        show(report_frame(state.name))


def report_frame(run: str) -> Markup:
    """A run's report, shut in: it may run its own script and reach nothing."""
    return tag(
        "iframe",
        src=f"/run-file/{run}/{REPORT}",
        class_="report",
        sandbox="allow-scripts",
        title="report of the race",
    )
