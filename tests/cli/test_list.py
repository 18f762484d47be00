"""objectif list: every name with what it is and where it comes from."""

from __future__ import annotations

import json

import pytest

from objectif import cli, plugins
from objectif.metrics.catalog import available


def test_all_names_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert list(listed) == list(plugins.DOORS)
    for kind in ("models", "losses", "formats"):
        assert [row["name"] for row in listed[kind]] == list(plugins.names(kind))
    assert {row["name"] for row in listed["metrics"]} == set(available())
    for rows in listed.values():
        for row in rows:
            assert row["description"] and row["package"].startswith("objectif "), row["name"]


@pytest.mark.parametrize("kind", plugins.DOORS)
def test_people_see_a_line_for_each_name(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["list", kind]) == 0
    shown = capsys.readouterr().out
    names = available() if kind == "metrics" else plugins.names(kind)
    assert [line.split()[0] for line in shown.splitlines()[1:] if line] == list(names)


def test_an_unknown_kind_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["list", "lossez"]) == 2
    assert "losses" in capsys.readouterr().err
