"""The application put together, and the one process that serves it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi

from objectif import __version__
from objectif.web import problems
from objectif.web.api import data, health, predict, runs, solutions
from objectif.web.api.shapes import PredictPath
from objectif.web.guard import App, Guard
from objectif.web.house import House
from objectif.web.settings import Settings

ABOUT = (
    "Answers of Solutions for pictures, and races that find Solutions. All errors are application/problem+json. Sizes are "
    "pixels of the upright picture, times seconds unless a name says milliseconds, scores probabilities in 0..1."
)


def make(settings: Settings, *, pages: bool = True) -> App:
    """The whole application as ASGI, guard included. pages: with the studio and the applications' pages
    (NiceGUI); without, the REST API alone, which starts nothing before it is asked."""
    house = House(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        warming = asyncio.create_task(_warmed(house) if pages else asyncio.sleep(0))
        yield
        await asyncio.wait([warming])
        await house.close()

    app = FastAPI(
        title="objectif",
        version=__version__,
        description=ABOUT,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    problems.install(app)
    api = APIRouter(prefix="/api/v1")
    for part in (health, solutions, predict, runs, data):
        api.include_router(part.routes(house))
    if pages:
        from objectif.web.studio import studio

        studio(app, api, house)
    else:
        app.include_router(api)
    app.openapi = lambda: _described(app, settings)  # type: ignore[method-assign]
    return Guard(app, settings)


async def _warmed(house: House) -> None:
    """The decoding children, once the first page is out."""
    await asyncio.sleep(0.5)
    await house.decoders.warm()


def _described(app: FastAPI, settings: Settings) -> dict[str, Any]:
    """The OpenAPI description, with the shapes that no route names as its own."""
    if app.openapi_schema is None:
        found = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        schemas = found.setdefault("components", {}).setdefault("schemas", {})
        schemas["Problem"] = problems.Problem.model_json_schema()
        schemas["PredictPath"] = PredictPath.model_json_schema()
        for way in (way for ways in found["paths"].values() for way in ways.values()):
            if "application/json" in way["responses"].get("422", {}).get(
                "content", {}
            ):  # the framework's own
                way["responses"]["422"] = problems.responses(422)[422]
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        if settings.token is not None:
            found["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
            found["security"] = [{"token": []}]
        app.openapi_schema = found
    return app.openapi_schema


def serve(settings: Settings) -> None:
    """Serve until Ctrl-C, in the foreground."""
    import uvicorn

    uvicorn.run(
        make(settings),
        host="127.0.0.1" if settings.host == "localhost" else settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=2,
        ws_max_size=1 << 22,
    )
