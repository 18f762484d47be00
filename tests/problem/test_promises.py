"""The grammar of promises: what can be read, and what is said of what cannot."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from objectif.errors import ProblemError
from objectif.problem.promises import KINDS, Promise, parse, validate

PLAIN = ("normal", "pneumonia")
SHARES = st.floats(1e-6, 1 - 1e-6)
NAMES = st.text(
    st.characters(codec="utf-8", categories=("L", "N", "P", "Zs")), min_size=1, max_size=12
).filter(lambda name: name.strip() == name)


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(sorted(KINDS)),
    of=st.none() | NAMES,
    bound=SHARES,
    confidence=SHARES,
    unit=st.sampled_from(["group", "image"]),
    at=st.floats(0.01, 100),
)
def test_a_promise_survives_its_own_text(kind, of, bound, confidence, unit, at):
    promise = Promise(kind, of, bound, confidence, unit, at if kind == "object_recall" else None)
    assert parse(str(promise)) == promise


@pytest.mark.parametrize(
    ("text", "promise"),
    [
        ("recall[pneumonia] >= 0.95", Promise("recall", "pneumonia", 0.95)),
        ("Sensitivity[pneumonia]>=95%", Promise("recall", "pneumonia", 0.95)),
        ("false_alarm_rate <= 0.01", Promise("false_alarm_rate", None, 0.01)),
        ("coverage >= 0.9 with 99% confidence", Promise("coverage", None, 0.9, 0.99)),
        (
            "recall[RBC] >= 0.9 at 1 false positives per image",
            Promise("object_recall", "RBC", 0.9, at=1.0),
        ),
        (
            "recall >= 0.9 at 0.5 false positives per image with 90% confidence per image",
            Promise("object_recall", None, 0.9, 0.9, "image", 0.5),
        ),
        ("precision[a [old] one] >= .8 per image", Promise("precision", "a [old] one", 0.8, unit="image")),
        ("risk <= 1.5", Promise("risk", None, 1.5)),
    ],
)
def test_what_people_write(text, promise):
    assert parse(text) == promise


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("recal[pneumonia] >= 0.95", "no promise of the kind 'recal'.*did you mean 'recall'"),
        ("recall[pneumonia] > 0.95", "cannot be read; expected such as 'recall"),
        (
            "recall[pneumonia] >= 1",
            "the bound is 1; expected a number between 0 and 1, because no number of images",
        ),
        ("false_alarm_rate <= 0", "the bound is 0; .* because no number of images can prove 0"),
        ("recall[pneumonia] >= 0", "because every rule keeps that"),
        ("recall[pneumonia] >= 95", "because it is a share"),
        ("risk <= 0", "expected a cost above 0"),
        ("coverage >= 0.9 with 100% confidence", "the confidence is 1; expected a number between 0 and 1"),
        ("coverage >= 0.9 with 95 confidence", "the confidence is 95; expected a number between 0 and 1"),
        ("coverage <= 0.9", "coverage is promised to be at least a bound; write 'coverage >= 0.9'"),
        ("false_alarm_rate >= 0.01", "at most a bound; write 'false_alarm_rate <= 0.01'"),
        ("object_recall >= 0.9", "write 'object_recall >= 0.9 at 1 false positives per image'"),
        ("coverage >= 0.9 at 1 false positives per image", "belong to the recall of objects"),
        ("object_recall >= 0.9 at 0 false positives per image", "expected a number above 0"),
        ("recall[] >= 0.9", "names no class between the brackets"),
        ("recall[a] >= 0.9 per patient", "'per patient' is no unit; expected 'per group' or 'per image'"),
        ("recall[a] >= 0.9.5", "'0.9.5' is no number"),
    ],
)
def test_what_cannot_be_promised(text, said):
    with pytest.raises(ProblemError, match=said):
        parse(text)


@pytest.mark.parametrize(
    ("texts", "task", "classes", "said"),
    [
        (["recall[pnuemonia] >= .9"], "classify", PLAIN, "no class 'pnuemonia'.*did you mean 'pneumonia'"),
        (
            ["recall >= .9"],
            "classify",
            ("a", "b", "c"),
            r"which of 3 classes it is about; write 'recall\[a\] >= 0.9'",
        ),
        (
            ["coverage[a] >= .9"],
            "classify",
            ("a", "b"),
            r"is about all classes together; write it without \[a\]",
        ),
        (
            ["fpir <= .01"],
            "classify",
            PLAIN,
            "does not fit the task 'classify'; it can promise recall, specificity",
        ),
        (["recall >= .9"], "restore", (), "nothing can be promised of its answers"),
        (
            ["recall[RBC] >= .9"],
            "detect",
            ("RBC",),
            "write 'recall.RBC. >= 0.9 at 1 false positives per image'",
        ),
        (
            ["recall[dent] >= .9"],
            "anomaly",
            ("good", "dent"),
            r"anomalies as a whole; write it without \[dent\]",
        ),
        (["recall[a] >= .9", "recall[a] >= .9"], "classify", ("a", "b"), "is made twice; leave one out"),
        (
            ["recall[pneumonia] >= .9", "recall[pneumonia] >= .95"],
            "classify",
            PLAIN,
            r"'recall\[pneumonia\] >= 0.95' is enough, because it holds the other",
        ),
        (
            ["false_alarm_rate <= .05", "false_alarm_rate[pneumonia] <= .01"],
            "classify",
            PLAIN,
            "<= 0.01' is enough",
        ),
        (
            ["coverage >= .95", "coverage >= .9 with 99% confidence"],
            "classify",
            PLAIN,
            "are about the same; expected one bound, one confidence",
        ),
    ],
)
def test_what_does_not_fit_the_problem(texts, task, classes, said):
    with pytest.raises(ProblemError, match=said):
        validate([parse(text) for text in texts], task, classes)


def test_sets_are_of_images_with_one_class():
    with pytest.raises(ProblemError, match="images of one class each, and these have several"):
        validate([parse("coverage >= .9")], "classify", ("a", "b"), multilabel=True)


def test_of_two_classes_the_second_is_looked_for():
    (promise,) = validate([parse("recall >= .9")], "classify", PLAIN)
    assert promise.of == "pneumonia"
