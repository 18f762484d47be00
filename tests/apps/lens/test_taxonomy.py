"""The tree: a node has the sum of its labels; what is answered is sure, and nothing below it is."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from objectif.apps.lens.taxonomy import NOBODY, Tree

LABELS = ("daisy", "dandelion", "sunflower", "rose", "tulip")
PARENTS = {
    "daisy": "bellis",
    "bellis": "asters",
    "dandelion": "asters",
    "sunflower": "asters",
    "rose": "rosaceae",
}
TREE = Tree(LABELS, PARENTS)


def answer(scores: list[float], threshold: float) -> str | None:
    found = int(TREE.answered(TREE.masses(np.array([scores])), threshold)[0])
    return None if found == NOBODY else TREE.nodes[found]


def test_it_backs_off_to_the_deepest_node_that_is_sure() -> None:
    scores = [0.5, 0.3, 0.1, 0.06, 0.04]
    assert answer(scores, 0.4) == "daisy"
    assert answer(scores, 0.6) == "asters"
    assert answer(scores, 0.95) is None
    assert TREE.nodes[5:] == ("bellis", "asters", "rosaceae")


def test_a_threshold_of_nought_answers_the_likeliest_label() -> None:
    assert answer([0.1, 0.2, 0.2, 0.1, 0.4], 0.0) == "tulip"


scores = st.lists(st.floats(0.001, 1), min_size=5, max_size=5).map(lambda v: np.array(v) / np.sum(v))


@given(scores, st.floats(0, 1))
def test_what_is_answered_is_sure_and_nothing_below_it_is(row: np.ndarray, threshold: float) -> None:
    masses = TREE.masses(row[None])
    found = int(TREE.answered(masses, threshold)[0])
    sure = masses[0] >= threshold - 1e-6
    if found == NOBODY:
        assert not sure.any()
        return
    assert sure[found]
    below = [k for k, node in enumerate(TREE.nodes) if k != found and TREE.nodes[found] in TREE.way(node)]
    assert not sure[below].any()


@given(scores, st.floats(0.51, 1), st.floats(0.51, 1))
def test_above_one_half_a_surer_answer_holds_the_bolder_one(row: np.ndarray, one: float, two: float) -> None:
    masses = TREE.masses(row[None])
    bold, careful = (int(TREE.answered(masses, t)[0]) for t in sorted((one, two)))
    if careful != NOBODY:
        assert (TREE.holds[bold] <= TREE.holds[careful]).all()
