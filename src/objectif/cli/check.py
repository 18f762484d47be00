"""`objectif check`: contract tests on a Solution file, or on an installed model, loss, format or application by its name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from objectif.run.check import Check

KINDS = ("models", "losses", "formats", "apps")


def command(
    what: Annotated[
        str,
        typer.Argument(
            help="A .objectif file, or the name of a model, loss, format or application (losses:NAME where a name is several).",
            show_default=False,
        ),
    ],
    json: Annotated[bool, typer.Option("--json", help="Print JSON alone on standard output.")] = False,
) -> None:
    """Contract tests on a Solution, model, loss, format or application."""
    from objectif.errors import InputError

    checks = _solution(what) if _is_file(what) else _plugin(what)
    if json:
        import sys
        from json import dumps

        rows = [{"check": c.name, "ok": c.ok, "detail": c.detail} for c in checks]
        sys.stdout.write(
            dumps({"what": what, "ok": all(c.ok for c in checks), "checks": rows}, indent=1) + "\n"
        )
    else:
        _show(what, checks)
    failed = [c.name for c in checks if not c.ok]
    if failed:
        raise InputError(f"{what}: {len(failed)} of {len(checks)} checks failed: {', '.join(failed)}.")


def _is_file(what: str) -> bool:
    """A file by that name, or what can only be meant as one; a name of a plug-in has neither slash nor suffix."""
    return Path(what).is_file() or "/" in what or what.endswith(".objectif")


def _solution(what: str) -> Sequence[Check]:
    from objectif.run.check import check_solution

    return check_solution(Path(what))


def _plugin(what: str) -> list[Check]:
    """The checks of every door behind which the name is."""
    from objectif import plugins
    from objectif.errors import PluginError

    kind, colon, name = what.partition(":")
    if not (colon and kind in KINDS):
        kind, name = "", what
    doors = [door for door in KINDS if kind in {"", door} and name in plugins.names(door)]
    if not doors:
        known = "; ".join(f"{door}: {', '.join(plugins.names(door)) or 'none'}" for door in KINDS)
        raise PluginError(
            f"no file, model, loss, format or application called {what!r}. Installed are {known}."
        )
    return [check for door in doors for check in _run(_tests(door), name)]


def _tests(door: str) -> Callable[[str], Any]:
    """The contract test of a door; those of models and losses need the training packages."""
    from objectif.errors import PluginError

    if door == "formats":
        from objectif.testing import check_format

        return check_format
    if door == "apps":
        from objectif.testing import check_app

        return check_app
    try:
        from objectif.learn.testing import check_loss, check_model
    except ImportError as error:
        raise PluginError(
            f"models and losses cannot be tested here ({error}); they need: pip install 'objectif[train]'"
        ) from error
    tests: dict[str, Callable[[str], Any]] = {"models": check_model, "losses": check_loss}
    return tests[door]


def _run(test: Callable[[str], Any], name: str) -> list[Check]:
    """A contract test's checks; one that only asserts counts as one check."""
    from objectif.run.check import Check

    try:
        found = test(name)
    except AssertionError as error:
        return [Check("contract", False, str(error) or "an assertion failed")]
    return [Check("contract", True, "holds")] if found is None else [*found]


def _show(what: str, checks: Sequence[Check]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=what, title_justify="left")
    for heading in ("check", "", "met"):
        table.add_column(heading, overflow="fold")
    for c in checks:
        table.add_row(
            Text(c.name), Text("ok", "green") if c.ok else Text("FAILED", "bold red"), Text(c.detail)
        )
    Console().print(table)
