"""What the data check said: worries first, each with its remedy; counts after.

health.json is written by another room and read here without trust in its exact shape: a worry may be a
sentence or an object, and what is not understood is left out rather than shown raw.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from objectif.report.html import Markup, join, name, tag
from objectif.report.material import Material

MOST = 30  # worries
EXAMPLES = 3  # pictures named for each


def section(material: Material) -> Markup:
    """The data check, the split and the notes of the race as a <section>."""
    worries = _worries(material.health)
    if material.health is None:
        words = (
            "The data were not checked in this run. `objectif inspect` looks for duplicates, leakage, "
            "doubtful labels and confounds."
        )
    elif not worries:
        words = (
            "The check of the data found nothing to worry about: no duplicates across splits, no leakage, "
            "no confounds that it can see."
        )
    else:
        words = "Read this before you trust the figures above."
    shown = [tag("li", item) for item in worries[:MOST]]
    if len(worries) > MOST:
        shown.append(tag("li", f"and {len(worries) - MOST} more: run `objectif inspect` to see them"))
    return tag(
        "section",
        tag("h2", "What the data check said"),
        tag("p", words, class_="soft"),
        tag("ul", shown, class_="worries") if shown else None,
        _notes(material),
        id="data",
    )


def _worries(health: Any) -> list[Markup]:
    """Every worry as markup."""
    found = (
        health.get("worries", [])
        if isinstance(health, Mapping)
        else health
        if isinstance(health, list)
        else []
    )
    return [item for item in map(_worry, found if isinstance(found, list) else []) if item is not None]


def _worry(worry: Any) -> Markup | None:
    """One worry: title, text, remedy; whichever there are."""
    if isinstance(worry, str):
        return name(worry, 600)
    if not isinstance(worry, Mapping):
        return None
    title, remedy = worry.get("title"), worry.get("remedy")
    text = worry.get("text") or worry.get("sentence")
    if not (title or text):
        return None
    return join(
        tag("b", name(title, 160)) if title else None,
        tag("p", name(text, 600)) if text else None,
        _examples(worry.get("images")),
        tag("p", "Remedy: ", name(remedy, 400), class_="note") if remedy else None,
    )


def _examples(images: Any) -> Markup | None:
    """The first pictures that show a worry; a pair or group of them stands together."""
    if not isinstance(images, list) or not images:
        return None
    groups = [g if isinstance(g, list) else [g] for g in images[:EXAMPLES]]
    words = "; ".join(" = ".join(str(path) for path in group[:3]) for group in groups if group)
    more = f"; and {len(images) - EXAMPLES} more" if len(images) > EXAMPLES else ""
    return tag("p", name(words, 400), more, class_="note") if words else None


def _notes(material: Material) -> Markup | None:
    """What the race said about the data and about itself."""
    split = material.result.split
    checked = material.health.get("notes") if isinstance(material.health, Mapping) else None
    found = (
        *material.result.notes,
        *(split.get("notes") or ()),
        *(checked if isinstance(checked, list) else ()),
    )
    notes = [str(n) for n in found if isinstance(n, str)]
    if not notes:
        return None
    items = [tag("li", name(note, 600)) for note in dict.fromkeys(notes)]
    return tag("div", tag("h3", "Notes", style="margin-top:1.3rem"), tag("ul", items[:40], class_="soft"))
