"""Evaluation: classes by name, bad images left out and counted, metrics as the metrics room computes them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from objectif.data.dataset import Dataset, Sample
from objectif.errors import DataError
from objectif.run.evaluate import evaluate, matched
from objectif.run.predictor import Predictor
from objectif.solution.file import Solution
from objectif.tasks.classify import Decoding

Make = Callable[..., Solution]
Paint = Callable[..., Path]


def dataset(
    paint: Paint, shown: list[str], named: list[str], classes: tuple[str, ...], **fields: object
) -> Dataset:
    """Pictures of the colours `shown`, labelled as `named`; groups of two."""
    samples = tuple(
        Sample(f"{k:03d}.png", paint(f"{k:03d}.png", colour), (classes.index(label),), group=f"g{k // 2}")
        for k, (colour, label) in enumerate(zip(shown, named, strict=True))
    )
    return Dataset("colours", Path("."), "test", classes, samples, **fields)  # type: ignore[arg-type]


def test_classes_are_matched_by_name_and_metrics_are_right(colours: Make, paint: Paint) -> None:
    shown = ["red", "green"] * 20
    named = ["green", *shown[1:]]  # one label is wrong
    data = dataset(paint, shown, named, ("green", "red"))
    result = evaluate(Predictor(colours()), data)
    metric, found = result.metrics["accuracy"]
    assert found.estimate == pytest.approx(39 / 40)
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.estimate < found.high <= 1
    assert (result.n, result.groups, result.failures) == (40, 20, ())
    assert metric.higher_is_better
    assert not result.metrics["log_loss"][0].higher_is_better
    assert any("blue" in note for note in result.notes)


def test_metrics_of_answers_follow_costs_and_those_of_probabilities_do_not(
    colours: Make, paint: Paint
) -> None:
    always_blue = ((5.0, 5.0, 0.0), (5.0, 5.0, 0.0), (5.0, 5.0, 0.0))
    data = dataset(paint, ["red", "blue"] * 6, ["red", "blue"] * 6, ("red", "blue"))
    plain = evaluate(Predictor(colours()), data)
    dear = evaluate(Predictor(colours(decoding=Decoding(costs=always_blue))), data)
    assert dear.metrics["accuracy"][1].estimate == 0.5 < plain.metrics["accuracy"][1].estimate
    assert dear.metrics["log_loss"][1] == plain.metrics["log_loss"][1]
    assert dear.metrics["cost"][1].estimate == 0.0
    assert "cost" not in plain.metrics


def test_the_metric_that_chose_the_solution_is_told(colours: Make, paint: Paint) -> None:
    data = dataset(paint, ["red", "blue"] * 6, ["red", "blue"] * 6, ("red", "blue"))
    for name, there in (("quadratic_kappa", True), ("hamming", False), ("unheard_of", False)):
        result = evaluate(Predictor(colours(card={"figures": [{"metric": name}]})), data)
        assert (name in result.metrics) == there


def test_the_result_is_json(colours: Make, paint: Paint) -> None:
    data = dataset(paint, ["red", "blue"] * 3, ["red", "blue"] * 3, ("red", "blue"))
    whole = json.loads(json.dumps(evaluate(Predictor(colours()), data).to_dict(), allow_nan=False))
    assert whole["metrics"]["accuracy"]["estimate"] == 1.0
    assert whole["metrics"]["brier"]["low"] is None  # three groups give no interval
    assert (whole["n"], whole["groups"]) == (6, 3)


def test_a_class_that_the_solution_does_not_know_is_refused(colours: Make, paint: Paint) -> None:
    data = dataset(paint, ["red", "blue"], ["red", "Blue"], ("Blue", "red"))
    with pytest.raises(DataError, match=r"does not know: 'Blue' \('Blue' may be 'blue'\); it knows 'red'"):
        evaluate(Predictor(colours()), data)


def test_a_class_without_images_may_have_any_name(colours: Make, paint: Paint) -> None:
    data = dataset(paint, ["red", "blue"], ["red", "blue"], ("blue", "mauve", "red"))
    truth, _ = matched(colours(), data)
    assert truth.tolist() == [0, 2]


def test_bad_images_are_left_out_and_said(colours: Make, paint: Paint) -> None:
    data = dataset(
        paint, ["red", "green"] * 6, ["red", "green"] * 6, ("red", "green"), problems={"gone.png": "missing"}
    )
    data.samples[3].file.write_bytes(b"no image")
    result = evaluate(Predictor(colours()), data)
    assert result.n == 11
    assert result.metrics["accuracy"][1].estimate == 1.0
    assert [f.path for f in result.failures] == ["gone.png", "003.png"]
    for sample in data.samples:
        sample.file.write_bytes(b"")
    with pytest.raises(DataError, match="none of the 12 images"):
        evaluate(Predictor(colours()), data)


def test_metrics_that_are_not_defined_are_left_out_and_said(colours: Make, paint: Paint) -> None:
    result = evaluate(Predictor(colours()), dataset(paint, ["red"] * 12, ["red"] * 12, ("red",)))
    assert result.metrics["accuracy"][1].estimate == 1.0
    assert "auroc" not in result.metrics
    assert any("auroc" in note for note in result.notes)


def test_multilabel_truth_has_a_column_for_each_class(colours: Make) -> None:
    samples = (Sample("a", Path("a"), (1, 0)), Sample("b", Path("b"), ()), Sample("c", Path("c"), (1,)))
    data = Dataset("m", Path("."), "test", ("green", "red"), samples, multilabel=True)
    truth, _ = matched(colours(multilabel=True), data)
    assert truth.tolist() == [[1, 1, 0], [0, 0, 0], [1, 0, 0]]
    with pytest.raises(DataError, match="a has 2 labels; expected one"):
        matched(colours(), data)


def test_items_of_arrays_are_evaluated_too(colours: Make) -> None:
    box = Path("box.npz")
    pixels = np.zeros((4, 6, 6, 3), np.uint8)
    pixels[np.arange(4), ..., [0, 1, 2, 0]] = 255
    samples = tuple(Sample(f"box.npz#{k}", box, (label,), item=k) for k, label in enumerate((0, 1, 2, 0)))
    data = Dataset("a", Path("."), "test", ("red", "green", "blue"), samples, arrays={box: pixels})
    assert evaluate(Predictor(colours()), data).metrics["accuracy"][1].estimate == 1.0
