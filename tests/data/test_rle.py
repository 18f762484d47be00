"""COCO's run lengths: both directions, both forms, against the reference where it is installed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from objectif.data import rle
from objectif.errors import DataError

masks = npst.arrays(np.bool_, npst.array_shapes(min_dims=2, max_dims=2, max_side=40), elements=st.booleans())


@given(masks)
def test_what_is_encoded_is_decoded(mask):
    coded = rle.encode(mask)
    assert coded["size"] == list(mask.shape)
    assert np.array_equal(rle.decode(coded), mask)
    plain = {"size": coded["size"], "counts": rle.runs(mask)}
    assert np.array_equal(rle.decode(plain), mask)
    assert rle.lengths(coded["counts"]) == tuple(plain["counts"])


@given(masks)
def test_the_text_is_that_of_the_coco_api(mask):
    api = pytest.importorskip("faster_coco_eval.core.mask")
    theirs = api.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"]
    assert rle.encode(mask)["counts"] == (theirs.decode() if isinstance(theirs, bytes) else theirs)


@given(st.lists(st.integers(0, 2**31), max_size=12))
def test_long_runs_survive_the_text(counts):
    assert rle.lengths(rle.text(counts)) == tuple(counts)


def test_a_mask_of_nothing_and_one_of_everything():
    assert rle.runs(np.zeros((2, 3), bool)) == [6]
    assert rle.runs(np.ones((2, 3), bool)) == [0, 6]
    assert rle.runs(np.zeros((0, 3), bool)) == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"size": [2, 2], "counts": [1, 2]}, "runs of 3 pixels in all; expected 4"),
        ({"size": [2], "counts": [1, 2]}, "size is"),
        ({"size": [2, 2], "counts": None}, "counts is None"),
        ({"size": [2, 2], "counts": [5, -1]}, "the length -1"),
        ({"size": [2, 2], "counts": "1!"}, "'!' as character 2"),
        ({"size": [2, 2], "counts": "P"}, "cut off"),
    ],
)
def test_what_is_no_mask_is_refused_with_its_place(wrong, said):
    with pytest.raises(DataError, match=r"^a\.json, annotation 3: ") as caught:
        rle.decode(wrong, "a.json, annotation 3")
    assert said in str(caught.value)
