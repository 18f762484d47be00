"""A Problem: what it accepts, what it refuses and in which words, and its file."""

from __future__ import annotations

import json
import os
import pickle
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some

from objectif import about, plugins, problem, tasks
from objectif.data.dataset import Box, Dataset, Sample
from objectif.errors import ProblemError
from objectif.problem import APPROACHES, Problem, installed, readers

NAMES = some.lists(some.text(some.characters(codec="utf-8"), min_size=1, max_size=8), min_size=1, unique=True)
NAMES = NAMES.filter(lambda names: all(n.strip() and not n.startswith("onnx:") for n in names))
PARTS = some.text(some.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=9)
PATHS = some.lists(PARTS.filter(lambda p: p.strip() and p not in {".", ".."}), min_size=1, max_size=3)
POSITIVE = some.floats(1e-6, 1e9)
WORDS = some.text(some.characters(codec="utf-8"), min_size=1, max_size=8).filter(
    lambda w: w.strip() and w != "auto"
)


@some.composite
def costs(draw: some.DrawFn) -> Any:
    """None, or a sound matrix, or a table by names."""
    size = draw(some.integers(2, 4))
    wrong = draw(some.lists(POSITIVE, min_size=size * size, max_size=size * size))
    matrix = [[0.0 if i == j else wrong[i * size + j] for j in range(size)] for i in range(size)]
    names = draw(some.lists(WORDS, min_size=size, max_size=size, unique=True))
    table = {n: {m: matrix[i][j] for j, m in enumerate(names)} for i, n in enumerate(names)}
    return draw(some.sampled_from((None, matrix, table)))


@some.composite
def problems(draw: some.DrawFn) -> Problem:
    """Any Problem that may be made."""
    cost = draw(costs())
    return Problem(
        Path("/", *draw(PATHS)),
        metric=None if cost else draw(WORDS.filter(lambda w: w != "cost")),
        cost=cost,
        limits=draw(some.dictionaries(some.sampled_from(problem.LIMITS), POSITIVE)),
        format=draw(some.none() | WORDS),
        group=draw(some.none() | WORDS.map(re.escape)),
        splits=draw(some.none() | PATHS.map(lambda parts: Path("/", *parts))),
        turn_masks=draw(some.sampled_from((0, 90, 180, 270))),
        degrade=draw(some.sampled_from((None, "noise 25", "gray, blur 1.6, noise 5"))),
        good=draw(some.none() | WORDS),
        mirror=draw(some.sampled_from(("auto", True, False))),
        allow_leakage=draw(some.booleans()),
        budget=draw(some.floats(10, 1e6) | some.integers(10, 10**6)),
        approaches=draw(some.lists(some.sampled_from(APPROACHES), min_size=1, unique=True)),
        models=draw(some.just("auto") | NAMES),
        losses=draw(some.just("auto") | NAMES),
        preparations=draw(some.just("auto") | NAMES),
        folds=draw(some.integers(2, 100)),
        seeds=draw(some.integers(1, 100)),
        margin=draw(some.floats(0, 10)),
        seed=draw(some.integers(0, 2**32 - 1)),
    )


def read_any(path: Path) -> Problem:
    """problem.read, where names are not compared with what is installed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(installed, "faults", lambda _: iter(()))
        return problem.read(path)


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fixed choice of models and losses behind the doors."""
    doors: dict[str, dict[str, dict[str, str | bool]]] = {
        "models": {
            "hog": {"approach": "classical"},
            "lite0": {"approach": "frozen"},
            "tuned": {"approach": "finetune"},
        },
        "losses": {
            "cross_entropy": {"kind": "single"},
            "focal": {"kind": "single"},
            "bce": {"kind": "multi"},
        },
        "formats": {"folders": {}, "npz": {}},
        "metrics": {},
    }
    monkeypatch.setattr(plugins, "names", lambda kind: tuple(doors[kind]))
    monkeypatch.setattr(
        installed, "about", lambda kind, name: about.About(kind, name, "", "", dict(doors[kind][name]))
    )


