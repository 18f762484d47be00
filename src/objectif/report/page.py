"""report.html: one file that says what a race found; it opens offline, prints, and asks no server.

The page forbids itself every request by a content policy (no script but its own, no picture but those
inside), so "self-contained" is enforced by the browser and not only intended here. All content is there
without JavaScript.
"""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from pathlib import Path

from objectif.report import (
    answer,
    board,
    confusion,
    evidence,
    exhibits,
    gallery,
    health,
    heat,
    pareto,
    reliability,
    reproduce,
    tables,
    why,
)
from objectif.report.html import Markup, raw, tag, visible
from objectif.report.material import Material, load
from objectif.runs.folder import LEADERBOARD, REPORT, RESULT, RunFolder

SECTIONS = (
    ("answer", "Answer", answer.section),
    ("promises", "Promises", evidence.section),
    ("leaderboard", "Leaderboard", board.section),
    ("claims", "What matters", tables.section),
    ("map", "Loss × model", heat.section),
    ("cost", "Cost", pareto.section),
    ("details", "Details", exhibits.details),
    ("cases", "Cases", exhibits.pictures),
    ("why", "Why", why.section),
    ("errors", "Errors", confusion.section),
    ("trust", "Trust", reliability.section),
    ("pictures", "Pictures", gallery.section),
    ("data", "Data", health.section),
    ("reproduce", "Reproduce", reproduce.section),
)


def write(folder: RunFolder) -> Path:
    """Write report.html of a finished run into its folder.

    Returns its path. RunError where there is no result.
    """
    return folder.write_text(REPORT, render(load(folder)))


def render(material: Material) -> str:
    """The whole page as text."""
    made = [(key, title, make(material)) for key, title, make in SECTIONS]
    shown = [(key, title, body) for key, title, body in made if body is not None]
    style, script = (files("objectif.report").joinpath(n).read_text("utf-8") for n in ("page.css", "page.js"))
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy(script)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", f"{visible(answer.data_name(material.result), 60)}: objectif report"),
        tag("style", raw(style)),
    )
    links = [tag("a", title, href=f"#{key}") for key, title, _ in shown]
    body = tag(
        "body",
        tag("header", tag("span", _mark(), "objectif", class_="mark"), tag("nav", links), class_="top"),
        tag("main", [part for _, _, part in shown]),
        _footer(material),
        tag("script", raw(script)),
    )
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def _policy(script: str) -> str:
    """Only what is inside the file: our style, our script by its hash, pictures as data."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _mark() -> Markup:
    """A lens seen from the front."""
    rings = [
        tag("circle", cx=12, cy=12, r=r, fill="none", stroke="currentColor", stroke_width=2)
        for r in (10, 5.5)
    ]
    pupil = tag("circle", cx=12, cy=12, r=1.8, fill="currentColor")
    return tag("svg", rings, pupil, viewBox="0 0 24 24", aria_hidden="true")


def _footer(material: Material) -> Markup:
    version = material.result.versions.get("objectif", "")
    words = f"Written by objectif {version}".strip()
    said = (
        f"{words}. One file, no network: it can be mailed and archived as it is. Pictures carry no metadata. "
    )
    return tag("footer", said, "Figures: ", tag("code", RESULT), " and ", tag("code", LEADERBOARD), ".")
