"""objectif serve: what it refuses before it listens, and what it says where the web packages are missing."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from objectif import cli

TOKEN = "0123456789abcdef"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--host", "0.0.0.0"], "expected a --token too"),
        (["--host", "0.0.0.0", "--token", "short"], "expected at least 16"),
        (["--host", "example.org", "--token", TOKEN], "is no address"),
        (["--port", "0"], "expected 1 to 65535"),
        (["--root", "nowhere"], "--root nowhere is not a folder"),
    ],
)
def test_what_cannot_be_served_safely_is_refused(
    options: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("nicegui", reason="the web application is not installed: pip install 'objectif[web]'")
    monkeypatch.chdir(tmp_path)
    assert cli.main(["serve", *options]) == 2
    assert message in capsys.readouterr().err


def test_a_port_that_is_taken_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("nicegui", reason="the web application is not installed: pip install 'objectif[web]'")
    monkeypatch.chdir(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert cli.main(["serve", "--port", str(port)]) == 2
    assert f"cannot listen on 127.0.0.1, port {port}" in capsys.readouterr().err


def test_without_the_web_packages_the_remedy_is_said() -> None:
    script = (
        "import sys; sys.modules['fastapi'] = None; from objectif.cli import main; sys.exit(main(['serve']))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 2
    assert "pip install 'objectif[web]'" in done.stderr


def test_the_web_room_imports_no_torch() -> None:
    pytest.importorskip("nicegui", reason="the web application is not installed: pip install 'objectif[web]'")
    script = "import sys, objectif.web.server, objectif.web.studio; print('torch' in sys.modules, 'objectif.learn' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
