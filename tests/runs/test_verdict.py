"""The verdict: statuses, the winner's rule, limits, baseline, degenerate fields, sentences."""

from __future__ import annotations

import json
import time
from typing import Any

import numpy as np
import pytest

from objectif.runs.verdict import Entry, Verdict, verdict

N = 300
TRUTH = np.random.default_rng(9).integers(0, 3, N)


def scores(skill: float, seed: int = 0, seeds: int = 1, truth: np.ndarray = TRUTH) -> np.ndarray:
    """(seeds, N, 3) probabilities; candidates share the difficulty of the images."""
    shared = np.random.default_rng(77).normal(size=(len(truth), 3))
    logits = shared + np.random.default_rng(seed).normal(size=(seeds, len(truth), 3))
    logits[:, np.arange(len(truth)), truth] += skill
    odds = np.exp(logits)
    return odds / odds.sum(axis=2, keepdims=True)


def entry(name: str, skill: float = 1.5, seed: int = 0, **more: Any) -> Entry:
    facts: dict[str, Any] = {
        "id": name, "approach": "frozen", "model": "net", "loss": name, "preparation": "plain",
        "scores": scores(skill, seed), "params": 1000, "macs": 10_000,
    }  # fmt: skip
    return Entry(**{**facts, **more})


def judge(*entries: Entry, metric: str = "accuracy", **more: Any) -> Verdict:
    return verdict(entries, TRUTH, metric, **{"draws": 500, **more})


def rows(found: Verdict) -> dict[str, Any]:
    return {row.id: row for row in found.rows}


def test_the_best_wins_the_worst_is_beaten_the_rest_keep_their_fate() -> None:
    found = judge(
        entry("good", 3.0),
        entry("twin", 2.7, 1),
        entry("poor", 0.5, 2),
        entry("early", 0.4, 3, status="dropped", rung=2),
        entry("unread", scores=None, status="dropped", rung=1),
        entry("crash", scores=None, status="failed", reason="out of memory"),
    )
    by_id = rows(found)
    assert {name: row.status for name, row in by_id.items()} == {
        "good": "winner", "twin": "tied", "poor": "beaten",
        "early": "dropped", "unread": "dropped", "crash": "failed",
    }  # fmt: skip
    assert [row.id for row in found.rows] == ["good", "twin", "poor", "early", "unread", "crash"]
    assert by_id["poor"].diff < 0
    assert by_id["poor"].diff_high < 0
    assert by_id["poor"].diff_low < by_id["poor"].diff < by_id["poor"].diff_high
    assert by_id["poor"].reason.startswith("beaten by good by 0.")
    assert by_id["crash"].reason == "out of memory"
    assert by_id["early"].diff is None
    assert by_id["early"].reason == "dropped at rung 2: not compared"
    assert by_id["good"].diff == 0.0
    assert by_id["good"].low < by_id["good"].estimate < by_id["good"].high


@pytest.mark.parametrize("metric", ["log_loss", "macro_f1", "auroc", "balanced_accuracy", "quadratic_kappa"])
def test_other_objectives_judge_alike(metric: str) -> None:
    found = judge(entry("good", 3.0), entry("poor", 0.5, 2), metric=metric)
    poor = rows(found)["poor"]
    assert found.winner == "good"
    assert found.beats_baseline
    assert poor.status == "beaten"
    assert (poor.diff > 0) == (metric == "log_loss")  # in the metric's units: a greater loss is worse
    assert poor.diff_low < poor.diff < poor.diff_high


def test_a_cheaper_candidate_wins_if_it_is_not_inferior() -> None:
    best = scores(2.0)
    nearly = best.copy()
    sure = np.flatnonzero(best[0].argmax(axis=1) == TRUTH)[0]
    nearly[0, sure] = np.roll(nearly[0, sure], 1)  # one image lost: .003, at most .009
    dear, cheap = entry("dear", scores=best, macs=10**6), entry("cheap", scores=nearly)
    found = judge(dear, cheap)
    assert found.winner == "cheap"
    assert "not inferior to the best (dear" in " ".join(found.sentences)
    assert rows(found)["dear"].diff == 0.0
    assert judge(dear, cheap, margin=0.001).winner == "dear"
    assert judge(dear, entry("cheap", 1.9, 5)).winner == "dear"  # perhaps as good, not shown to be


def test_latency_decides_only_beyond_noise() -> None:
    best = scores(2.0)
    same = [entry(n, scores=best, latency_ms=ms) for n, ms in (("a", 10.3), ("b", 10.0), ("c", 5.0))]
    assert judge(*same[:2]).winner == "a"  # 3 % is noise
    assert judge(*same).winner == "c"