# --- as a value ------------------------------------------------------------


def test_the_example_of_the_readme() -> None:
    made = Problem(
        "photos/weeds", task="classify", maximize="macro_f1", limits={"latency_ms": 30}, budget="20 min"
    )
    assert made.data == Path.cwd() / "photos" / "weeds"
    assert (made.metric, made.budget, made.limits) == ("macro_f1", 1200.0, {"latency_ms": 30.0})


def test_defaults() -> None:
    made = Problem("x")
    assert made == Problem(
        "x",
        task="auto",
        metric="auto",
        budget=300,
        approaches=APPROACHES,
        folds=5,
        seeds=3,
        margin=0.01,
        seed=0,
    )
    assert (made.models, made.losses, made.preparations, made.mirror) == ("auto", "auto", "auto", "auto")
    assert (made.format, made.group, made.splits) == (None, None, None)


@settings(deadline=None)
@given(problems())
def test_a_problem_survives_every_way_of_carrying_it(made: Problem) -> None:
    assert Problem(**json.loads(json.dumps(made.to_dict()))) == made
    assert pickle.loads(pickle.dumps(made)) == made
    assert replace(made, seed=1) == replace(made, seed=1, budget=made.budget)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("300", 300),
        ("60s", 60),
        ("5m", 300),
        ("20 min", 1200),
        ("1h", 3600),
        ("1h30m", 5400),
        ("2 Hours 5 minutes", 7500),
        ("1.5 h", 5400),
        (90, 90),
        (12.5, 12.5),
    ],
)
def test_lengths_of_time(text: object, seconds: float) -> None:
    assert readers.seconds(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "soon", "5 x", "m", "-5m", "5m 3", "1:30", True, None, [], 0, -1, float("nan")]
)
def test_what_is_no_length_of_time(text: object) -> None:
    with pytest.raises(ValueError, match="length of time"):
        readers.seconds(text)


@given(some.floats(1e-3, 1e9) | some.integers(1, 10**8))
def test_a_length_of_time_is_written_exactly(length: float) -> None:
    assert readers.seconds(readers.span(length)) == length


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"task": "detekt"}, "did you mean 'detect'"),
        ({"maximize": "log_loss"}, "minimize='log_loss'"),
        ({"minimize": "accuracy"}, "maximize='accuracy'"),
        ({"maximize": "acuracy"}, "did you mean 'accuracy'"),
        ({"maximize": "cost"}, "minimize='cost'"),
        ({"maximize": "accuracy", "metric": "accuracy"}, "one of them"),
        ({"metric": "cost"}, "needs the costs"),
        ({"metric": "auroc", "cost": [[0, 1], [1, 0]]}, "does not use the costs"),
        ({"cost": [[0, 1, 2], [1, 0, 2]]}, "square"),
        ({"cost": [[0, -1], [1, 0]]}, ">= 0"),
        ({"cost": [[0, float("inf")], [1, 0]]}, ">= 0"),
        ({"cost": [[0, 0], [0, 0]]}, "no mistake costs anything"),
        ({"cost": [[1, 0], [0, 1]]}, "rows are truth"),
        ({"cost": {"a": {"a": 2, "b": 1}}}, "rows are truth"),
        ({"cost": {"a": 3}}, "truth = { answer"),
        ({"limits": {"latency": 3}}, "did you mean 'latency_ms'"),
        ({"limits": {"size_mb": 0}}, "above 0"),
        ({"limits": {"size_mb": True}}, "above 0"),
        ({"limits": 3}, "table of latency_ms"),
        ({"budget": "9s"}, "10 seconds"),
        ({"budget": "40 days"}, "length of time"),
        ({"approaches": ["clasical"]}, "did you mean 'classical'"),
        ({"approaches": []}, "at least one"),
        ({"losses": ["focal", "focal"]}, "twice"),
        ({"losses": ["auto", ""]}, "at least one"),
        ({"models": 3}, "list of names of models"),
        ({"folds": 1}, "from 2"),
        ({"folds": True}, "from 2"),
        ({"seeds": 0}, "from 1"),
        ({"seed": -1}, "from 0"),
        ({"margin": -0.1}, "at least 0"),
        ({"margin": float("nan")}, "at least 0"),
        ({"mirror": "yes"}, "true or false"),
        ({"allow_leakage": 1}, "true or false"),
        ({"group": "("}, "regular expression"),
        ({"data": ""}, "path"),
        ({"data": 3}, "path"),
        ({"format": ""}, "name of a format"),
    ],
)
def test_what_is_refused(options: dict[str, Any], said: str) -> None:
    """One error for one fault, with the value that was met."""
    with pytest.raises(ProblemError) as met:
        Problem(**{"data": "x", **options})
    assert said in str(met.value)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(ProblemError) as met:
        Problem("x", folds=1, seeds=0, budget="1s", limits={"size_mb": -1})
    assert len(str(met.value).splitlines()) == 4


