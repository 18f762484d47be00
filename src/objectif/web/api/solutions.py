"""Solutions on the shelf: list, one with its card, the file, a new title; and thumbnails of pictures in the roots."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse, Response

from objectif.runs.storage import plain
from objectif.shell import OnShelf
from objectif.web.api.shapes import SolutionCard, SolutionEntry, SolutionTitle
from objectif.web.house import House
from objectif.web.problems import body, responses
from objectif.web.thumbs import LARGEST, SMALLEST

_FILE = body("application/octet-stream", "The .objectif file, a zip.")
_JPEG = body("image/jpeg", "A JPEG without metadata, at most `side` pixels long.")


def routes(house: House) -> APIRouter:
    """GET /solutions, GET and PATCH /solutions/{name}, GET /solutions/{name}/file, GET /thumbnail."""
    api = APIRouter(tags=["solutions"])

    @api.get("/solutions", response_model=list[SolutionEntry], responses=responses(), summary="All Solutions")
    def solutions() -> list[SolutionEntry]:
        return [SolutionEntry(**_entry(one)) for one in house.shelf.all()]

    @api.get(
        "/solutions/{name}",
        response_model=SolutionCard,
        responses=responses(404, 422),
        summary="One with its card",
    )
    def solution(name: str) -> SolutionCard:
        return _card(house, name)

    @api.patch(
        "/solutions/{name}",
        response_model=SolutionCard,
        responses=responses(404, 422),
        summary="Give it a title",
    )
    def title(name: str, given: SolutionTitle) -> SolutionCard:
        house.shelf.rename(name, given.title)
        return _card(house, name)

    @api.get(
        "/solutions/{name}/file",
        response_class=FileResponse,
        responses={**responses(404, 422), **_FILE},
        summary="Its file, to run anywhere",
    )
    def file(name: str) -> FileResponse:
        found = house.shelf.one(name)
        return FileResponse(
            found.path, media_type="application/octet-stream", filename=f"{found.name}.objectif"
        )

    @api.get(
        "/thumbnail",
        response_class=Response,
        responses={**responses(422, 503), **_JPEG},
        summary="A small picture of a file in an allowed root",
    )
    async def thumbnail(
        path: str = Query(max_length=4096, description="A file in an allowed root."),
        side: int = Query(320, ge=SMALLEST, le=LARGEST, description="Pixels of the long side, at most."),
    ) -> Response:
        content = await house.thumbs.jpeg(house.allowed(path), side)
        return Response(content, media_type="image/jpeg", headers={"cache-control": "private, max-age=3600"})

    return api


def _entry(one: OnShelf) -> dict[str, Any]:
    size = one.path.stat().st_size
    return {
        "name": one.name, "title": one.title, "task": one.task, "classes": list(one.classes),
        "run": one.run, "bytes": size,
    }  # fmt: skip


def _card(house: House, name: str) -> SolutionCard:
    one, found = house.shelf.one(name), house.shelf.solution(name)
    return SolutionCard(
        **_entry(one),
        card=plain(dict(found.card)),
        preparation=found.preparation.to_dict(),
        precisions=sorted(found.networks),
        promises=None if found.promises is None else plain(dict(found.promises)),
    )