def test_over_a_limit_cannot_win_and_is_not_a_rival() -> None:
    found = judge(entry("slow", 3.0, latency_ms=50.0), entry("quick", 1.0, 1, latency_ms=5.0),
                  entry("unknown", 3.0, 2), limits={"latency_ms": 20})  # fmt: skip
    by_id = rows(found)
    assert found.feasible
    assert found.winner == "quick"
    assert by_id["slow"].status == by_id["unknown"].status == "over_limit"
    assert by_id["slow"].reason == "latency_ms is 50, the limit is 20"
    assert "not measured" in by_id["unknown"].reason
    assert by_id["slow"].estimate > by_id["quick"].estimate
    assert by_id["slow"].diff is None


def test_where_nobody_keeps_the_limits_the_nearest_statement_is_said() -> None:
    limits = {"latency_ms": 2.0, "size_mb": 100.0}
    near = {"size_mb": 5.0, "latency_ms": 3.001}
    found = judge(
        entry("far", 3.0, latency_ms=40.0, size_mb=5.0),
        entry("near", 1.0, 1, **near),
        entry("near and better", 1.6, 2, **{**near, "latency_ms": 3.2}),
        limits=limits,
    )
    assert not found.feasible
    assert found.winner == "near and better"
    assert found.sentences[0].startswith("No candidate keeps latency_ms = 2, size_mb = 100.")
    assert "latency_ms = 3.2 (near and better" in found.sentences[0]
    assert {row.status for row in found.rows} == {"winner", "over_limit"}


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1", "log_loss", "auroc"])
def test_shuffled_labels_beat_no_baseline(metric: str) -> None:
    shuffled = np.random.default_rng(4).permutation(TRUTH)
    noise = [entry(str(k), scores=scores(1.5, k)) for k in range(20)]
    found = verdict(noise, shuffled, metric, draws=500)
    assert not found.beats_baseline
    assert any("NOT shown to beat" in line for line in found.sentences)


def test_the_baseline_can_be_given() -> None:
    strong = scores(3.0)[0]
    found = judge(entry("net", 1.0, 1), baseline_scores=strong)
    assert found.baseline > 0.8
    assert not found.beats_baseline
    assert judge(entry("net", 1.0, 1)).baseline == pytest.approx(np.bincount(TRUTH).max() / N)


def test_the_estimate_is_corrected_for_having_chosen() -> None:
    found = judge(*(entry(str(k), 1.2, k) for k in range(30)))
    assert found.estimate.estimate < found.naive - 0.01
    assert found.estimate.low < found.estimate.estimate < found.estimate.high
    alone = judge(entry("only"))
    assert alone.estimate.estimate == alone.naive
    assert alone.sentences[1] == "There was no other candidate."


def test_dropping_was_part_of_the_choice() -> None:
    final, dropped = entry("final", 1.2, 0), [entry(str(k), 1.2, k, status="dropped") for k in range(1, 20)]
    assert judge(final, *dropped).estimate.estimate < judge(final).estimate.estimate


def test_few_groups_say_so_and_beat_nobody() -> None:
    found = judge(entry("good", 3.0), entry("poor", 0.2, 1), groups=np.arange(N) % 7)
    by_id = rows(found)
    assert by_id["poor"].status == "tied"
    assert by_id["poor"].low is None
    assert "fewer than ten groups (7)" in by_id["poor"].reason
    assert not found.beats_baseline
    assert found.winner == "good"
    assert found.estimate.low is None
    assert "fewer than ten groups" in found.sentences[0]


def test_all_right_is_wilson() -> None:
    perfect = np.eye(3)[TRUTH][None]
    found = judge(entry("a", scores=perfect), entry("b", scores=perfect))
    assert found.estimate.method == "wilson"
    assert 0.98 < found.estimate.low < 1.0
    assert rows(found)["b"].status == "tied"
    assert found.beats_baseline


def test_multi_label() -> None:
    rng = np.random.default_rng(0)
    tags = (rng.random((N, 4)) < 0.3).astype(np.int64)
    good, poor = (1 / (1 + np.exp(-rng.normal(size=(1, N, 4)) - s * (tags - 0.5))) for s in (4.0, 0.5))
    found = verdict(
        [entry("good", scores=good), entry("poor", scores=poor)], tags, "average_precision", draws=300
    )
    assert found.winner == "good"
    assert rows(found)["poor"].status == "beaten"
    assert found.beats_baseline
    assert found.baseline == pytest.approx(tags.mean(), abs=1e-9)


def test_nothing_scored() -> None:
    found = judge(entry("a", scores=None, status="failed"), entry("b", scores=None, status="dropped"))
    assert found.winner is None
    assert found.estimate is None
    assert [row.id for row in found.rows] == ["b", "a"]
    assert "nothing to choose from" in found.sentences[0]
    json.dumps(found.to_dict(), allow_nan=False)


def test_json_round_trip() -> None:
    found = judge(entry("a", 3.0), entry("b", 1.0, 1), entry("c", scores=None, status="failed"))
    content = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert content["winner"] == "a"
    assert content["rows"][1]["diff"] < 0
    assert content["estimate"]["low"] < content["estimate"]["high"]
    assert content["tables"]["loss"][0]["better_than"] == ["b"]


