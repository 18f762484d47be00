"""`objectif predict`, as it is called from a shell."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from objectif.cli import main
from objectif.run.predictor import load
from objectif.solution.file import Solution, write

Paint = Callable[..., Path]
SHELL = [sys.executable, "-c", "import sys; from objectif.cli import main; sys.exit(main())", "predict"]


@pytest.fixture
def solution(colours: Callable[..., Solution], tmp_path: Path) -> str:
    return str(write(tmp_path / "colours.objectif", colours()))


def main_scores(solution: str, precision: str, path: str) -> dict[str, float]:
    """Scores as the Python side gives them."""
    [answer] = load(solution, precision=precision).predict([path])  # type: ignore[arg-type]
    return answer.as_dict()["scores"]  # type: ignore[union-attr, return-value]


def rows(output: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.decode().splitlines()]


def test_json_lines_in_order(solution: str, paint: Paint, capfdbinary: Any) -> None:
    names = [str(paint(f"{colour} {k}.png", colour)) for k in range(3) for colour in ("red", "blue", "green")]
    assert main(["predict", solution, *names]) == 0
    out, err = capfdbinary.readouterr()
    found = rows(out)
    assert [row["path"] for row in found] == names
    assert [row["label"] for row in found] == ["red", "blue", "green"] * 3
    assert all(list(row) == ["path", "label", "scores"] for row in found)
    assert all(abs(sum(row["scores"].values()) - 1) < 1e-5 for row in found)
    assert err == b""


def test_csv_has_a_header_and_a_column_for_each_class(solution: str, paint: Paint, capfdbinary: Any) -> None:
    odd = paint('comma, "quote"\nline.png', "green")
    assert main(["predict", solution, str(odd), "--csv"]) == 0
    [row] = csv.DictReader(io.StringIO(capfdbinary.readouterr().out.decode(), newline=""))
    assert (row["path"], row["label"]) == (str(odd), "green")
    assert list(row) == ["path", "label", "score:red", "score:green", "score:blue"]


def test_bad_files_are_reported_and_lose_nothing(
    solution: str, paint: Paint, tmp_path: Path, capfdbinary: Any
) -> None:
    folder = paint("d/a.png", "red").parent
    (folder / "b.png").write_bytes(paint("x.png", "red").read_bytes()[:90])
    (folder / "c.jpg").touch()
    paint("d/e.png", "blue")
    assert main(["predict", solution, str(folder), str(tmp_path / "gone.png")]) == 5
    out, err = capfdbinary.readouterr()
    assert [row["label"] for row in rows(out)] == ["red", "blue"]
    for name in ("b.png", "c.jpg", "gone.png"):
        assert name.encode() in err
    assert b"3 of 5 inputs failed" in err


@pytest.mark.parametrize("inputs", [["nothing-*.png"], ["missing.png"], ["."], []])
def test_nothing_found_is_a_usage_error(
    solution: str, inputs: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["predict", solution, *inputs]) == 2
    out, err = capfdbinary.readouterr()
    assert out == b""
    assert err


@pytest.mark.parametrize("precision", ["fp32", "int8", "auto"])
def test_a_precision_may_be_chosen(solution: str, paint: Paint, capfdbinary: Any, precision: str) -> None:
    assert (
        main(["predict", solution, str(paint("a.png", "red")), "--precision", precision, "--batch", "1"]) == 0
    )
    [row] = rows(capfdbinary.readouterr().out)
    scores = {name: main_scores(solution, name, row["path"]) for name in ("fp32", "int8")}
    assert (
        row["scores"]
        == scores["int8" if precision == "int8" else "fp32"]
        != scores["fp32" if precision == "int8" else "int8"]
    )


def test_an_output_file_is_whole_or_not_there(
    solution: str, paint: Paint, tmp_path: Path, capfdbinary: Any
) -> None:
    good, out = str(paint("a.png", "red")), tmp_path / "out" / "answers.jsonl"
    assert main(["predict", solution, good, "--out", str(out)]) == 2  # no such folder
    assert b"cannot write" in capfdbinary.readouterr().err
    out.parent.mkdir()
    out.write_text("before")
    assert main(["predict", solution, "missing.png", "--out", str(out)]) == 2
    assert out.read_text() == "before"
    assert main(["predict", solution, good, "--out", str(out)]) == 0
    assert [row["label"] for row in rows(out.read_bytes())] == ["red"]
    assert capfdbinary.readouterr().out == b""
    assert os.listdir(out.parent) == [out.name]


def test_a_full_disk_is_one_clear_message(solution: str, paint: Paint, capfdbinary: Any) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full on this system")
    good = str(paint("a.png", "red"))
    assert main(["predict", solution, good, "--out", "/dev/full"]) == 2
    assert b"No space left" in capfdbinary.readouterr().err
    with open("/dev/full", "wb") as full:
        child = subprocess.run([*SHELL, solution, good], stdout=full, stderr=subprocess.PIPE, check=False)
    assert child.returncode == 2
    assert child.stderr.count(b"\n") == 1
    assert b"No space left" in child.stderr


@pytest.mark.parametrize("damage", ["cut", "altered", "missing"])
def test_a_bad_solution_is_one_clear_message(
    solution: str, paint: Paint, capfdbinary: Any, damage: str
) -> None:
    path = Path(solution)
    whole = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(whole[:500] if damage == "cut" else whole.replace(b"Conv", b"ConV"))
    assert main(["predict", solution, str(paint("a.png", "red"))]) == 2
    out, err = capfdbinary.readouterr()
    assert out == b""
    assert err.startswith(b"error: ")
    assert err.count(b"\n") == 1


def test_names_that_are_not_unicode_pass_through(
    solution: str, paint: Paint, tmp_path: Path, capfdbinary: Any
) -> None:
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.png")
    os.rename(paint("a.png", "red"), odd)
    assert main(["predict", solution, odd]) == 0
    assert rows(capfdbinary.readouterr().out)[0]["path"] == odd
    assert main(["predict", solution, odd, "--csv"]) == 0
    assert b"/\xff.png,red," in capfdbinary.readouterr().out


def test_a_list_on_stdin_is_answered_while_it_grows(solution: str, paint: Paint) -> None:
    child = subprocess.Popen([*SHELL, solution, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdin
    assert child.stdout
    for colour in ("red", "green", "blue"):
        child.stdin.write(f"{paint(f'{colour}.png', colour)}\n".encode())
        child.stdin.flush()
        assert json.loads(child.stdout.readline())["label"] == colour  # hangs if it waits for the next name
    child.stdin.close()
    assert child.wait(20) == 0
    child.stdout.close()


def test_ctrl_c_ends_cleanly_while_a_list_is_open(solution: str, paint: Paint) -> None:
    child = subprocess.Popen(
        [*SHELL, solution, "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # a shell that starts the suite in the background has its children ignore Ctrl-C
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert child.stdin
    assert child.stdout
    assert child.stderr
    child.stdin.write(f"{paint('a.png', 'red')}\n".encode())
    child.stdin.flush()
    assert child.stdout.readline()
    child.send_signal(signal.SIGINT)
    assert child.wait(20) == 130
    assert child.stderr.read() in {b"", b"stopped\n"}
    for stream in (child.stdin, child.stdout, child.stderr):
        stream.close()


def test_a_closed_pipe_ends_cleanly(solution: str, paint: Paint, tmp_path: Path) -> None:
    paint("d/000.png", "red")
    for k in range(1, 400):
        (tmp_path / f"d/{k:03d}.png").hardlink_to(tmp_path / "d/000.png")
    child = subprocess.Popen(
        [*SHELL, solution, str(tmp_path / "d")], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert child.stdout
    assert child.stderr
    assert child.stdout.readline()
    child.stdout.close()
    assert child.wait(20) == 0
    assert child.stderr.read() == b""
    child.stderr.close()


def test_neither_torch_nor_what_only_people_need_is_imported(solution: str, paint: Paint) -> None:
    code = (
        "import sys; from objectif.cli import main; main(); "
        "sys.exit(' '.join(m for m in ('torch', 'rich', 'scipy', 'onnx', 'sklearn', 'asyncio') if m in sys.modules))"
    )
    command = [sys.executable, "-c", code, "predict", solution, str(paint("a.png", "red"))]
    child = subprocess.run(command, capture_output=True, check=False)
    assert child.stderr.decode().strip() == ""


def test_one_image_is_answered_in_well_under_two_seconds(solution: str, paint: Paint) -> None:
    taken = []
    for _ in range(3):
        start = time.perf_counter()
        subprocess.run([*SHELL, solution, str(paint("a.png", "red"))], check=True, capture_output=True)
        taken.append(time.perf_counter() - start)
    assert min(taken) < 5  # a guard against a new import of seconds; benchmarks/ has the figure itself


@pytest.fixture
def detector(squares: Callable[..., Solution], tmp_path: Path) -> str:
    return str(write(tmp_path / "squares.objectif", squares(reference=(64, 64))))


@pytest.fixture
def pictures(rectangles: Callable[..., Any], tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    """A folder of three pictures, one of them empty and one large, and the boxes in each."""
    from PIL import Image

    drawn = {
        "a.png": rectangles(64, 64, 1),
        "b.png": rectangles(64, 64, 2),
        "c/large.jpg": rectangles(200, 300, 3),
    }
    drawn["b.png"][0][:] = 0
    for name, (pixels, _) in drawn.items():
        path = tmp_path / "pictures" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(
            path, quality=98, subsampling=0
        ) if path.suffix == ".jpg" else Image.fromarray(pixels).save(path)
    boxes = {name: (found if name != "b.png" else found[:0]) for name, (_, found) in drawn.items()}
    return tmp_path / "pictures", boxes


def test_boxes_as_json_lines(detector: str, pictures: Any, capfdbinary: Any) -> None:
    folder, boxes = pictures
    assert main(["predict", detector, str(folder)]) == 0
    found = {
        Path(row["path"]).relative_to(folder).as_posix(): row for row in rows(capfdbinary.readouterr().out)
    }
    assert set(found) == set(boxes)
    for name, row in found.items():
        assert list(row) == ["path", "boxes", "labels", "scores"]
        assert len(row["boxes"]) == len(row["labels"]) == len(row["scores"]) == len(boxes[name])
    exact = sorted(map(tuple, found["a.png"]["boxes"]))
    assert exact == sorted(map(tuple, boxes["a.png"][:, :4].tolist()))
    assert main(["predict", detector, str(folder), "--tile", "off"]) == 0
    whole = rows(capfdbinary.readouterr().out)
    assert len(whole[-1]["boxes"]) != len(boxes["c/large.jpg"])


def test_boxes_as_csv_are_data_again(detector: str, pictures: Any, tmp_path: Path, capfdbinary: Any) -> None:
    from objectif.data.load import load as load_data

    folder, boxes = pictures
    table = tmp_path / "boxes.csv"
    assert main(["predict", detector, str(folder), "--to", "csv", "--out", str(table)]) == 0
    read_back = list(csv.DictReader(io.StringIO(table.read_text(), newline="")))
    assert list(read_back[0]) == ["path", "x1", "y1", "x2", "y2", "label", "score"]
    counts = {
        name: sum(row["path"].endswith(name) and row["label"] != "" for row in read_back) for name in boxes
    }
    assert counts == {name: len(found) for name, found in boxes.items()}
    assert any(row["path"].endswith("b.png") and row["x1"] == "" for row in read_back)
    dataset = load_data(table)
    assert sum(len(sample.boxes or ()) for sample in dataset.samples) == sum(map(len, boxes.values()))


def test_boxes_as_one_coco_table(detector: str, pictures: Any, tmp_path: Path, capfdbinary: Any) -> None:
    folder, boxes = pictures
    out = tmp_path / "boxes.json"
    assert main(["predict", detector, str(folder), "--to", "coco", "--out", str(out)]) == 0
    first = out.read_bytes()
    table = json.loads(first)
    assert table["categories"] == [{"id": 1, "name": "red"}, {"id": 2, "name": "green"}]
    assert [i["id"] for i in table["images"]] == [1, 2, 3]
    assert {(i["width"], i["height"]) for i in table["images"]} == {(64, 64), (300, 200)}
    assert [a["id"] for a in table["annotations"]] == list(range(1, 1 + sum(map(len, boxes.values()))))
    one = table["annotations"][0]
    assert set(one) == {"id", "image_id", "category_id", "bbox", "area", "iscrowd", "score"}
    x, y, width, height = one["bbox"]
    assert [x, y, x + width, y + height, one["category_id"] - 1] in boxes["a.png"].tolist()
    assert main(["predict", detector, str(folder), "--to", "coco", "--out", str(out)]) == 0
    assert out.read_bytes() == first


def test_overlays_keep_names_and_folders(
    detector: str, pictures: Any, tmp_path: Path, capfdbinary: Any
) -> None:
    from objectif.images.photo import read

    folder, boxes = pictures
    out = tmp_path / "drawn"
    assert main(["predict", detector, str(folder), "--to", "overlays", "--out", str(out)]) == 0
    assert {p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()} == set(boxes)
    assert not (read(out / "a.png") == 230).all()
    assert capfdbinary.readouterr().out == b""
    same = [str(folder / "a.png"), str(folder / "c" / "large.jpg"), str(folder / "a.png")]
    assert main(["predict", detector, *same, "--to", "overlays", "--out", str(tmp_path / "flat")]) == 0
    assert sorted(p.name for p in (tmp_path / "flat").iterdir()) == ["a-2.png", "a.png", "large.jpg"]


def test_overlays_never_go_over_the_pictures(detector: str, pictures: Any, capfdbinary: Any) -> None:
    folder, _ = pictures
    before = (folder / "a.png").read_bytes()
    for options in (["--out", str(folder)], [], ["--out", str(folder / "a.png")]):
        assert main(["predict", detector, str(folder), "--to", "overlays", *options]) == 2
    assert b"expected" in capfdbinary.readouterr().err
    assert (folder / "a.png").read_bytes() == before


@pytest.mark.parametrize(
    ("form", "needed"),
    [("coco", "boxes or masks"), ("overlays", "boxes or masks"), ("masks", "masks"), ("instances", "masks"), ("geojson", "masks")],
)  # fmt: skip
def test_a_form_that_does_not_fit_labels_is_refused(
    solution: str, paint: Paint, capfdbinary: Any, form: str, needed: str
) -> None:
    assert main(["predict", solution, str(paint("a.png", "red")), "--to", form]) == 2
    out, err = capfdbinary.readouterr()
    assert out == b""
    assert f"needs answers with {needed};".encode() in err
    assert b"Use --to jsonl, csv or explanations" in err


@pytest.mark.parametrize("form", ["masks", "instances", "geojson"])
def test_a_form_that_does_not_fit_boxes_is_refused(
    detector: str, pictures: Any, tmp_path: Path, capfdbinary: Any, form: str
) -> None:
    out = tmp_path / "forms"
    assert main(["predict", detector, str(pictures[0]), "--to", form, "--out", str(out)]) == 2
    assert b"needs answers with masks; this Solution has the task 'detect'" in capfdbinary.readouterr().err
    assert not out.exists()


def test_a_table_is_a_csv(solution: str, paint: Paint, capfdbinary: Any) -> None:
    name = str(paint("a.png", "red"))
    assert main(["predict", solution, name, "--to", "table"]) == 0
    table = capfdbinary.readouterr().out
    assert main(["predict", solution, name, "--to", "csv"]) == 0
    assert capfdbinary.readouterr().out == table


@pytest.mark.parametrize("tile", ["on", "0", "-3", "7", "1e3"])
def test_a_tile_is_auto_off_or_pixels(detector: str, pictures: Any, capfdbinary: Any, tile: str) -> None:
    assert main(["predict", detector, str(pictures[0]), "--tile", tile]) == 2
    out, err = capfdbinary.readouterr()
    assert out == b""
    assert b"expected auto, off" in err
