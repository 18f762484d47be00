"""Predictor: answers for anything that is an image, in order; what is none fails alone."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from objectif.answers import Label
from objectif.errors import SolutionError
from objectif.images.prepare import Preparation, load
from objectif.run.inputs import Failure
from objectif.run.network import Network
from objectif.run.predictor import Predictor
from objectif.run.predictor import load as load_predictor
from objectif.solution.file import Solution, write
from objectif.tasks.classify import Decoding

Make = Callable[..., Solution]
Paint = Callable[..., Path]


def labels(found: object) -> list[str]:
    return [item.label if isinstance(item, Label) else "!" for item in found]  # type: ignore[attr-defined]


def test_files_are_answered_in_order_among_bad_ones(colours: Make, paint: Paint, tmp_path: Path) -> None:
    names: list[str] = []
    expected = []
    for number, colour in zip(range(60), itertools.cycle(["red", "green", "blue", None]), strict=False):
        if colour is None:
            path = tmp_path / f"{number}.png"
            path.write_bytes(b"" if number % 8 == 3 else b"not an image")
        else:
            path = paint(f"{number}.png", colour)
        names.append(str(path))
        expected.append(colour or "!")
    for workers, batch in ((1, 1), (2, 4), (3, 7)):
        found = list(Predictor(colours(), workers=workers, batch=batch).predict(iter(names)))
        assert labels(found) == expected
        assert [item.path for item in found] == names


def test_an_answer_is_that_of_the_network_on_the_prepared_image(colours: Make, paint: Paint) -> None:
    solution = colours(decoding=Decoding(2.0))
    path = paint("a.png", "green")
    [answer] = Predictor(solution).predict([path])
    pixels = load(path, solution.preparation)
    raw = Network(solution.networks["fp32"]).scores(pixels[None])[0] / 2
    assert isinstance(answer, Label)
    np.testing.assert_allclose(answer.scores, np.exp(raw) / np.exp(raw).sum(), rtol=1e-5)
    np.testing.assert_array_equal(answer.scores, Predictor(solution).probabilities(pixels[None])[0])


def test_precision_is_the_default_unless_asked_for(colours: Make, paint: Paint) -> None:
    path, both = paint("a.png", "red"), colours(default="int8")
    auto, fp32, int8 = (
        next(Predictor(both, precision=p).predict([path])).scores  # type: ignore[union-attr, arg-type]
        for p in ("auto", "fp32", "int8")
    )
    assert np.array_equal(auto, int8)
    assert not np.array_equal(auto, fp32)
    with pytest.raises(SolutionError, match=r"'int8' is not in this Solution; it has fp32"):
        Predictor(replace(both, networks={"fp32": both.networks["fp32"]}, default="fp32"), precision="int8")


def test_names_bytes_pixels_and_failures_may_be_mixed(colours: Make, paint: Paint) -> None:
    path = paint("a.png", "red")
    blue16 = np.zeros((9, 7, 3), np.uint16)
    blue16[..., 2] = 65535
    found = list(
        Predictor(colours()).predict(
            [path, str(path), path.read_bytes(), blue16, Failure("x", "why"), np.zeros((4, 4, 2), np.uint8)]
        )
    )
    assert labels(found) == ["red", "red", "red", "blue", "!", "!"]
    assert [item.path for item in found] == [str(path), str(path), "image 2", "image 3", "x", "image 5"]


def test_one_name_may_be_a_folder_or_a_glob(colours: Make, paint: Paint) -> None:
    folder = paint("d/a.png", "red").parent
    paint("d/b.jpg", "blue")
    for name in (folder, str(folder), f"{folder}/*"):
        assert labels(Predictor(colours()).predict(name)) == ["red", "blue"]


def test_an_endless_source_is_answered_as_it_comes(colours: Make, paint: Paint) -> None:
    def source() -> Iterator[Path]:
        while True:
            yield path

    path = paint("a.png", "red")
    answers = Predictor(colours()).predict(source())
    assert labels(itertools.islice(answers, 5)) == ["red"] * 5
    answers.close()


def test_a_decoder_that_breaks_in_an_unforeseen_way_costs_one_image(
    colours: Make, paint: Paint, monkeypatch: pytest.MonkeyPatch
) -> None:
    from objectif.run import predictor

    good, bad = paint("good.png", "red"), paint("bad.png", "red")

    def fragile(source: bytes, *rest: object, name: str) -> object:
        if name == str(bad):
            raise ZeroDivisionError("nobody thought of this")
        return load(source, *rest, name=name)  # type: ignore[arg-type]

    monkeypatch.setattr(predictor, "load_image", fragile)
    found = list(Predictor(colours()).predict([good, bad, good]))
    assert labels(found) == ["red", "!", "red"]
    assert isinstance(found[1], Failure)
    assert "ZeroDivisionError" in found[1].reason


def test_scores_that_are_not_finite_are_no_answer(colours: Make, paint: Paint) -> None:
    endless = np.float32(np.inf).tobytes()
    onnx = colours().networks["fp32"].replace(np.float32(12).tobytes(), endless)
    [found] = Predictor(colours(networks={"fp32": onnx})).predict([paint("a.png", "red")])
    assert isinstance(found, Failure)
    assert "no finite score" in found.reason


def test_parts_that_do_not_belong_together_are_refused(colours: Make, paint: Paint) -> None:
    with pytest.raises(SolutionError, match="expected the same"):
        Predictor(colours(preparation=Preparation(9, 8)))
    with pytest.raises(SolutionError, match=r"expected \(N, 2\)"):
        list(Predictor(colours(classes=("a", "b"))).predict([paint("a.png", "red")]))


def test_a_predictor_is_loaded_from_a_file(colours: Make, paint: Paint, tmp_path: Path) -> None:
    write(tmp_path / "c.objectif", colours())
    assert labels(load_predictor(tmp_path / "c.objectif").predict([paint("a.png", "blue")])) == ["blue"]


def test_all_outputs_of_the_network_can_be_had(colours: Make) -> None:
    found = Predictor(colours()).outputs(np.zeros((2, 8, 8, 3), np.uint8))
    assert set(found) == {"scores", "embedding", "map"}
    assert len(found["map"]) == 2
