"""Contract tests for an application: `objectif check lens`, or check_app("lens") in a test of one's own.

What all applications owe: a problem that the installed parts can solve, a way from answers to advice that says how sure it
is, an import that needs neither torch nor a web library, a README.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np

from objectif import plugins
from objectif.problem import Problem
from objectif.run.check import Check

HEAVY = ("torch", "nicegui", "fastapi", "objectif.learn")


def check_app(name: str) -> list[Check]:
    """Whether the application `name` keeps its contract; PluginError where there is none of that name.

    Its problem() is shown a small folder of labelled pictures; one that needs other data brings `example(folder: Path) ->
    Path`, which writes a few and returns what to give to problem().
    """
    app: plugins.App = plugins.load("apps", name)
    with tempfile.TemporaryDirectory(prefix="objectif-") as folder:
        base = Path(folder)
        return [
            _step("name", lambda: _named(app, name), name),
            _step("imports lightly", lambda: _light(name), "neither torch nor a web library"),
            _step("tells what it is", lambda: _told(name), "README.md"),
            _step("states a problem", lambda: _stated(app, base), "one that the installed parts know"),
            _step("ends in advice", lambda: _advises(app, base), "lines that say how sure, the same twice"),
        ]


def _step(name: str, work: Callable[[], None], detail: str) -> Check:
    try:
        work()
    except Exception as error:  # whatever a plug-in raises is what is to be reported
        return Check(name, False, f"{type(error).__name__}: {error}")
    return Check(name, True, detail)


def _named(app: plugins.App, name: str) -> None:
    _must(app.name == name, f"is called {app.name!r}; expected {name!r}")
    _must(isinstance(app.title, str) and app.title.strip(), f"title is {app.title!r}; expected words")


def _module(name: str) -> str:
    return plugins.door("apps")[name].value.partition(":")[0]


def _light(name: str) -> None:
    code = f"import sys, {_module(name)}; print(*(m for m in {HEAVY!r} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    _must(done.returncode == 0, done.stderr.strip()[-300:])
    _must(not done.stdout.strip(), f"importing it imports {done.stdout.strip()}")


def _told(name: str) -> None:
    found = find_spec(_module(name))
    page = Path(str(found and found.origin)).parent / "README.md"
    _must(page.is_file() and page.read_text(encoding="utf-8").strip(), f"{page} is missing or empty")


def _stated(app: plugins.App, base: Path) -> None:
    folder = base / "data"
    folder.mkdir()
    example = getattr(app, "example", _pictures)
    problem = app.problem(example(folder))
    _must(isinstance(problem, Problem), f"problem() gave {type(problem).__name__}; expected a Problem")
    problem.check()


def _pictures(folder: Path) -> Path:
    """Folders of two labels, four pictures each."""
    random = np.random.default_rng(0)
    for label in ("ash", "birch"):
        (folder / label).mkdir()
        for number in range(4):
            cv2.imwrite(
                str(folder / label / f"{number}.png"), random.integers(0, 255, (12, 16, 3), dtype=np.uint8)
            )
    return folder


def _advises(app: plugins.App, base: Path) -> None:
    told = []
    for number in range(2):
        folder = base / f"rehearsal-{number}"
        folder.mkdir()
        told.append(list(app.rehearse(folder)))
    good = bool(told[0]) and all(isinstance(line, str) for line in told[0])
    _must(good, f"rehearse() gave {told[0]!r}; expected lines")
    _must(told[0] == told[1], "two rehearsals differ; expected the same advice for the same answers")
    _must(any(sign.isdigit() for line in told[0] for sign in line), "no line says by a figure how sure it is")


def _must(holds: object, otherwise: str) -> None:
    if not holds:
        raise AssertionError(otherwise)
