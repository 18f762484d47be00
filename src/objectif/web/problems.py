"""Errors as application/problem+json (RFC 9457): our own messages as `detail`, the code that fits, never a traceback."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from objectif.errors import ImageError, InputError, ObjectifError

TYPE = "application/problem+json"
_TITLES = {400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 409: "Conflict", 413: "Content Too Large",
           415: "Unsupported Media Type", 422: "Unprocessable Content", 500: "Internal Server Error",
           503: "Service Unavailable"}  # fmt: skip


class Problem(BaseModel):
    """What went wrong: detail has the value that was met, what was expected, and the remedy."""

    type: str = Field("about:blank", description="What kind of problem; about:blank: the one of the status.")
    title: str = Field(description="The status in words.")
    status: int = Field(description="The HTTP status, again.", ge=400, le=599)
    detail: str = Field(description="The value met, what was expected, the remedy.")


class Missing(InputError):
    """Nothing has that name."""


class Conflict(InputError):
    """It cannot be done in the state that things are in."""


class Busy(ObjectifError):
    """Too many requests wait already."""


class Unsupported(InputError):
    """A body of a kind that the route does not take."""


def responses(*codes: int) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI description of a route's errors; those of the guard (401, 403, 413) belong to every route."""
    schema = {"$ref": "#/components/schemas/Problem"}
    words = {
        401: "The token is missing or wrong.",
        403: "The request comes from another site, or its Host is not this server's.",
        404: "Nothing has that name.",
        409: "It cannot be done in the state that things are in.",
        413: "The body has too many bytes.",
        415: "The body's Content-Type is not taken.",
        422: "What was given cannot be used: a value, a path, or an image that cannot be read.",
        429: "Too many requests for work a second; Retry-After says when.",
        503: "Too many requests wait already; Retry-After says when.",
    }
    every = sorted({401, 403, 413, *codes})
    return {code: {"description": words[code], "content": {TYPE: {"schema": schema}}} for code in every}


def body(kind: str, said: str, schema: dict[str, Any] | None = None) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI description of a route's good answer where that is not JSON."""
    return {200: {"description": said, "content": {kind: {} if schema is None else {"schema": schema}}}}


def answer(status: int, detail: str) -> JSONResponse:
    """One problem."""
    body = {"type": "about:blank", "title": _TITLES.get(status, "Error"), "status": status, "detail": detail}
    extra = {"retry-after": "1"} if status in {429, 503} else None
    return JSONResponse(body, status, media_type=TYPE, headers=extra)


def status_of(error: ObjectifError) -> int:
    """The status that fits an error of ours."""
    for kind, status in ((Missing, 404), (Conflict, 409), (Unsupported, 415), (Busy, 503)):
        if isinstance(error, kind):
            return status
    return 422 if isinstance(error, InputError | ImageError) else 500


def install(app: FastAPI) -> None:
    """All errors of `app` leave as problems."""

    @app.exception_handler(ObjectifError)
    async def ours(request: Request, error: ObjectifError) -> JSONResponse:
        return answer(status_of(error), str(error))

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        told = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:5])
        return answer(422, f"{told}. /openapi.json describes what is expected.")

    @app.exception_handler(HTTPException)
    async def plain(request: Request, error: HTTPException) -> JSONResponse:
        found = answer(error.status_code, str(error.detail))
        found.headers.update(error.headers or {})
        return found

    @app.exception_handler(Exception)
    async def unforeseen(request: Request, error: Exception) -> JSONResponse:
        return answer(500, f"{type(error).__name__}; the server's terminal has the details.")
