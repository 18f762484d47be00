"""Advice: what it is, what it could be, what has to be settled; and the Solution's own judgement goes before."""

from __future__ import annotations

import numpy as np

from objectif.answers import Judgement, Label
from objectif.apps.lens.rules import Other, Rules, confused
from objectif.apps.lens.taxonomy import Tree

LABELS = ("daisy", "dandelion", "rose")
MET = {"daisy": {"dandelion": (4, 40), "rose": (1, 40)}}
RULES = Rules(Tree(LABELS, {"daisy": "asters", "dandelion": "asters"}), 0.7, MET)


def label(*scores: float, judgement: Judgement | None = None) -> Label:
    return Label("a.jpg", LABELS, np.array(scores, np.float32), ("daisy",), judgement)


def test_a_sure_label_tells_what_it_was_confused_with() -> None:
    found = RULES.advise(label(0.98, 0.01, 0.01))
    assert (found.kind, found.node) == ("label", "daisy")
    assert [other.label for other in found.others] == ["dandelion"]  # 4 of 40; one of 40 is not worth a word
    assert found.others[0].met == (4, 40)
    assert found.between == ()


def test_an_unsure_lens_backs_off_and_asks_for_a_photo() -> None:
    found = RULES.advise(label(0.5, 0.45, 0.05))
    assert (found.kind, found.node) == ("group", "asters")
    assert round(found.probability, 6) == 0.95
    assert [other.label for other in found.others] == ["daisy", "dandelion", "rose"]
    assert found.between == ("daisy", "dandelion")


def test_where_nothing_is_sure_the_likeliest_is_no_answer() -> None:
    found = RULES.advise(label(0.4, 0.05, 0.55))
    assert (found.kind, found.node, found.likeliest) == ("unsure", None, "rose")
    assert found.others == (Other("daisy", 0.4000000059604645), Other("dandelion", 0.05000000074505806))


def test_what_the_solution_rejects_or_defers_is_not_answered() -> None:
    out = RULES.advise(label(0.98, 0.01, 0.01, judgement=Judgement("reject", "not like what it knows")))
    assert (out.kind, out.node, out.reason, out.others) == ("unknown", None, "not like what it knows", ())
    later = RULES.advise(label(0.98, 0.01, 0.01, judgement=Judgement("defer", "a person decides")))
    assert (later.kind, later.node, later.reason) == ("unsure", None, "a person decides")
    fine = RULES.advise(label(0.98, 0.01, 0.01, judgement=Judgement("answer", "kept")))
    assert (fine.kind, fine.reason) == ("label", "")


def test_confusions_are_counted_by_what_was_answered() -> None:
    scores = np.eye(3)[[0, 0, 0, 1, 2]]
    found = confused(LABELS, scores, np.array([0, 1, 1, 1, 0]))
    assert found == {"daisy": {"dandelion": (2, 3)}, "dandelion": {}, "rose": {"daisy": (1, 1)}}
