"""Health as JSON-ready values: what scripts and other rooms read."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from objectif.health.duplicates import Ints, members
from objectif.health.words import shown

if TYPE_CHECKING:
    from objectif.health.inspect import Health

VERSION = 1


def record(health: Health) -> dict[str, object]:
    """Plain numbers, strings, lists and dictionaries; images by path; unprintable characters spelled out."""
    paths = [shown(p) for p in health.paths]

    def named(ids: Ints) -> list[list[str]]:
        return [[paths[int(r)] for r in group] for group in members(ids)]

    def rows(found: tuple[int, ...]) -> list[str]:
        return [paths[r] for r in found]

    return {
        "version": VERSION,
        "name": shown(health.name),
        "layout": health.layout,
        "classes": [shown(c) for c in health.classes],
        "worries": [
            {
                "kind": w.kind,
                "sentence": w.sentence,
                "remedy": w.remedy,
                "images": [rows(group) for group in w.rows],
            }
            for w in health.worries
        ],
        "notes": [shown(n) for n in health.notes],
        "counts": health.counts.to_dict(),
        "objects": None if health.objects is None else health.objects.to_dict(paths),
        "masks": None if health.masks is None else health.masks.to_dict(paths),
        "turn": None if health.turn is None else health.turn.to_dict(),
        "unreadable": {shown(p): shown(why) for p, why in health.unreadable.items()},
        "duplicates": {"same": named(health.same), "near": named(health.near)},
        "leakage": health.leakage.to_dict(),
        "groups": _grouping(health),
        "series": [
            {"folder": shown(s.folder), **asdict(s.evidence), "examples": [rows(pair) for pair in s.examples]}
            for s in health.series
        ],
        "doubts": _doubts(health, paths),
        "confounds": [asdict(c) for c in health.confounds],
        "shifts": [{**asdict(s), "worrying": s.worrying} for s in health.shifts],
        "seconds": round(health.seconds, 2),
    }


def _grouping(health: Health) -> dict[str, object] | None:
    found = health.grouping
    if found is None:
        return None
    return {"regex": found.regex, "count": found.count, "folder": found.folder, **asdict(found.evidence)}


def _doubts(health: Health, paths: list[str]) -> dict[str, object] | None:
    found = health.doubts
    if found is None:
        return None
    images = [
        {
            "path": paths[d.row],
            "given": shown(d.given),
            "looks": shown(d.looks),
            "given_probability": round(d.given_probability, 4),
            "looks_probability": round(d.looks_probability, 4),
            "wrong": round(d.wrong, 4),
        }
        for d in found.shown
    ]
    return {
        "source": found.source,
        "accuracy": round(found.accuracy, 4),
        "baseline": round(found.baseline, 4),
        "wrong": round(found.wrong, 1),
        "likely": found.likely,
        "p": found.p,
        "worrying": found.worrying,
        "images": images,
    }
