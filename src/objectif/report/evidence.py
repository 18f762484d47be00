"""The evidence statement as a page of its own, and as a section of the report: what is promised, on what, at what cost."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from objectif.problem.promises import parse
from objectif.promises.statement import statement
from objectif.report.html import Markup, join, name, raw, tag
from objectif.report.material import Material
from objectif.solution.file import Solution


def of(solution: Solution) -> dict[str, Any]:
    """The statement of a Solution, JSON-ready."""
    return statement(solution.promises, solution.calibration, solution.gate, solution.card, solution.classes)


def page(solution: Solution) -> str:
    """One HTML file that opens offline and asks no server."""
    told = of(solution)
    style = files("objectif.report").joinpath("page.css").read_text("utf-8")
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag(
            "meta",
            http_equiv="Content-Security-Policy",
            content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
        ),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", f"{told['name']}: evidence"),
        tag("style", raw(style)),
    )
    body = tag("body", tag("main", tag("section", tag("h1", "Evidence: ", name(told["name"])), _body(told))))
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def body(solution: Solution) -> Markup:
    """The statement without a heading, for a page that has one."""
    return _body(of(solution))


def section(material: Material) -> Markup | None:
    """The section of a run's report; None where nothing was promised."""
    result = material.result
    if result.promises is None:
        return None
    told = statement(result.promises, None, None, result.card, material.classes)
    return tag("section", tag("h2", "What is promised?"), _body(told), id="promises")


def _body(told: Mapping[str, Any]) -> Markup:
    return join(
        None if told["medical"] is None else tag("p", tag("b", told["medical"]), class_="verdict doubt"),
        None if told["remedy"] is None else tag("p", told["remedy"], class_="lead"),
        _together(told),
        [_promise(one) for one in told["promises"]],
        _calibration(told["calibration"]),
        _gate(told["gate"]),
        tag("h3", "What this does not say", style="margin-top:1.5rem"),
        tag("ul", [tag("li", sentence) for sentence in told["limits"]]),
    )


def _together(told: Mapping[str, Any]) -> Markup | None:
    """How many promises, how they hold, and on which images."""
    if not told["promises"]:
        return None
    data = told["data"] or {}
    groups = f" of {data['groups']} groups" if data.get("groups") else ""
    counts = ", ".join(f"{label} {n}" for label, n in (data.get("classes") or {}).items())
    hold = ""
    if len(told["promises"]) > 1:
        hold = " All hold together." if told["hold"] == "jointly" else " Each holds by itself."
    kept = "Every promise is kept." if told["kept"] else "Not every promise is kept."
    return join(
        tag("p", kept + hold, class_="lead"),
        tag(
            "p",
            f"Measured on {data.get('images', 0)} images{groups} of ",
            name(data.get("name", "")),
            f" that trained and chose nothing ({counts}), on {data.get('date', 'an unknown day')}.",
        ),
    )


def _promise(one: Mapping[str, Any]) -> Markup:
    """One promise with its figures."""
    unit = f" in {one['groups']} groups" if one["unit"] == "group" else ""
    facts = [
        ("It means", one["meaning"]),
        ("Images", f"{one['n']}, of which {one['positives']} {one['called']}{unit}"),
    ]
    if one["estimate"] is not None:
        facts.append(("Measured", f"{one['estimate']:.3f}"))
        facts.append((_proved(one), f"{one['reached']:.3f} with {100 * one['used']:.4g} % confidence"))
    if one["kept"]:
        saved = f"{one['work_saved']:.1%} of the images ({one['work_low']:.1%} to {one['work_high']:.1%})"
        facts.append(("Work saved", saved))
        facts.append(("Left to a person", f"{one['left']:.1%} of the images"))
    return tag(
        "div",
        tag("h3", name(one["promise"], 120), " is kept" if one["kept"] else " is not kept"),
        tag("p", _capital(one["sentence"]), class_="verdict" if one["kept"] else "verdict bad"),
        tag("dl", [[tag("dt", head), tag("dd", body)] for head, body in facts], class_="facts"),
        _npv(one),
        class_="exhibit",
    )


def _proved(one: Mapping[str, Any]) -> str:
    return "Proved, at least" if parse(one["promise"]).up else "Proved, at most"


def _capital(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def _npv(one: Mapping[str, Any]) -> Markup | None:
    """The table of NPV by prevalence."""
    if not one["npv"]:
        return None
    head = tag("tr", [tag("th", text) for text in ("prevalence", "NPV at least", "ruled out")])
    rows = [
        tag(
            "tr",
            tag("td", f"{row['prevalence']:.2%}"),
            tag("td", f"{row['npv']:.2%}"),
            tag("td", f"{row['ruled_out']:.1%}"),
        )
        for row in one["npv"]
    ]
    said = "How often an answer other than this class is right, by how common the class is where it is used:"
    table = tag("table", tag("thead", head), tag("tbody", rows), class_="sheet")
    return join(tag("p", said, style="margin-top:1rem"), table)


def _calibration(values: Mapping[str, Any] | None) -> Markup | None:
    if not values:
        return None
    of_images = {"test": "test images", "out-of-fold": "images held out in turn"}
    where = of_images.get(str(values.get("of")), str(values.get("of")))
    lines = [
        f"{title} {_span(values[key])}"
        for key, title in (("ece", "expected calibration error"), ("brier", "Brier score"))
        if isinstance(values.get(key), Mapping)
    ]
    if not lines:
        return None
    return join(
        tag("h3", "Probabilities", style="margin-top:1.5rem"),
        tag("p", f"On {values.get('n')} {where}: {', '.join(lines)} (95 % intervals)."),
    )


def _gate(values: Mapping[str, Any] | None) -> Markup | None:
    if not values:
        return None
    return join(
        tag("h3", "Inputs", style="margin-top:1.5rem"),
        tag(
            "p",
            "Images of another kind than those it was fitted on are not answered for: predict marks them 'reject'.",
        ),
    )


def _span(values: Mapping[str, Any]) -> str:
    if values.get("low") is None:
        return f"{values['estimate']:.3f}"
    return f"{values['estimate']:.3f} [{values['low']:.3f}, {values['high']:.3f}]"
