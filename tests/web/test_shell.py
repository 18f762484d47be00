"""The Shell that applications' pages are handed: what the protocol says, on a server's parts and on a listening server."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from objectif import shell as protocol
from objectif.errors import ImageError, InputError, SolutionError
from objectif.solution.file import Solution
from objectif.web.house import House, PageShell
from objectif.web.settings import Settings

from .conftest import ODD
from .test_predict import photo


def nothing(path: str, title: str, *, bare: bool = False) -> Callable[[Any], Any]:
    """Where no page is served."""
    return lambda build: build


def in_house(room: Settings, do: Callable[[PageShell], Any]) -> Any:
    """The result of an async function of a Shell."""

    async def run() -> Any:
        house = House(room)
        try:
            return await do(PageShell(house, "lens", nothing))
        finally:
            await house.close()

    return asyncio.run(run())


def test_the_shell_has_all_that_the_protocol_says(room: Settings) -> None:
    async def names(shell: PageShell) -> set[str]:
        return {name for name in dir(shell) if not name.startswith("_")}

    said = {
        name for name, _ in inspect.getmembers(protocol.Shell, inspect.isfunction) if not name.startswith("_")
    }
    assert said | set(protocol.Shell.__annotations__) <= in_house(room, names)


def test_an_answer_comes_with_what_the_network_said(room: Settings) -> None:
    async def answer(shell: PageShell) -> Any:
        one = await shell.answer("colours", photo((0, 0, 250)), name=ODD)
        other = await shell.answer("colours", room.roots[0] / "red.png")
        with pytest.raises(InputError, match="is not in a folder"):
            await shell.answer("colours", Path("/etc/passwd"))
        with pytest.raises(ImageError, match="no image that can be read"):
            await shell.answer("colours", b"nothing")
        return one, other

    one, other = in_house(room, answer)
    assert (one.answer.path, one.answer.label, one.size) == (ODD, "blue", (40, 60))
    assert one.outputs["scores"].shape == (3,) and int(np.argmax(one.outputs["scores"])) == 2
    assert other.answer.label == "red"


def test_solutions_are_put_on_the_shelf_and_found(
    room: Settings, colours: Callable[..., Solution], tmp_path: Path
) -> None:
    async def put(shell: PageShell) -> Any:
        path = colours().save(tmp_path / "mine.objectif")
        found = [shell.put(path, "My flowers"), shell.put(path), shell.put(path)]
        (tmp_path / "no.objectif").write_bytes(b"x")
        with pytest.raises(SolutionError):
            shell.put(tmp_path / "no.objectif")
        with pytest.raises(InputError, match="no Solution is called 'nobody'"):
            shell.solution("nobody")
        return found, [one.name for one in shell.solutions()], shell.solution("mine").classes

    found, names, classes = in_house(room, put)
    assert [(one.name, one.title) for one in found] == [
        ("My-flowers", "My flowers"),
        ("mine", "mine"),
        ("mine-2", "mine-2"),
    ]
    assert names == ["My-flowers", "colours", "letters", "mine", "mine-2"]
    assert classes == ("red", "green", "blue")


def test_folders_and_pictures_stay_where_they_may(room: Settings) -> None:
    async def places(shell: PageShell) -> Any:
        with pytest.raises(InputError, match="is no name for a folder"):
            shell.folder("..")
        with pytest.raises(InputError, match="expected 64 to 1600"):
            shell.picture("red.png", 9)
        with pytest.raises(InputError):
            shell.picture("../x.png")
        return shell.folder("teach", "rose"), shell.picture(f"{ODD}.jpg", 64)

    folder, url = in_house(room, places)
    assert folder == room.shelf / "pages" / "lens" / "teach" / "rose" and folder.is_dir()
    assert "<" not in url and url.startswith("/api/v1/thumbnail?path=")
