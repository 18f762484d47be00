"""Problem: the statement as a form and as the text of problem.toml, each the other's mirror; then the race."""

from __future__ import annotations

import asyncio
from typing import Any

from nicegui import ui

from objectif.errors import ObjectifError, ProblemError
from objectif.problem import Problem, read
from objectif.problem import write as write_problem
from objectif.problem.values import LIMITS, TASKS
from objectif.report.html import name, tag
from objectif.web.house import House
from objectif.web.material import Material, stated
from objectif.web.pages.frame import Frame, button, command, show

_BUDGETS = {
    "30s": "30 seconds, a first look",
    "2m": "2 minutes",
    "5m": "5 minutes",
    "20m": "20 minutes",
    "1h": "an hour",
}
_LIMIT_WORDS = {
    "latency_ms": "at most, ms an image",
    "size_mb": "at most, MB of the file",
    "memory_mb": "at most, MB of memory",
}


def build(frame: Frame, house: House) -> None:
    """GET /problem/{key}."""

    @frame.page("/problem/{key}", "Problem")
    async def problem(key: str) -> None:
        material = await asyncio.to_thread(house.materials.one, key)
        place = await asyncio.to_thread(house.materials.statement, material)
        show(tag("h1", "The problem"), tag("p", "What is to be told from ", name(material.path.name), ", and what it may cost. "
             "The form and the text are one: change either.", class_="soft"))  # fmt: skip
        Editor(house, material, place.read_text(encoding="utf-8")).draw()


class Editor:
    """The form, the text and what is wrong with it, for one visitor."""

    def __init__(self, house: House, material: Material, text: str) -> None:
        self.house, self.material, self.written = house, material, text
        self.place = house.materials.statement(material)
        self.fields: dict[str, Any] = {}

    def draw(self) -> None:
        """Put it on the page."""
        with ui.element("div").classes("two"):
            with ui.element("section").classes("panel"):
                show(tag("h2", "As a form"))
                with ui.element("div").classes("form"):
                    self._form(read(self.place))
                self.said = ui.element("div")
                with ui.element("div").classes("acts"):
                    self.go = button("Start the race", self._race)
                show(tag("p", "The same on the command line:", class_="note"))
                show(command("objectif", "solve", str(self.place)))
            with ui.element("section").classes("panel"):
                show(tag("h2", "As problem.toml"))
                self.text = ui.textarea(value=self.written, on_change=self._typed).classes("toml")
                self.text.props('outlined debounce=500 spellcheck=false aria-label="problem.toml"')

    def _form(self, problem: Problem) -> None:
        budgets, budget = _budgets(problem.budget)
        self._choice("task", "what to tell", list(TASKS), problem.task)
        self._line("metric", "what decides: the metric", problem.metric)
        self._choice("budget", "time for all", budgets, budget)
        self._line("group", "not to be cut (regex)", problem.group or "")
        for limit in LIMITS:
            self._line(
                limit, _LIMIT_WORDS[limit], f"{problem.limits[limit]:g}" if limit in problem.limits else ""
            )
        self._line("seed", "seed", str(problem.seed))
        self._line("promises", "promises, such as recall[rose] >= 0.9; the next", "; ".join(problem.promises))
        self.fields["promises"].classes("wide")

    def _choice(self, key: str, words: str, options: Any, value: Any) -> None:
        self.fields[key] = ui.select(options, value=value, label=words, on_change=self._filled).props(
            "outlined dense options-dense"
        )

    def _line(self, key: str, words: str, value: str) -> None:
        self.fields[key] = ui.input(words, value=value, on_change=self._filled).props(
            "outlined dense debounce=400"
        )

    def _filled(self) -> None:
        """The form has changed: the text follows, or what is wrong is said at its field."""
        if self._busy:
            return
        told = {
            key: str(field.value).strip()
            for key, field in self.fields.items()
            if str(field.value or "").strip()
        }
        try:
            base = read(self.place)
            limits = {limit: float(told[limit]) for limit in LIMITS if limit in told}
            changed = Problem(
                **{**base.to_dict(), **_given(told), "limits": limits, "group": told.get("group")}
            )
            changed.check()
            write_problem(changed, self.place, self.house.materials.dataset(self.material))
        except (ProblemError, ValueError) as error:
            self._say(str(error))
            return
        self._busy = True
        self.text.value = self.written = self.place.read_text(encoding="utf-8")
        self._busy = False
        self._say("")

    _busy = False

    def _typed(self) -> None:
        """The text has changed: the form follows, or what is wrong is said with its line."""
        if self._busy or self.text.value == self.written:
            return
        try:
            found = stated(self.place, self.text.value or "")
        except ObjectifError as error:
            self._say(str(error))
            return
        self.written = self.text.value or ""
        self._busy = True
        for key in ("task", "metric", "seed"):
            self.fields[key].value = str(getattr(found, key)) if key != "task" else found.task
        budgets, budget = _budgets(found.budget)
        self.fields["budget"].set_options(budgets, value=budget)
        self.fields["group"].value = found.group or ""
        self.fields["promises"].value = "; ".join(found.promises)
        for limit in LIMITS:
            self.fields[limit].value = f"{found.limits[limit]:g}" if limit in found.limits else ""
        self._busy = False
        self._say("")

    def _say(self, words: str) -> None:
        self.said.clear()
        self.go.set_enabled(not words)
        with self.said:
            show(tag("p", words, class_="verdict bad", role="alert") if words else None)

    async def _race(self) -> None:
        try:
            started = await asyncio.to_thread(self.house.start, self.place)
        except ObjectifError as error:
            self._say(str(error))
            return
        ui.navigate.to(f"/race/{started.name}")


def _given(told: dict[str, str]) -> dict[str, Any]:
    """The form's words as values of a Problem."""
    found: dict[str, Any] = {key: told[key] for key in ("task", "metric", "budget") if key in told}
    if "seed" in told:
        found["seed"] = int(told["seed"])
    found["promises"] = [one.strip() for one in told.get("promises", "").split(";") if one.strip()]
    return found


def _budgets(seconds: float) -> tuple[dict[str, str], str]:
    """(what the form offers, which of them is meant); a budget of one's own is offered too."""
    chosen = next((key for key in _BUDGETS if _seconds(key) == seconds), f"{seconds:g}s")
    return {**_BUDGETS, chosen: _BUDGETS.get(chosen, f"{seconds:g} seconds")}, chosen


def _seconds(budget: str) -> float:
    return float(budget[:-1]) * {"s": 1, "m": 60, "h": 3600}[budget[-1]]
