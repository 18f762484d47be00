"""The REST API keeps what /openapi.json promises: schemathesis asks, and every answer must fit its description."""

from __future__ import annotations

from typing import Any

import pytest

schemathesis = pytest.importorskip("schemathesis", reason="needs schemathesis: pip install 'objectif[dev]'")

from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from objectif.web.settings import Settings

from .conftest import ODD, Client, listening


def test_the_description_is_complete(client: Client) -> None:
    told = client("GET", "/openapi.json").json()
    paths = {
        f"{method.upper()} {path.removeprefix('/api/v1')}"
        for path, ways in told["paths"].items()
        for method in ways
    }
    assert paths >= {"GET /health", "GET /solutions", "GET /solutions/{name}", "GET /solutions/{name}/file", "POST /predict",
                     "GET /runs", "POST /runs", "GET /runs/{name}", "GET /runs/{name}/events", "POST /runs/{name}/stop"}  # fmt: skip
    for path, ways in told["paths"].items():
        for method, way in ways.items():
            assert way["summary"] and way["tags"], path
            assert {"401", "403", "413"} <= set(way["responses"]), (method, path)
            for code, response in way["responses"].items():
                if int(code) >= 400:
                    assert list(response["content"]) == ["application/problem+json"], (path, code)
    for shape in told["components"]["schemas"].values():
        assert all(
            "description" in field or "const" in field for field in shape.get("properties", {}).values()
        ), shape


def test_every_answer_fits_its_description(room: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from objectif.web.races import Races

    monkeypatch.setattr(Races, "start", _nothing_starts)
    with listening(room) as address:
        schema = schemathesis.openapi.from_url(f"{address}/openapi.json")
        operations = [found.ok() for found in schema.get_all_operations()]
        assert len(operations) >= 11
        for operation in operations:

            @settings(max_examples=6, deadline=None, database=None, derandomize=True,
                      suppress_health_check=list(HealthCheck), phases=(Phase.generate,))  # fmt: skip
            @given(case=operation.as_strategy())
            def ask(case: Any) -> None:
                # a path or a name of the right shape need not be one that is there: refusing it is no fault
                case.call_and_validate(timeout=20, excluded_checks=[positive_data_acceptance])

            ask()


@schemathesis.serializer("application/zip")
def _zip(_: Any, value: Any) -> dict[str, Any]:
    """Whatever bytes there are: schemathesis knows no zips."""
    return {"data": value if isinstance(value, bytes) else str(value).encode()}


def _nothing_starts(self: Any, *_: Any, **__: Any) -> Any:
    from objectif.web.problems import Conflict

    raise Conflict("nothing is started in this test.")


def test_solutions_are_listed_named_and_downloaded(client: Client, room: Settings) -> None:
    assert [s["name"] for s in client("GET", "/api/v1/solutions").json()] == ["colours", "letters"]
    card = client("GET", "/api/v1/solutions/colours").json()
    assert card["classes"] == ["red", "green", "blue"] and card["preparation"]["height"] == 8
    reply = client("GET", "/api/v1/solutions/colours/file")
    assert reply.content == (room.shelf / "solutions" / "colours.objectif").read_bytes()
    assert 'filename="colours.objectif"' in reply.headers["content-disposition"]
    assert client("PATCH", "/api/v1/solutions/colours", json={"title": ODD}).json()["title"] == ODD
    assert client("PATCH", "/api/v1/solutions/colours", json={"title": "\n"}).status_code == 422
    assert client("GET", "/api/v1/solutions/colours").json()["title"] == ODD


@pytest.mark.parametrize("name", ["nobody", "..%2f..%2fetc%2fpasswd", "%00", "colours.objectif"])
def test_names_that_are_not_there_are_not_found(client: Client, name: str) -> None:
    for path in (f"/solutions/{name}", f"/solutions/{name}/file", f"/runs/{name}", f"/runs/{name}/events"):
        assert client("GET", f"/api/v1{path}").status_code == 404
    assert client("POST", f"/api/v1/runs/{name}/stop").status_code == 404


def test_a_file_that_is_no_solution_is_passed_over(client: Client, room: Settings) -> None:
    (room.shelf / "solutions" / "broken.objectif").write_bytes(b"PK nothing")
    assert [s["name"] for s in client("GET", "/api/v1/solutions").json()] == ["colours", "letters"]
    assert client("GET", "/api/v1/solutions/broken").status_code == 422


def test_a_link_that_leads_outside_is_no_solution(client: Client, room: Settings) -> None:
    elsewhere = room.shelf.parent / "elsewhere.objectif"
    elsewhere.write_bytes((room.shelf / "solutions" / "colours.objectif").read_bytes())
    (room.shelf / "solutions" / "link.objectif").symlink_to(elsewhere)
    assert [s["name"] for s in client("GET", "/api/v1/solutions").json()] == ["colours", "letters"]
    assert client("GET", "/api/v1/solutions/link/file").status_code == 404


def test_a_thumbnail_is_small_and_kept(client: Client, room: Settings) -> None:
    reply = client("GET", "/api/v1/thumbnail", params={"path": f"{ODD}.jpg", "side": 64})
    assert (reply.status_code, reply.headers["content-type"]) == (200, "image/jpeg")
    (kept,) = (room.shelf / "thumbs").rglob("*.jpg")
    assert kept.read_bytes() == reply.content
    assert client("GET", "/api/v1/thumbnail", params={"path": "red.png", "side": 5000}).status_code == 422
