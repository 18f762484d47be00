"""The program's door: its help, its quickness, its exit codes, what it says when it is misused."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from importlib import import_module

import pytest
import typer

from objectif import cli
from objectif.errors import ObjectifError, PartialError, ProblemError

HEAVY = ("torch", "onnxruntime", "numpy", "cv2", "typer", "rich", "pydantic", "importlib.metadata")


@pytest.fixture
def verb(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., object]], str]:
    """Adds a verb called 'fake' whose command is the function given."""

    def add(command: Callable[..., object]) -> str:
        module = types.ModuleType("objectif.cli.fake")
        module.command = command  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "objectif.cli.fake", module)
        monkeypatch.setitem(cli.VERBS, "fake", "A verb for a test.")
        return "fake"

    return add


@pytest.mark.parametrize("name", cli.VERBS)
def test_the_help_table_repeats_each_docstring(name: str) -> None:
    doc = import_module(f"objectif.cli.{name}").command.__doc__
    assert doc.strip().split("\n")[0] == cli.VERBS[name]


def test_help_names_every_verb_and_every_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(f"  {name} " in shown and line in shown for name, line in cli.VERBS.items())
    codes = {c.exit_code for c in _family(ObjectifError)} - {1}
    assert codes and all(f" {code} " in shown for code in codes)


def test_help_imports_nothing_heavy_and_scans_no_plugins() -> None:
    script = (
        "import sys; from objectif.cli import main; code = main(['--help']);"
        f"print([m for m in {HEAVY!r} if m in sys.modules], code, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[] 0"


def test_help_is_quick() -> None:
    """Processor time, the least of five, so that a busy machine does not fail it."""
    spent = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        program = "import sys; from objectif.cli import main; sys.exit(main())"
        subprocess.run([sys.executable, "-c", program, "--help"], capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(spent) < 0.3


def test_no_verb_is_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 2
    assert "usage: objectif" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    from objectif import __version__

    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"objectif {__version__}\n"


@pytest.mark.parametrize(("word", "meant"), [("sovle", "solve"), ("inspekt", "inspect"), ("lst", "list")])
def test_an_unknown_verb_is_named_and_a_near_one_proposed(
    word: str, meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([word]) == 2
    shown = capsys.readouterr()
    assert repr(word) in shown.err and repr(meant) in shown.err and not shown.out


def _exit_5() -> None:
    raise typer.Exit(code=5)


def _refuse() -> None:
    raise ProblemError("value, expectation, remedy")


def _partial() -> None:
    raise PartialError("3 of 9 failed")


def _interrupt() -> None:
    raise KeyboardInterrupt


def _no_torch() -> None:
    raise ModuleNotFoundError("No module named 'torch'", name="torch")


def _fine() -> None:
    print("done")


@pytest.mark.parametrize(
    ("command", "code"),
    [(_fine, 0), (_exit_5, 5), (_refuse, 2), (_partial, 5), (_interrupt, 130), (_no_torch, 2)],
)
def test_exit_codes_come_through(
    command: Callable[[], None], code: int, verb: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([verb(command)]) == code
    assert "Traceback" not in capsys.readouterr().err


def test_an_error_of_ours_is_one_line_on_stderr(
    verb: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    cli.main([verb(_refuse)])
    assert capsys.readouterr() == ("", "error: value, expectation, remedy\n")


def test_a_missing_training_package_names_the_remedy(
    verb: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    cli.main([verb(_no_torch)])
    assert "objectif[train]" in capsys.readouterr().err


def test_a_mistake_of_ours_keeps_its_traceback(verb: Callable[..., str]) -> None:
    def bug() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        cli.main([verb(bug)])


@pytest.mark.parametrize(
    ("arguments", "word"), [(["--nope"], "--nope"), (["x"], "count"), ([], "count"), (["1", "2"], "2")]
)
def test_misuse_of_a_verb_is_2_and_says_how(
    arguments: list[str], word: str, verb: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    def command(count: int) -> None:
        """Count."""

    assert cli.main([verb(command), *arguments]) == 2
    shown = capsys.readouterr()
    assert word in shown.err.lower() and "objectif fake --help" in shown.err and not shown.out


@pytest.mark.parametrize("buffering", [[], ["-u"]], ids=["buffered", "unbuffered"])
def test_a_reader_that_leaves_is_no_error(buffering: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    program = "import sys; from objectif.cli import main; sys.exit(main())"
    command = [sys.executable, *buffering, "-c", program, "list", "metrics"]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")


def _family(root: type[ObjectifError]) -> Iterator[type[ObjectifError]]:
    for child in root.__subclasses__():
        yield child
        yield from _family(child)
