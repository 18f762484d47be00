"""The evidence statement: what a Solution promises, in words that a person can act on, as JSON-ready tables.

Written from the Solution file alone, so that whoever has the file has the evidence. Every sentence says of what it was
measured; nothing is said of a single patient, plant or picture, because what was measured is a share.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from objectif.problem.promises import Promise, parse
from objectif.promises.record import Record

PREVALENCES = (0.001, 0.01, 0.05, 0.1, 0.2, 0.5)
RESEARCH = "Research software, not a medical device, not for diagnosis."
_MEDICAL = re.compile(
    r"x-?ray|mri\b|\bct\b|dicom|tumou?r|cancer|carcin|glioma|mening|pituitar|pneumon|covid|lesion|patholog|patient|chest|"
    r"brain|retin|derma|melanom|blood|cell|nuclei|biops|histolog|radiolog|clinic|disease",
    re.IGNORECASE,
)
LIMITS = (
    "It holds for images drawn like those it was measured on: the same kind of subject, camera, place and season. "
    "objectif drift says whether new images still look like them, objectif evaluate whether labelled ones still keep it.",
    "It is a share of many images. Of one image it says nothing.",
    "Labels were taken as the truth: where they are wrong, so are these figures.",
)


def medical(*texts: str) -> bool:
    """Whether names speak of medicine; then the statement is marked, wrongly rather too often than too seldom."""
    return any(_MEDICAL.search(text.replace("_", " ")) for text in texts)


def statement(
    promises: Mapping[str, Any] | None,
    calibration: Mapping[str, Any] | None,
    gate: Mapping[str, Any] | None,
    card: Mapping[str, Any],
    classes: Sequence[str],
) -> dict[str, Any]:
    """JSON-ready: name, medical, kept, hold, data, promises (a table each), calibration, gate, limits, remedy."""
    data = card.get("data") if isinstance(card.get("data"), Mapping) else {}
    name = str(card.get("name", ""))
    records = [] if promises is None else [Record.from_dict(one) for one in promises["records"]]
    return {
        "name": name,
        "medical": RESEARCH if medical(name, str((data or {}).get("name", "")), *classes) else None,
        "kept": None if promises is None else bool(promises["kept"]),
        "hold": None if promises is None else promises.get("hold", "jointly"),
        "data": None if promises is None else promises.get("data"),
        "promises": [told(record) for record in records],
        "calibration": calibration,
        "gate": gate,
        "limits": list(LIMITS),
        "remedy": None
        if records
        else "Nothing is promised of its answers. State what must hold: objectif solve DATA --promise 'recall[CLASS] >= 0.95'.",
    }


def told(record: Record) -> dict[str, Any]:
    """One promise: its record, what it means, what it costs and, where that hangs on it, the NPV by prevalence."""
    promise = parse(record.promise)
    return {
        **record.to_dict(),
        "meaning": meaning(promise),
        "left": None if record.work_saved is None else round(1.0 - record.work_saved, 6),
        "npv": npv_table(promise, record),
    }


def meaning(promise: Promise) -> str:
    """The promise in plain words."""
    of, share, bound = promise.of, f"{promise.bound:.4g}", promise.bound
    percent = f"{100 * bound:.4g} in 100"
    each = {
        "recall": f"Of images that are truly {of}, at least {percent} are answered {of} or left to a person.",
        "specificity": f"Of images that are not {of}, at least {percent} are not answered {of}.",
        "precision": f"Of images answered {of}, at least {percent} are {of}.",
        "npv": f"Of images answered with anything but {of}, at least {percent} are truly not {of}.",
        "false_alarm_rate": f"Of images that are not {of}, at most {percent} are answered {of}.",
        "accuracy": f"Of images that are answered, at least {percent} are answered rightly.",
        "risk": f"The mean cost of an answer that is given is at most {share}.",
        "coverage": f"The set of classes that is given holds the truth for at least {percent} images.",
        "object_recall": f"Of the objects {of or ''}".rstrip()
        + f", at least {percent} are found, at {promise.at:.4g} false ones an image at most."
        if promise.at is not None
        else "",
        "missed_pixels": f"Of the pixels of {of or 'what is sought'}, at most {percent} are missed.",
        "missed_objects": f"Of the objects of {of or 'what is sought'}, at most {percent} are missed.",
        "interval_coverage": f"The interval that is given holds the truth for at least {percent} images.",
        "fpir": f"Of pictures of strangers, at most {percent} are given a name.",
    }
    if of is None and promise.kind == "recall":
        return f"Of anomalous pictures, at least {percent} are called anomalous."
    if of is None and promise.kind == "false_alarm_rate":
        return f"Of good pictures, at most {percent} are called anomalous."
    return each[promise.kind]


def npv_table(promise: Promise, record: Record) -> list[dict[str, float]] | None:
    """Rows prevalence, npv, ruled_out: how often 'not this class' is right where the class is rarer or commoner than here.

    The recall is its lower bound, so that the NPV is a bound too as far as the share of others ruled out is as here:
    NPV = sp (1 - p) / (sp (1 - p) + (1 - se) p). None where the promise is about something else, or is not kept.
    """
    if promise.kind != "recall" or promise.of is None or not record.kept or record.reached is None:
        return None
    own = record.positives / max(1, record.n)
    missed = 1.0 - (record.estimate or 0.0)
    if own >= 1:
        return None
    ruled = max(0.0, min(1.0, (record.work_saved - missed * own) / (1.0 - own)))
    rows = []
    for prevalence in sorted({*PREVALENCES, round(own, 4)}):
        right = ruled * (1.0 - prevalence)
        wrong = (1.0 - record.reached) * prevalence
        if right + wrong > 0:
            rows.append(
                {
                    "prevalence": prevalence,
                    "npv": round(right / (right + wrong), 5),
                    "ruled_out": round(right + (1.0 - (record.estimate or 0.0)) * prevalence, 4),
                }
            )
    return rows
