"""How to get these figures again: the command, the seeds, the versions, the data's fingerprint, the split."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from objectif.report.html import Markup, join, name, tag
from objectif.report.material import Material
from objectif.report.numbers import count, duration
from objectif.runs.folder import SPLITS

_SAID = (
    "The same command with the same data and versions gives the same splits and candidates; how far a "
    "budget in seconds reaches depends on the machine."
)


def section(material: Material) -> Markup:
    """Everything that fixes the run, as a <section>."""
    result = material.result
    versions = [
        join(" · " if k else "", f"{key} ", name(v))
        for k, (key, v) in enumerate(sorted(result.versions.items()))
    ]
    facts: list[tuple[str, object]] = [
        ("Data", name(result.problem.get("data", "not recorded"), 120)),
        (
            "Fingerprint",
            tag("code", name(result.data_fingerprint, None)) if result.data_fingerprint else None,
        ),
        ("Split", _split(material)),
        ("Seeds", ", ".join(map(str, result.seeds)) or None),
        ("Race", f"{count(len(result.leaderboard), 'candidate')} in {duration(result.elapsed_s)}"),
        ("Versions", versions or None),
    ]
    return tag(
        "section",
        tag("h2", "How to reproduce"),
        tag("p", _SAID, class_="soft"),
        tag("pre", name(result.command, None)) if result.command else None,
        tag(
            "dl",
            [[tag("dt", head), tag("dd", body)] for head, body in facts if body is not None],
            class_="facts",
        ),
        _card(result.card),
        id="reproduce",
    )


def _split(material: Material) -> Markup:
    """Where the split came from, in words."""
    split: Mapping[str, Any] = material.result.split or material.splits or {}
    origin = split.get("origin")
    parts = [name(origin, 200) if origin else join("not recorded")]
    if isinstance(split.get("folds"), int):
        parts.append(join(f"; {count(int(split['folds']), 'fold')}"))
    if split.get("seed") is not None:
        parts.append(join("; seed ", name(split["seed"])))
    if material.splits is not None:
        parts.append(join("; image by image in ", tag("code", SPLITS)))
    return join(*parts)


def _card(card: Mapping[str, Any]) -> Markup | None:
    """What the Solution's card says: simple values as they are, nested ones flattened one level."""
    facts: list[Markup] = []
    for key, value in card.items():
        said = _entries(value) or (name(words, 500) if (words := _words(value)) else None)
        if said is not None:
            facts += [tag("dt", name(str(key).replace("_", " "))), tag("dd", said)]
    if not facts:
        return None
    return tag(
        "div",
        tag("h3", "The card in the Solution file", style="margin-top:1.5rem"),
        tag("dl", facts, class_="facts"),
    )


def _entries(value: Any) -> Markup | None:
    """A list of tables or sentences (weights, figures, cautions) line by line; None for anything else."""
    if not isinstance(value, (list, tuple)) or not any(
        isinstance(v, Mapping) or len(str(v)) > 40 for v in value
    ):
        return None
    lines = [name(words, 700) for v in value if (words := _words(v))]
    return tag("ul", [tag("li", line) for line in lines]) if lines else None


def _words(value: Any) -> str:
    """A value of the card as one line."""
    if isinstance(value, Mapping):
        return "; ".join(f"{k}: {_words(v)}" for k, v in value.items() if _words(v))
    if isinstance(value, (list, tuple)):
        return ", ".join(_words(v) for v in value)
    if isinstance(value, float):
        return f"{value:.4g}"
    return "" if value is None else str(value)
