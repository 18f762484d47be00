"""Promises of classification, from scores and truth to judgements."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from objectif.errors import ProblemError, SolutionError
from objectif.problem.promises import parse
from objectif.promises import Outcome, Rule, check, fit, work
from objectif.promises.bounds import most

from .worlds import CLASSES, several, two

KINDS = (
    "recall[pneumonia] >= 0.9",
    "specificity[pneumonia] >= 0.9",
    "precision[pneumonia] >= 0.9",
    "npv[pneumonia] >= 0.9",
    "false_alarm_rate[pneumonia] <= 0.1",
    "coverage >= 0.9",
    "accuracy >= 0.9",
    "risk <= 0.1",
)


def one(text, data, **more):
    outcome = fit([parse(text)], data, **more)
    return outcome, outcome.records[0]


@pytest.mark.parametrize("text", KINDS)
@pytest.mark.parametrize("group", [1, 3])
def test_what_is_kept_on_calibration_images_is_kept_on_others(text, group):
    outcome, record = one(text, two(1500, group=group))
    assert outcome.kept, record.sentence
    bound = parse(text).bound
    assert record.reached >= bound if parse(text).up else record.reached <= bound
    assert 0 < record.work_low <= record.work_saved <= record.work_high
    assert check(outcome.rule, record, two(4000, seed=9, group=group)).verdict != "no longer kept"


@pytest.mark.parametrize("text", KINDS)
def test_an_outcome_survives_json(text):
    for n in (60, 600):
        outcome, _ = one(text, two(n))
        assert Outcome.from_dict(json.loads(json.dumps(outcome.to_dict(), allow_nan=False))) == outcome


def test_with_39_positives_as_the_sentence_says():
    data = two(130, seed=1)
    assert data.truth.sum() == 39
    _, record = one("recall[pneumonia] >= 0.99", data)
    assert record.sentence.startswith(
        "infeasible: with 39 positives the best promise at 95 % is recall[pneumonia] >= 0.926, which would save "
    )
    assert record.sentence.endswith("; about 300 positives would allow 0.99")
    assert record.best.bound == 0.926
    assert record.best.work_saved > 0
    again, _ = one("recall[pneumonia] >= 0.926", data)
    assert again.kept


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(60, 400), text=st.sampled_from(KINDS))
def test_order_does_not_matter_and_copies_count_once(seed, n, text):
    data = two(n, seed=seed)
    outcome, record = one(text, data)
    order = np.random.default_rng(seed).permutation(n)
    assert fit([parse(text)], data.take(order)) == outcome
    twice = replace(data.take(np.tile(np.arange(n), 2)), copies=np.tile(np.arange(n), 2))
    assert one(text, twice)[1] == record


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_misses_at_the_limit_are_those_that_the_bound_allows(seed):
    data = two(400, seed=seed)
    outcome, record = one("recall[pneumonia] >= 0.9", data)
    judged = outcome.rule.judge(data.answers, data.chosen, CLASSES)
    missed = [
        j.act == "answer" and c[0] and y for j, c, y in zip(judged, data.chosen, data.truth == 1, strict=True)
    ]
    allowed = most(int(data.truth.sum()), 1 - 0.9, 1.0 - record.used)
    everything = int((data.chosen[:, 0] & (data.truth == 1)).sum())
    if record.kept:
        assert sum(missed) == min(allowed, everything)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sampled_from(KINDS), min_size=1, max_size=4, unique=True), st.integers(0, 10**6))
def test_an_answer_is_never_given_against_a_veto(texts, seed):
    try:
        promises = [parse(text) for text in texts]
        data = two(500, seed=seed)
        outcome = fit(promises, data)
    except ProblemError:
        return
    alone = [replace(outcome.rule, guards=(guard,)) for guard in outcome.rule.guards]
    whole = [j.act for j in outcome.rule.judge(data.answers, data.chosen, CLASSES)]
    parts = [[j.act for j in rule.judge(data.answers, data.chosen, CLASSES)] for rule in alone]
    assert whole == ["defer" if "defer" in own else "answer" for own in zip(*parts, strict=True)] or not parts


@pytest.mark.parametrize("text", KINDS)
@pytest.mark.parametrize("prevalence", [0.04, 0.96])
def test_a_constant_rule_keeps_nothing(text, prevalence):
    data = two(800, prevalence=prevalence)
    for answer in (0, 1):
        constant = np.tile(np.float32([[0.9, 0.1]] if answer == 0 else [[0.1, 0.9]]), (800, 1))
        outcome, record = one(text, replace(data, answers=constant, chosen=constant > 0.5))
        assert not outcome.kept
        assert record.sentence.startswith("infeasible")


def test_one_sided_truth_is_refused_in_words():
    data = two(100)
    none = replace(data, truth=np.zeros(100, np.int64))
    assert "there are no positives among the 100 images" in one("recall[pneumonia] >= 0.9", none)[1].sentence
    every = replace(data, truth=np.ones(100, np.int64))
    assert "all 100 images are positives" in one("recall[pneumonia] >= 0.9", every)[1].sentence
    assert "there are no negatives" in one("false_alarm_rate <= 0.1", every)[1].sentence
    for text in ("npv >= 0.9", "precision >= 0.9", "accuracy >= 0.5", "coverage >= 0.5"):
        assert (
            "all 100 images have the same truth, so it cannot be told apart" in one(text, every)[1].sentence
        )


def test_fewer_than_ten_groups_cannot_tell():
    data = replace(two(400), groups=np.arange(400) % 9)
    outcome, record = one("recall[pneumonia] >= 0.9", data)
    assert not outcome.kept
    assert "cannot tell from fewer than ten groups (9 with positives)" in record.sentence
    assert one("recall[pneumonia] >= 0.9 per image", data)[0].kept


def test_several_hold_jointly_or_each():
    data = two(2000)
    promises = [parse("recall[pneumonia] >= 0.9"), parse("precision[pneumonia] >= 0.9")]
    jointly, each = fit(promises, data), fit(promises, data, jointly=False)
    assert [r.used for r in jointly.records] == pytest.approx([0.975, 0.975])
    assert [r.used for r in each.records] == pytest.approx([0.95, 0.95])
    assert sum(r.work_saved for r in each.records) >= sum(r.work_saved for r in jointly.records)
    tried = fit(promises[:1], data, tried=5).records[0]
    assert tried.used == pytest.approx(0.99)
    with pytest.raises(ProblemError, match="0 candidates tried; expected at least"):
        fit(promises, data, tried=0)


def test_promises_that_meet_are_tested_on_what_is_given():
    data = several(2000)
    promises = [
        parse(t) for t in ("npv[a] >= 0.95", "precision[b] >= 0.9", "recall[c] >= 0.9", "coverage >= 0.9")
    ]
    outcome = fit(promises, data)
    judged = np.array(
        [j.act == "answer" for j in outcome.rule.judge(data.answers, data.chosen, data.classes)]
    )
    precision = outcome.records[1]
    given = judged & data.chosen[:, 1]
    assert precision.estimate == pytest.approx((data.truth[given] == 1).mean())
    assert precision.work_saved == pytest.approx(given.mean())


def test_scores_that_are_one_for_many_images_lose_nothing():
    data = two(2000, apart=4.0)
    rounded = replace(
        data, answers=np.where(data.answers > 0.9, 1.0, np.where(data.answers < 0.1, 0.0, data.answers))
    )
    for text in ("precision >= 0.95", "npv >= 0.95", "accuracy >= 0.95"):
        outcome, record = one(text, rounded)
        assert outcome.kept
        assert record.work_saved > 0.9 * one(text, data)[1].work_saved


def test_many_vetoes_near_a_share_have_one_limit_in_common():
    data = several(3000, apart=4.0)
    promises = [parse(f"recall[{name}] >= 0.9") for name in "abc"] + [parse("accuracy >= 0.8")]
    outcome = fit(promises, data)
    assert outcome.kept
    limits = {guard.limit for guard in outcome.rule.guards if guard.promise.kind == "recall"}
    assert len(limits) == 1


def test_sets_hold_the_answer_and_are_likeliest_first():
    data = several(500, apart=1.5)
    outcome, _ = one("coverage >= 0.9", data)
    judged = outcome.rule.judge(data.answers, data.chosen, data.classes)
    for j, row in zip(judged, data.answers, strict=True):
        assert j.among[0] == data.classes[int(row.argmax())]
        assert (j.act == "answer") == (len(j.among) == 1)
    assert np.mean([data.classes[y] in j.among for j, y in zip(judged, data.truth, strict=True)]) >= 0.9


def test_labels_that_are_several():
    rng = np.random.default_rng(0)
    truth = (rng.random((1500, 3)) < 0.3).astype(np.int64)
    p = 1 / (1 + np.exp(-(3 * rng.normal(size=truth.shape) + 9 * truth - 4.5)))
    data = replace(
        several(1500, 3),
        multilabel=True,
        truth=truth,
        answers=p.astype(np.float32),
        chosen=p.astype(np.float32) >= 0.5,
    )
    outcome = fit([parse("recall[a] >= 0.9"), parse("precision[b] >= 0.9")], data)
    assert outcome.kept
    judged = np.array(
        [j.act == "answer" for j in outcome.rule.judge(data.answers, data.chosen, data.classes)]
    )
    given = judged & data.chosen[:, 1]
    assert outcome.records[1].estimate == pytest.approx(truth[given, 1].mean())


def test_costs_weigh_mistakes():
    data = replace(two(2000), costs=((0.0, 1.0), (10.0, 0.0)))
    outcome, record = one("risk <= 0.5", data)
    assert outcome.kept
    judged = np.array([j.act == "answer" for j in outcome.rule.judge(data.answers, data.chosen, CLASSES)])
    table = np.array(data.costs)
    assert record.estimate == pytest.approx(table[data.truth, data.chosen.argmax(1)][judged].mean())


def test_a_risk_that_every_rule_keeps_is_refused():
    with pytest.raises(ProblemError, match="no answer costs more than 10, so every rule keeps it"):
        one("risk <= 12", replace(two(100), costs=((0.0, 1.0), (10.0, 0.0))))
    with pytest.raises(ProblemError, match="no answer costs more than 1"):
        one("risk <= 1.5", two(100))


@pytest.mark.parametrize("text", KINDS)
def test_work_ranks_scores_by_how_well_they_tell(text):
    promises = [parse(text)]
    good, bad = two(2000, apart=3.0), two(2000, apart=1.0)
    assert work(promises, good).mean() > work(promises, bad).mean()
    weight = np.random.default_rng(0).multinomial(2000, np.full(2000, 1 / 2000)).astype(float)
    rows = np.repeat(np.arange(2000), weight.astype(int))
    assert work(promises, good, weight=weight) == pytest.approx(work(promises, good.take(rows)).mean())
    assert work(promises, good, weight=np.ones(2000)) == pytest.approx(work(promises, good).mean())


def test_a_check_speaks_up_where_scores_no_longer_tell():
    outcome, record = one("recall[pneumonia] >= 0.9", two(1000))
    shifted = replace(two(1000, seed=2), truth=np.roll(two(1000, seed=2).truth, 1))
    found = check(outcome.rule, record, shifted)
    assert found.verdict == "no longer kept"
    assert found.sentence.startswith("no longer kept: recall[pneumonia] >= 0.9; on ")
    assert check(outcome.rule, record, two(1000, seed=3)).verdict in ("still kept", "cannot tell from n")
    assert check(outcome.rule, record, two(12, seed=3)).verdict == "cannot tell from n"
    few = replace(two(12), truth=np.zeros(12, np.int64))
    assert check(outcome.rule, record, few).sentence == (
        "cannot tell from n: recall[pneumonia] >= 0.9 is about 0 positives here"
    )


def test_reasons_are_for_people():
    data = two(2000)
    promises = [parse("recall[pneumonia] >= 0.95"), parse("precision[pneumonia] >= 0.9")]
    reasons = {str(j) for j in fit(promises, data).rule.judge(data.answers, data.chosen, CLASSES)}
    assert "defer: pneumonia cannot be ruled out at recall >= 0.95" in reasons
    assert any(
        r.startswith("answer: sure enough: precision[pneumonia] >= 0.9 holds above a prob") for r in reasons
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"task": "sing"}, "promises of the task 'sing'; expected one of classify"),
        ({"classes": None}, "no lists of classes and guards"),
        ({"guards": [3]}, "a guard of a promise is 3; expected a table of promise, limit"),
        ({"multilabel": 1}, "multilabel is 1; expected true or false"),
        ({"more": 1}, r"missing or unknown keys \['more'\]"),
        ({"classes": ["cat", "dog"]}, "is about no class of cat, dog"),
    ],
)
def test_an_altered_rule_is_refused(change, said):
    rule = one("recall[pneumonia] >= 0.9", two(500))[0].rule.to_dict()
    with pytest.raises(SolutionError, match=said):
        Rule.from_dict({**rule, **change})


def test_a_rule_knows_its_classes():
    data = two(500)
    rule = one("recall[pneumonia] >= 0.9", data)[0].rule
    with pytest.raises(
        SolutionError, match="promises are made for the classes normal, pneumonia; met pneumonia"
    ):
        rule.judge(data.answers, data.chosen, CLASSES[::-1])
