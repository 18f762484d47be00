"""The card: JSON-ready, and every fact of it is shown to people."""

from __future__ import annotations

import json

from objectif.solution.card import Card, Figure, fingerprint, lines

CARD = Card(
    name="weeds",
    data={"name": "weeds", "fingerprint": "abc", "images": 200, "classes": {"dock": 120, "thistle": 80}},
    candidate={"approach": "frozen", "model": "lite0", "loss": "focal"},
    figures=[Figure("accuracy", 0.8754321, 0.82, 0.91, n=200, groups=200)],
    weights=[{"name": "lite0", "licence": "Apache-2.0"}],
    limits={"latency_ms": {"asked": 30.0, "measured": 12.5}},
    cautions=["few images of thistle"],
)


def test_it_survives_json() -> None:
    assert json.loads(json.dumps(CARD.to_dict())) == json.loads(json.dumps(CARD.to_dict(), sort_keys=True))
    assert fingerprint(json.loads(json.dumps(CARD.to_dict()))) == "abc"


def test_every_fact_is_shown() -> None:
    shown = "\n".join(lines(CARD.to_dict()))
    for fact in (
        "0.8754",
        "0.82",
        "Apache-2.0",
        "dock 120",
        "asked 30",
        "few images of thistle",
        "feasible: yes",
    ):
        assert fact in shown


def test_any_mapping_can_be_shown() -> None:
    assert lines({}) == []
    assert lines({"a": None, "b": [], "c": {"d": {"e": [[1]]}}})[:2] == ["a: -", "b: none"]
    assert fingerprint({"data": 3}) is None