def test_a_table_of_costs_becomes_a_matrix() -> None:
    made = Problem("x", cost={"tumour": {"normal": 10}})
    assert made.metric == "cost"
    assert made.cost_matrix(["cyst", "normal", "tumour"]) == ((0, 1, 1), (1, 0, 1), (1, 10, 0))
    assert made.objective(["cyst", "normal", "tumour"]).name == "cost"


def test_costs_must_fit_the_classes() -> None:
    with pytest.raises(ProblemError, match=r"2 rows; expected 3.*a, b, c"):
        Problem("x", cost=[[0, 1], [1, 0]]).validate_classes(["a", "b", "c"])
    with pytest.raises(ProblemError, match=r"no class 'tumor'.*did you mean 'tumour'"):
        Problem("x", cost={"tumor": {"normal": 10}}).validate_classes(["normal", "tumour"])


@pytest.mark.parametrize(
    ("options", "multilabel", "said"),
    [
        ({"metric": "accuracy"}, True, "average_precision"),
        ({"metric": "hamming_accuracy"}, False, "'accuracy'"),
        ({"cost": [[0, 1], [1, 0]]}, True, "metric"),
        ({"losses": ["cross_entropy", "bce"], "metric": "accuracy"}, False, 'losses = "bce"'),
        ({"losses": ["focal"], "metric": "macro_f1"}, True, 'losses = "focal"'),
    ],
)
@pytest.mark.usefixtures("shelf")
def test_what_does_not_fit_the_kind_of_labels(options: dict[str, Any], multilabel: bool, said: str) -> None:
    with pytest.raises(ProblemError, match=said):
        Problem("x", "classify", **options).validate_classes(["a", "b"], multilabel=multilabel)


@pytest.mark.parametrize("name", tasks.NAMES)
@pytest.mark.parametrize("multilabel", [False, True])
def test_the_usual_metric_of_a_task_fits_it(name: str, multilabel: bool) -> None:
    usual = tasks.find(name).usual_metric(multilabel)
    Problem("x", name, metric=usual).validate_classes(["a", "b"], multilabel=multilabel)


