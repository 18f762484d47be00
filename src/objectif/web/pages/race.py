"""Race: the board as it runs, the time left, the end with the best so far; then the report of the finished run."""

from __future__ import annotations

import asyncio

from nicegui import ui

from objectif.errors import ObjectifError
from objectif.report.html import Markup, join, name, tag, visible
from objectif.runs.folder import LEADERBOARD, REPORT
from objectif.shell import RunState
from objectif.web.house import House
from objectif.web.live import Line, Live, Watch, left, objective
from objectif.web.pages import plane
from objectif.web.pages.frame import Frame, button, refused, show
from objectif.web.pages.home import run_item

_ROWS, _EVERY = 24, 1.0


def build(frame: Frame, house: House) -> None:
    """GET /race, GET /race/{name}."""
    watch = Watch()

    @frame.page("/race", "Races")
    def races() -> None:
        runs = house.races.all()
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

        def draw(state: RunState) -> None:
            stop.set_visibility(state.state == "running" and bool(house.races.note(run)))
            board = _board(state, watch.live(state.folder), house.races.note(run), house.races.log(run))
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
            draw(state)
            if state.state != "running":
                timer.cancel()

        draw(first)
        timer = ui.timer(_EVERY, tick, active=first.state == "running")


async def _stop(house: House, run: str, pressed: ui.button) -> None:
    try:
        await asyncio.to_thread(house.races.stop, run)
        pressed.set_text("Stopping: the best so far is made ready")
        pressed.disable()
    except ObjectifError as error:
        refused(error)


def _board(state: RunState, live: Live, note: dict[str, object], log: str) -> Markup:
    """All that the journal says, as HTML."""
    title, sign = objective(state.folder)
    lines = live.ranked(sign)
    parts: list[object] = [_head(state, live, lines, title, bool(note.get("stopping")))]
    if state.state == "failed" or (state.state == "stopped" and state.solution is None):
        parts.append(tag("p", state.error or "It ended without a Solution.", class_="verdict bad"))
    if any(line.mean is not None for line in lines) and state.state == "running":
        table = tag("div", _table(lines, live, title, sign), class_="scroll")
        parts.append(tag("section", tag("h2", "Candidates"), table, class_="panel"))
        parts.append(tag("div", _map(lines, title), plane.drawing(lines, live, title, sign), class_="two"))
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


def _table(lines: list[Line], live: Live, title: str, sign: float) -> Markup:
    """Candidates, best first."""
    values = [line.mean for line in lines if line.mean is not None]
    low, high = min(values), max(values)
    rows = []
    for rank, line in enumerate(lines[:_ROWS], 1):
        latency = live.latency(line)
        share = (
            100.0
            if high == low or line.mean is None
            else 100 * abs(line.mean - (low if sign > 0 else high)) / (high - low)
        )
        bar = (
            tag("div", tag("span", style=f"width:{max(2.0, share):.1f}%"), class_="bar")
            if line.mean is not None
            else None
        )
        fate = {"dropped": "fell out", "failed": "failed"}.get(
            line.status, "winner" if line.candidate == live.winner else ""
        )
        rows.append(tag(
            "tr", tag("td", rank, class_="soft"), tag("td", name(line.candidate, 52)),
            tag("td", "" if line.mean is None else f"{line.mean:.3f}", class_="number"), tag("td", bar),
            tag("td", len(line.values) or "", class_="number"), tag("td", "" if latency is None else f"{latency:.1f} ms", class_="number"),
            tag("td", fate, title=visible(line.reason, 200) or None),
        ))  # fmt: skip
    heads = ("", "candidate", title, "", "seeds", "an image", "")
    more = tag("caption", f"and {len(lines) - _ROWS} more", class_="note") if len(lines) > _ROWS else None
    return tag("table", more, tag("thead", tag("tr", [tag("th", h) for h in heads])), tag("tbody", rows))


def _map(lines: list[Line], title: str) -> Markup | None:
    """Loss by model: the best figure of each pair so far."""
    scored = [line for line in lines if line.mean is not None and line.model and line.loss]
    models, losses = (
        list(dict.fromkeys(getattr(line, key) for line in scored))[:n]
        for key, n in (("model", 6), ("loss", 14))
    )
    if len(models) < 2 or len(losses) < 2:
        return None
    best: dict[tuple[str, str], Line] = {}
    for line in scored:  # best first
        best.setdefault((line.model, line.loss), line)
    rows = []
    for loss in losses:
        cells = [best.get((model, loss)) for model in models]
        rows.append(
            tag(
                "tr",
                tag("th", name(loss, 30)),
                [tag("td", f"{c.mean:.3f}" if c else "", class_="number") for c in cells],
            )
        )
    head = tag("tr", tag("th"), [tag("th", name(m, 18), class_="number") for m in models])
    table = tag("table", tag("thead", head), tag("tbody", rows))
    return tag(
        "section", tag("h2", f"Loss × model: {title}"), tag("div", table, class_="scroll"), class_="panel"
    )


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
