"""The guard: other sites, rebound names and strangers without the token are refused, whatever they ask for."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from objectif.errors import InputError
from objectif.web.rate import Bucket
from objectif.web.settings import Settings, settled

from .conftest import Client, serving

TOKEN = "0123456789abcdef0123"


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://elsewhere.example"},
        {"origin": "null"},
        {"origin": "http://localhost:9999"},
        {"host": "elsewhere.example"},
        {"host": "localhost.elsewhere.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"},
    ],
)
def test_other_sites_are_refused(client: Client, headers: dict[str, str]) -> None:
    for method, path in (("GET", "/api/v1/solutions"), ("POST", "/api/v1/runs"), ("GET", "/openapi.json")):
        reply = client(method, path, headers=headers)
        assert reply.status_code == 403
        assert reply.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("host", ["localhost", "localhost:8080", "127.0.0.1:8080", "[::1]:8080"])
def test_this_site_is_welcome(client: Client, host: str) -> None:
    headers = {"host": host, "origin": f"http://{host}", "sec-fetch-site": "same-origin"}
    assert client("GET", "/api/v1/health", headers=headers).status_code == 200


def test_a_link_from_elsewhere_opens_a_page_and_posts_nothing(client: Client) -> None:
    headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert client("GET", "/api/v1/health", headers=headers).status_code == 200
    assert client("POST", "/api/v1/runs", headers=headers).status_code == 403


def test_every_answer_has_safe_headers(client: Client) -> None:
    for path, headers in (
        ("/api/v1/health", {}),
        ("/nowhere", {}),
        ("/api/v1/health", {"origin": "http://x"}),
    ):
        found = client("GET", path, headers=headers).headers
        assert found["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'self'" in found["content-security-policy"]
        assert found["referrer-policy"] == "no-referrer"


def test_a_token_is_asked_for_and_taken_in_three_ways(room: Settings) -> None:
    far = Settings(room.roots, room.shelf, host="0.0.0.0", token=TOKEN)
    with serving(far, base_url="http://192.168.1.5:8080") as client:
        for headers in (
            {},
            {"authorization": f"Bearer {TOKEN}x"},
            {"cookie": "objectif_token=wrong"},
            {"authorization": TOKEN},
        ):
            assert client("GET", "/api/v1/health", headers=headers).status_code == 401
        assert (
            client("GET", "/api/v1/health", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200
        )
        assert client("GET", f"/api/v1/health?token={TOKEN}").status_code == 200
        reply = client("GET", f"/shelf?a=1&token={TOKEN}")
        assert (reply.status_code, reply.headers["location"]) == (303, "/shelf?a=1")
        assert "HttpOnly" in reply.headers["set-cookie"] and "SameSite=Strict" in reply.headers["set-cookie"]
        cookie = {"cookie": f"objectif_token={TOKEN}"}
        assert client("GET", "/api/v1/health", headers=cookie).status_code == 200


def test_a_visitor_with_the_token_is_never_sent_elsewhere(room: Settings) -> None:
    far = Settings(room.roots, room.shelf, host="0.0.0.0", token=TOKEN)
    with serving(far) as client:
        found = client("GET", f"//elsewhere.example/x?token={TOKEN}").headers["location"]
        assert found.startswith("/") and not found.startswith("//")


def test_settings_that_open_the_door_without_a_lock_are_refused(tmp_path: object) -> None:
    for options, message in (
        ({"host": "0.0.0.0"}, "expected a --token too"),
        ({"host": "0.0.0.0", "token": "short"}, "expected at least 16"),
        ({"host": "0.0.0.0", "token": f"{TOKEN};x"}, "characters that an address cannot carry"),
        ({"host": "example.org", "token": TOKEN}, "is no address"),
        ({"port": 70000}, "expected 1 to 65535"),
    ):
        with pytest.raises(InputError, match=message):
            settled([], None, **options)  # type: ignore[arg-type]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 3), min_size=1, max_size=60), st.floats(1, 5), st.floats(1, 9))
def test_a_bucket_never_gives_more_than_its_rate(pauses: list[float], rate: float, most: float) -> None:
    now = 0.0
    bucket = Bucket(rate, most, clock=lambda: now)
    taken = 0
    for pause in pauses:
        now += pause
        taken += bucket.take("a")
        assert taken <= most + rate * now + 1e-6
    assert bucket.take("b")