def test_what_is_left_open_is_settled_by_the_data() -> None:
    photo = Sample("a.png", Path("a.png"), (0,))
    plain = Dataset("d", Path("d"), "folders", ("a", "b"), (photo,))
    boxed = replace(plain, multilabel=True, samples=(replace(photo, boxes=(Box(0, 0, 1, 1, 0),)),))
    settled = [Problem("x").settled(dataset) for dataset in (plain, boxed)]
    assert [(made.task, made.metric) for made in settled] == [("classify", "accuracy"), ("detect", "mAP50")]
    several = Problem("x", "classify").settled(boxed)  # which kinds are there, wherever they are
    assert several.metric == "average_precision"
    with pytest.raises(ProblemError, match="labels for 'classify'"):
        Problem("x", "detect").settled(plain)
    with pytest.raises(ProblemError, match="task 'classify', this is 'detect'"):
        Problem("x", metric="accuracy").settled(boxed)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"metric": "acuracy"}, "did you mean 'accuracy'"),
        ({"losses": ["focl"]}, "did you mean 'focal'"),
        ({"models": ["lite1"]}, "did you mean 'lite0'"),
        ({"models": ["onnx:nowhere.onnx"]}, "no such file"),
        ({"models": ["hub:"]}, "after the colon"),
        ({"models": ["yolox_nano:nowhere.onnx"]}, "yolox_nano:PATH of the published"),
        ({"models": ["tuned"], "approaches": ["classical"]}, "add the approach or drop the model"),
        ({"preparations": ["clahe", "clae"]}, "did you mean 'clahe'"),
        ({"format": "folder"}, "did you mean 'folders'"),
        ({"margin": 1}, "one point is 0.01"),
        ({"splits": "nowhere"}, "no such folder"),
    ],
)
@pytest.mark.usefixtures("shelf")
def test_names_are_compared_with_what_is_installed(options: dict[str, Any], said: str) -> None:
    made = Problem("x", **options)  # stating it is possible anywhere
    with pytest.raises(ProblemError, match=re.escape(said)):
        made.check()