def test_unbounded_intervals_are_json_too() -> None:
    many = [entry(str(k), 1.0 + k / 20, k) for k in range(30)]
    found = judge(*many, groups=np.minimum(np.arange(N) // 15, 10))  # one group is half of the images
    assert any("too few to tell 30 candidates apart" in row.reason for row in found.rows)
    json.dumps(found.to_dict(), allow_nan=False)


def test_the_same_seed_is_the_same_verdict() -> None:
    entries = [entry(str(k), 1.0 + k / 5, k) for k in range(5)]
    assert judge(*entries).to_dict() == judge(*entries).to_dict()
    assert judge(*entries, seed=1).estimate != judge(*entries).estimate


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"scores": np.full((1, N, 3), np.nan)}, "'bad' has 900 scores that are NaN"),
        ({"scores": np.ones((1, N - 1, 3))}, "'bad' has scores of shape"),
        ({"scores": np.ones((N, 3))}, "'bad' has scores of shape"),
        ({"scores": np.ones((1, N, 4))}, "other numbers of classes"),
        ({"scores": None}, "'bad' ran but has no scores"),
        ({"id": "good"}, "'good' is entered twice"),
    ],
)
def test_scores_that_do_not_fit_name_the_candidate(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        judge(entry("good"), entry(**{"name": "bad", **wrong}) if "id" not in wrong else entry("good"))


def test_unknown_limits_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown limit 'watts'"):
        judge(entry("a"), limits={"watts": 3})


def test_sixty_candidates_take_seconds() -> None:
    truth = np.random.default_rng(0).integers(0, 3, 600)
    base = [scores(1.0 + k / 40, k, 3, truth) for k in range(60)]
    entries = [entry(str(k), scores=s.astype(np.float32)) for k, s in enumerate(base)]
    start = time.process_time()
    verdict(entries, truth, "accuracy", draws=2000)
    assert time.process_time() - start < 10.0  # under one on an idle core


def boxed(skills: list[float], images: int = 80, most: int = 12) -> tuple[np.ndarray, list[np.ndarray]]:
    """Truth (N, G, 6) and answers (1, N, M, 6) of detectors that miss some objects and see some that are not there."""
    rng = np.random.default_rng(3)
    truth, found = np.zeros((images, 4, 6)), []
    truth[..., 0] = 100 * np.arange(4)
    truth[..., 2:4] = truth[..., :2] + 50
    truth[..., 4] = np.where(rng.random((images, 4)) < 0.7, rng.integers(0, 2, (images, 4)), -1)
    hard = rng.normal(size=(images, 4))
    for skill in skills:
        table = np.zeros((1, images, most, 6), np.float32)
        table[..., 5] = -1
        hit = (hard + rng.normal(size=(images, 4)) < skill) & (truth[..., 4] >= 0)
        table[0, :, :4, :4] = truth[..., :4] + 4 * rng.normal(size=(images, 4, 4))
        table[0, :, :4, 4] = np.where(hit, rng.beta(4, 2, hit.shape), 0)
        table[0, :, :4, 5] = np.where(hit, truth[..., 4], -1)
        table[0, :, 4, :4], table[0, :, 4, 4], table[0, :, 4, 5] = (
            [0, 200, 50, 250],
            rng.beta(2, 4, images),
            0,
        )
        found.append(table)
    return truth, found


@pytest.mark.parametrize("metric", ["mAP50", "mAP50_95", "froc"])
def test_detectors_are_judged_alike(metric: str) -> None:
    truth, (good, twin, poor) = boxed([1.5, 1.45, -0.5])
    entries = [
        entry("good", scores=good, params=5000),
        entry("seeds", scores=np.concatenate([good, twin]), params=900),
        entry("poor", scores=poor, params=10),
        entry("early", scores=poor, status="dropped", rung=1),
    ]
    found = verdict(entries, truth, metric, draws=400)
    assert found.winner in ("good", "seeds")
    assert found.beats_baseline
    by_id = rows(found)
    assert by_id["poor"].status == "beaten"
    assert by_id["good"].low < by_id["good"].estimate < by_id["good"].high
    assert found.estimate.low < found.estimate.estimate < found.estimate.high
    assert found == verdict(entries, truth, metric, draws=400)
    assert verdict(entries[3:], truth, metric, draws=50).winner is None


def test_stacks_that_do_not_fit_are_named() -> None:
    truth, (good, _) = boxed([1.0, 1.0])
    with pytest.raises(ValueError, match="'good' has scores of shape"):
        verdict([entry("good", scores=good[0])], truth, "mAP50")
    with pytest.raises(ValueError, match="other numbers of classes"):
        verdict([entry("good", scores=good), entry("odd", scores=good[..., 0])], truth, "mAP50")


def test_thirty_detectors_are_judged_in_seconds() -> None:
    truth, found = boxed([1.0 + 0.02 * k for k in range(30)], images=300, most=60)
    start = time.perf_counter()
    verdict([entry(f"c{k}", scores=scores, params=k) for k, scores in enumerate(found)], truth, "mAP50")
    assert time.perf_counter() - start < 15
