"""The guard in front of every route: who may ask, how much may be sent, what a browser may do with the answer.

A plain ASGI layer, because it must see websockets and bodies as they arrive; middleware of the framework sees neither.
A web page elsewhere can make a visitor's browser send requests to this server. Two things stop it: the Host must be one
that this server has (a rebound DNS name is not), and the browser itself says by Origin and Sec-Fetch-Site which site
asked. Only opening a page by a link from elsewhere is let through: it changes nothing, and the site cannot read it.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.exceptions import HTTPException

from objectif.web.rate import Bucket
from objectif.web.settings import LOOPBACK, MEGABYTE, Settings

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

COOKIE = "objectif_token"
_SMALL = 4 * MEGABYTE  # of a body that is no upload
PAGE_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
    "frame-src 'self'; frame-ancestors 'self'; object-src 'none'; base-uri 'self'; form-action 'self'"
)
"""NiceGUI compiles its templates in the browser, which needs inline and eval; nothing may come from or go elsewhere."""
HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "SAMEORIGIN",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(self), microphone=(), geolocation=(), payment=()",
    "content-security-policy": PAGE_POLICY,
}


class TooLarge(HTTPException):
    """A body went on beyond what its route takes; an HTTPException, which no layer in between takes for a fault."""


class Guard:
    """The layer around `app`. Refusals are problem+json; a refused websocket is closed."""

    def __init__(self, app: App, settings: Settings) -> None:
        self.app, self.settings = app, settings
        self.bucket = Bucket(settings.rate, 2 * settings.rate)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request or websocket."""
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
        refusal = (
            self._foreign(scope, headers) or self._stranger(scope, headers) or self._busy(scope, headers)
        )
        if refusal is not None:
            await _refuse(scope, send, *refusal)
            return
        if scope["type"] == "http" and await self._welcomed(scope, send):
            return
        await self._pass(scope, receive, send)

    def _foreign(self, scope: Message, headers: dict[str, str]) -> tuple[int, str] | None:
        """Why a request of another site is refused; None where it is none."""
        host = headers.get("host", "")
        if not self._ours(host):
            return 403, f"the Host {host!r} is not this server's; open it by {self.settings.address}."
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2] != host:
            return 403, f"requests from the site {origin!r} are refused; open {self.settings.address} itself."
        site = headers.get("sec-fetch-site", "none")
        opens = scope.get("method") == "GET" and headers.get("sec-fetch-mode") == "navigate"
        opens = opens and headers.get("sec-fetch-dest") == "document"
        if site not in {"same-origin", "none"} and not opens:
            return (
                403,
                f"a request from another site ({site}) is refused; open {self.settings.address} itself.",
            )
        return None

    def _ours(self, host: str) -> bool:
        """Whether a Host header names this server. One that listens on all addresses has any name, and a token."""
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        name = name.strip("[]").lower()
        if self.settings.host in {"0.0.0.0", "::"}:
            return self.settings.token is not None
        return name in {*LOOPBACK, self.settings.host}

    def _stranger(self, scope: Message, headers: dict[str, str]) -> tuple[int, str] | None:
        """Why somebody without the token is refused."""
        if self.settings.token is None:
            return None
        kind, _, given = headers.get("authorization", "").partition(" ")
        offered = [given.strip()] if kind.lower() == "bearer" else []
        offered += [_cookie(headers.get("cookie", "")), _query(scope)[1] or ""]
        if max(map(self._same, offered)):  # all are compared, whichever is right
            return None
        return 401, "a token is needed: open the address with ?token=..., or send Authorization: Bearer ..."

    def _same(self, given: str) -> bool:
        """Whether it is the token, in a time that does not tell how much of it is right."""
        expected = (self.settings.token or "").encode("utf-8")
        return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), expected)

    def _busy(self, scope: Message, headers: dict[str, str]) -> tuple[int, str] | None:
        """Why a request is too much: a body that says that it is too long, or too many requests for work (predictions)."""
        if scope["type"] != "http":
            return None
        most = self._most(scope["path"])
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > most:
            return 413, f"the body has {length} bytes; at most {most} are taken."
        client = (scope.get("client") or ("",))[0]
        asks = scope["method"] == "POST" and scope["path"].startswith("/api/")
        if asks and not self.bucket.take(client):
            return 429, f"more than {self.settings.rate:g} requests for work a second; try again in a second."
        return None

    def _most(self, path: str) -> int:
        """Bytes that a route takes."""
        if path.startswith("/api/v1/data/") or "/upload" in path:
            return self.settings.zip_bytes
        return max(_SMALL, self.settings.upload_bytes + MEGABYTE) if path.startswith("/api/") else _SMALL

    async def _welcomed(self, scope: Message, send: Send) -> bool:
        """Whether a visitor who came by ?token= was sent on, with the token in a cookie instead of the address bar."""
        rest, given = _query(scope)
        if self.settings.token is None or given is None or scope["method"] != "GET":
            return False
        if scope["path"].startswith("/api/"):
            return False
        target = scope["path"] + (f"?{urlencode(rest)}" if rest else "")
        cookie = f"{COOKIE}={given}; Path=/; HttpOnly; SameSite=Strict; Max-Age=2592000"
        listed = [(b"location", _header("/" + target.lstrip("/"))), (b"set-cookie", _header(cookie))]
        await send({"type": "http.response.start", "status": 303, "headers": listed})
        await send({"type": "http.response.body", "body": b""})
        return True

    async def _pass(self, scope: Message, receive: Receive, send: Send) -> None:
        """On to the application, with bounded bodies and safe headers."""
        most, taken = self._most(scope["path"]), 0

        async def bounded() -> Message:
            nonlocal taken
            message = await receive()
            if message["type"] == "http.request":
                taken += len(message.get("body", b""))
                if taken > most:
                    raise TooLarge(413, f"the body has more than {most} bytes.")
            return message

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                there = {name.lower() for name, _ in message["headers"]}
                extra = [(k.encode(), v.encode()) for k, v in HEADERS.items() if k.encode() not in there]
                message = {**message, "headers": [*message["headers"], *extra]}
            await send(message)

        await self.app(scope, bounded, dressed)


async def _refuse(scope: Message, send: Send, status: int, detail: str) -> None:
    """Problem+json, or the end of a websocket before it began."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": detail[:120]})
        return
    titles = {401: "Unauthorized", 403: "Forbidden", 413: "Content Too Large", 429: "Too Many Requests"}
    problem = {"type": "about:blank", "title": titles[status], "status": status, "detail": detail}
    listed = [(k.encode(), v.encode()) for k, v in HEADERS.items()]
    listed += [(b"content-type", b"application/problem+json"), (b"connection", b"close")]
    listed += [(b"retry-after", b"1")] if status == 429 else []
    listed += [(b"www-authenticate", b"Bearer")] if status == 401 else []
    await send({"type": "http.response.start", "status": status, "headers": listed})
    await send({"type": "http.response.body", "body": json.dumps(problem).encode()})


def _query(scope: Message) -> tuple[list[tuple[str, str]], str | None]:
    """The query without its token, and the token."""
    pairs = parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    return [p for p in pairs if p[0] != "token"], next((v for k, v in pairs if k == "token"), None)


def _cookie(header: str) -> str:
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


def _header(value: str) -> bytes:
    """A header's value without what could end it."""
    return value.replace("\r", "").replace("\n", "").encode("latin-1", "replace")