@pytest.mark.usefixtures("shelf")
def test_a_statement_that_fits_is_let_through(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(b"")
    (tmp_path / "fold0.txt").write_text("")
    models = [
        "lite0",
        f"onnx:{tmp_path / 'net.onnx'}",
        f"yolox_nano:{tmp_path / 'net.onnx'}",
        "hub:some/name",
    ]
    Problem("x", models=models, losses=["focal"], preparations=["plain", "gray"], splits=tmp_path).check()
    Problem("x", metric="log_loss", margin=1, approaches=["frozen"], models=["lite0"]).check()
    (tmp_path / "fold0.txt").unlink()
    (tmp_path / "test.txt").write_text("")
    Problem("x", splits=tmp_path, folds=10).check()


def test_a_number_of_folds_contradicts_given_folds(tmp_path: Path) -> None:
    (tmp_path / "fold0.txt").write_text("")
    with pytest.raises(ProblemError, match=r"fold0\.txt"):
        Problem("x", splits=tmp_path, folds=4).check()


# --- as a file ------------------------------------------------------------


@settings(deadline=None)
@given(made=problems())
def test_the_file_reads_back_exactly(made: Problem, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("p") / "problem.toml"
    problem.write(made, path)
    if made.splits is not None and made.folds == installed.USUAL_FOLDS:
        assert "\nfolds" not in path.read_text()
    assert read_any(path) == made


@settings(deadline=None)
@example(parts=["auto"])
@example(parts=["~", "photos"])
@given(parts=PATHS)
def test_what_lies_beside_the_file_moves_with_it(
    parts: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    old, new = (tmp_path_factory.mktemp(name) for name in ("old", "new"))
    models = (f"onnx:{Path(old, *parts)}",)
    problem.write(Problem(Path(old, *parts), splits=Path(old, *parts), models=models), old / "problem.toml")
    (new / "problem.toml").write_bytes((old / "problem.toml").read_bytes())
    moved = read_any(new / "problem.toml")
    assert (moved.data, moved.splits, moved.models) == (
        Path(new, *parts),
        Path(new, *parts),
        (f"onnx:{Path(new, *parts)}",),
    )


def test_every_choice_is_spelled_out_with_a_reason(tmp_path: Path) -> None:
    problem.write(Problem("x"), tmp_path / "problem.toml")
    text = (tmp_path / "problem.toml").read_text()
    keys = set(re.findall(r"^(?:# )?(\w+) = ", text, re.MULTILINE)) | set(
        re.findall(r"^\[(\w+)\]", text, re.MULTILINE)
    )
    assert keys >= set(Problem("x").to_dict())
    for block in text.split("\n\n"):
        assert block.startswith("# ")
    assert max(map(len, text.splitlines())) <= 100


FAULTY = """\
# a comment
dta = "x"
budget = "5m"
metric = "acuracy"
limits = { latency_ms = -1 }

[search]
losses = [
  "focal",
  "focal",
]
folds = 1
aproaches = "frozen"
"""


@pytest.mark.usefixtures("shelf")
def test_each_fault_of_a_file_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "problem.toml"
    path.write_text(FAULTY)
    with pytest.raises(ProblemError) as met:
        problem.read(path)
    told = str(met.value).splitlines()
    assert [int(line.removeprefix(f"{path}:").split(":")[0]) for line in told] == [2, 3, 5, 8, 12, 13]
    for line, word in zip(
        told,
        ["'data'", "under [search]", "latency_ms = -1", "twice", "folds = 1", "'approaches'"],
        strict=True,
    ):
        assert word in line
    path.write_text(FAULTY[FAULTY.index("metric") : FAULTY.index("limits")] + "data = 'x'\n")
    with pytest.raises(ProblemError, match=re.escape(f"{path}:1: ") + ".*'accuracy'"):
        problem.read(path)


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        (b"", 1, "no key data"),
        (b"data = photos\n", 1, "not valid TOML"),
        (b"data = 'x'\nfolds = 5\n", 2, "under [search]"),
        (b"data = 'x'\n[search]\nmetric = 'auroc'\n", 3, "above all sections"),
        (b"data = 'x'\nsearch = 3\n", 2, "a section [search]"),
        (b"data = 'x'\nlimits = 3\n", 2, "a section [limits]"),
        (b"data = 'x'\n[limits]\nlatncy_ms = 3\n", 3, "did you mean 'latency_ms'"),
        (b"data = 'x'\n[serch]\nfolds = 3\n", 2, "unknown key 'serch'"),
        (b"data = 'x'\ncost = [[0, 1], [1, 0]]\nmetric = 'accuracy'\n", 3, "does not use the costs"),
        (b"data = 'x'\n[cost.a]\nb = -1\n", 2, ">= 0"),
        (b"data = 1979-05-27\n", 1, "1979"),
    ],
)
@pytest.mark.usefixtures("shelf")
def test_one_fault_is_one_line(content: bytes, line: int, said: str, tmp_path: Path) -> None:
    path = tmp_path / "problem.toml"
    path.write_bytes(content)
    with pytest.raises(ProblemError) as met:
        problem.read(path)
    assert str(met.value).startswith(f"{path}:{line}: ") and said in str(met.value)
    assert len(str(met.value).splitlines()) == 1


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ProblemError, match="UTF-8"):
        problem.read(tmp_path / "a.toml")
    for path in (tmp_path / "missing.toml", tmp_path):
        with pytest.raises(ProblemError, match="objectif init"):
            problem.read(path)


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "problem.toml"
    problem.write(Problem("x"), path)
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(ProblemError, match="No space left"):
        problem.write(Problem("y"), path)
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["problem.toml"]
    with pytest.raises(ProblemError, match="folder that exists"):
        problem.write(Problem("x"), tmp_path / "nowhere" / "problem.toml")


def test_a_path_of_raw_bytes_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match="Rename"):
        problem.write(Problem(os.fsdecode(b"/x\xff")), tmp_path / "problem.toml")


def test_stating_a_problem_needs_no_torch() -> None:
    script = (
        "import sys, objectif; p = objectif.Problem('x', maximize='accuracy', losses=['focal']); p.to_dict();"
        "print([m for m in ('torch', 'onnxruntime', 'transformers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("turn", [45, -90, 360, True, "180", 90.0, None])
def test_masks_are_turned_by_right_angles_alone(turn: Any) -> None:
    with pytest.raises(ProblemError, match=r"turn_masks = .*expected 0, 90, 180 or 270, degrees"):
        Problem("x", turn_masks=turn)
