"""Every application keeps its contract; one that does not is told why."""

from __future__ import annotations

from pathlib import Path

import pytest

from objectif import plugins
from objectif.apps import testing
from objectif.errors import PluginError
from objectif.testing import check_app


@pytest.mark.parametrize("name", plugins.names("apps"))
def test_the_contract_holds(name: str) -> None:
    failed = [check for check in check_app(name) if not check.ok]
    assert not failed


def test_an_unknown_application_is_told() -> None:
    with pytest.raises(PluginError, match="no application called 'lense'; did you mean 'lens'"):
        check_app("lense")


def test_what_breaks_the_contract_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    class Bad:
        name, title = "lens", ""

        def problem(self, data: Path, **options: object) -> object:
            return 3

        def rehearse(self, folder: Path) -> list[str]:
            return ["it is a rose"]

    monkeypatch.setattr(testing.plugins, "load", lambda *_: Bad())
    found = {check.name: check for check in check_app("lens")}
    assert "expected words" in found["name"].detail
    assert "expected a Problem" in found["states a problem"].detail
    assert "no line says by a figure" in found["ends in advice"].detail
    assert found["imports lightly"].ok
