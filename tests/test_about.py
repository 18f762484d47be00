"""What is said of plug-ins without importing them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from objectif import about, plugins

PLUGIN = '''"""Losses of a stranger: none is good.

More.
"""
raise RuntimeError("imported")
from dataclasses import dataclass


@dataclass
class Odd:
    scale: float
    title: str
    kind: "str" = "single"
    convex = True


class Even:
    kind = "multi"

    def __init__(self, title, other=3):
        self.title = title


def make(name: str, title: str):
    return Odd(2.0, title, kind="multi")


ODD = Odd(1.0, "Odd", convex=False)
EVEN: Even = Even("Even")
MADE = make("made", title="Made")
HIDDEN = make("x", "a" + "b")
'''


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package outside objectif whose modules must not be imported, behind the door of losses."""
    folder = tmp_path / "stranger" / "deep"
    folder.mkdir(parents=True)
    (tmp_path / "stranger" / "__init__.py").write_text("raise RuntimeError('imported')")
    (folder / "losses.py").write_text(PLUGIN)
    (folder / "broken.py").write_text("def (:")
    monkeypatch.syspath_prepend(tmp_path)
    entries = {
        name.lower(): EntryPoint(name.lower(), f"stranger.deep.losses:{name}", "objectif.losses")
        for name in ("ODD", "EVEN", "MADE", "HIDDEN", "GONE")
    }
    entries["broken"] = EntryPoint("broken", "stranger.deep.broken:X", "objectif.losses")
    entries["missing"] = EntryPoint("missing", "nowhere.at.all:X", "objectif.losses")
    entries["native"] = EntryPoint("native", "stranger:X.y", "objectif.losses")
    monkeypatch.setattr(plugins, "door", lambda kind: entries if kind == "losses" else {})
    about.about.cache_clear()
    yield
    about.about.cache_clear()


@pytest.mark.usefixtures("stranger")
@pytest.mark.parametrize(
    ("name", "constants"),
    [
        ("odd", {"title": "Odd", "kind": "single", "convex": False}),
        ("even", {"title": "Even", "kind": "multi"}),
        ("made", {"name": "made", "title": "Made", "kind": "multi"}),
        ("hidden", {"name": "x", "kind": "multi"}),
        ("gone", {}),
    ],
)
def test_the_source_is_read_not_run(name: str, constants: dict[str, object]) -> None:
    known = about.about("losses", name)
    assert known.constants == constants
    assert known.summary == "Losses of a stranger: none is good."


@pytest.mark.usefixtures("stranger")
@pytest.mark.parametrize("name", ["broken", "missing", "native"])
def test_what_cannot_be_read_is_not_guessed(name: str) -> None:
    known = about.about("losses", name)
    assert (known.summary, known.constants) == ("", {})


@pytest.mark.parametrize("kind", plugins.DOORS)
def test_each_built_in_says_what_it_is(kind: str) -> None:
    for name in plugins.names(kind):
        known = about.about(kind, name)
        assert known.summary and known.package, name


def test_what_the_source_says_is_what_the_object_says() -> None:
    """Loads every built-in model and loss: a definition that is misread fails here."""
    pytest.importorskip("torch")
    for kind, keys in (("models", ("approach", "title")), ("losses", ("kind", "title"))):
        for name in plugins.names(kind):
            thing, known = plugins.load(kind, name), about.about(kind, name)
            assert keys[0] in known.constants, (kind, name)
            for key in keys:
                assert known.constants.get(key, getattr(thing, key)) == getattr(thing, key), (kind, name, key)


def test_listing_imports_no_torch() -> None:
    script = (
        "import sys; from objectif.cli import main; code = main(['list', '--json']);"
        "print([m for m in ('torch', 'onnxruntime', 'cv2') if m in sys.modules], code, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[] 0"
