"""Data: name a folder or send a zip, see what is in it, picture by picture."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response

from objectif.data.dataset import Dataset
from objectif.errors import DataError
from objectif.report.html import visible
from objectif.web.api.shapes import DataEntry, DataPath, SamplePage
from objectif.web.house import House
from objectif.web.material import Material, counted
from objectif.web.problems import Missing, Unsupported, body, responses
from objectif.web.thumbs import LARGEST, SMALLEST

_MOST = 20_000
_ZIP = {"required": True, "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}
_JPEG = body("image/jpeg", "A JPEG without metadata, at most `side` pixels long.")
Number = Annotated[int, Query(ge=0, le=10**9)]


def routes(house: House) -> APIRouter:
    """POST /data, POST /data/zip, GET /data/{key}, GET /data/{key}/samples, GET /data/{key}/samples/{number}/thumbnail."""
    api = APIRouter(tags=["data"])

    @api.post(
        "/data",
        response_model=DataEntry,
        status_code=201,
        responses=responses(422, 429),
        summary="Name data by their path",
    )
    def name(given: DataPath) -> DataEntry:
        return _entry(house, house.materials.add(house.allowed(given.path)))

    @api.post(
        "/data/zip", response_model=DataEntry, status_code=201, responses=responses(415, 422, 429),
        openapi_extra={"requestBody": _ZIP}, summary="Send data as a zip",
    )  # fmt: skip
    async def send(
        request: Request, name: str = Query("data", max_length=200, description="What to call the data.")
    ) -> DataEntry:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/zip":
            raise Unsupported("expected a zip as the body, with Content-Type: application/zip.")
        folder = await _received(house, request, name)
        material = await asyncio.to_thread(house.materials.add, house.allowed(folder))
        return await asyncio.to_thread(_entry, house, material)

    @api.get("/data/{key}", response_model=DataEntry, responses=responses(404, 422), summary="What data have")
    def one(key: str) -> DataEntry:
        return _entry(house, house.materials.one(key))

    @api.get(
        "/data/{key}/samples",
        response_model=SamplePage,
        responses=responses(404, 422),
        summary="Its images, in order",
    )
    def samples(
        key: str,
        label: str | None = Query(None, max_length=1000, description="Only images with this class."),
        offset: Number = 0,
        limit: int = Query(1000, ge=1, le=_MOST),
    ) -> JSONResponse:
        return JSONResponse(_samples(house.materials.dataset(house.materials.one(key)), label, offset, limit))

    @api.get(
        "/data/{key}/samples/{number}/thumbnail",
        response_class=Response,
        responses={**responses(404, 422, 503), **_JPEG},
        summary="A small picture of an image",
    )
    async def thumbnail(
        key: str,
        number: int,
        side: int = Query(160, ge=SMALLEST, le=LARGEST, description="Pixels of the long side."),
    ) -> Response:
        dataset = await asyncio.to_thread(lambda: house.materials.dataset(house.materials.one(key)))
        if not 0 <= number < len(dataset):
            raise Missing(f"there is no image {number}; there are {len(dataset)}, from 0.")
        sample = dataset.samples[number]
        if sample.item is not None:
            raise DataError(
                f"{sample.path} lies in an array; expected an image file. `objectif inspect` shows it."
            )
        content = await house.thumbs.jpeg(house.allowed(sample.file), side)
        return Response(content, media_type="image/jpeg", headers={"cache-control": "private, max-age=3600"})

    return api


async def _received(house: House, request: Request, name: str) -> Path:
    """The body on the disk, then unpacked; the zip is not kept."""
    handle, place = tempfile.mkstemp(dir=house.settings.shelf, prefix=".received-", suffix=".zip")
    try:
        with os.fdopen(handle, "wb") as stream:
            async for chunk in request.stream():
                await asyncio.to_thread(stream.write, chunk)
        return await house.unpack(name.removesuffix(".zip"), Path(place))
    finally:
        Path(place).unlink(missing_ok=True)


def _entry(house: House, material: Material) -> DataEntry:
    dataset = house.materials.dataset(material)
    return DataEntry(
        key=material.key, path=str(material.path), layout=dataset.layout, task=dataset.task, images=len(dataset),
        classes={visible(dataset.classes[k]): n for k, n in counted(dataset).items()}, notes=list(dataset.notes),
        unusable=len(dataset.problems),
    )  # fmt: skip


def _samples(dataset: Dataset, label: str | None, offset: int, limit: int) -> dict[str, Any]:
    wanted = (
        None if label is None else next((k for k, c in enumerate(dataset.classes) if visible(c) == label), -1)
    )
    numbers = [k for k, s in enumerate(dataset.samples) if wanted is None or wanted in s.labels]
    shown: list[dict[str, Any]] = [
        {"number": k, "path": visible(dataset.samples[k].path), "split": dataset.samples[k].split,
         "labels": [visible(dataset.classes[c]) for c in dataset.samples[k].labels]}
        for k in numbers[offset : offset + limit]
    ]  # fmt: skip
    return {"total": len(numbers), "samples": shown}
