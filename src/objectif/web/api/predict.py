"""Predict: one picture in, sent or named by its path, one answer out. Requests that come together run as a batch."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from objectif.errors import InputError
from objectif.runs.storage import plain
from objectif.web.api.shapes import Prediction, PredictPath
from objectif.web.house import House
from objectif.web.problems import Unsupported, responses

_FORM = {
    "type": "object",
    "required": ["image", "solution"],
    "properties": {
        "image": {"type": "string", "format": "binary", "description": "JPEG, PNG, WebP, TIFF, BMP or GIF."},
        "solution": {"type": "string", "description": "The name of a Solution on the shelf.", "minLength": 1},
    },
}
_BODY = {
    "required": True,
    "content": {
        "multipart/form-data": {"schema": _FORM},
        "application/json": {"schema": {"$ref": "#/components/schemas/PredictPath"}},
    },
}


def routes(house: House) -> APIRouter:
    """POST /predict."""
    api = APIRouter(tags=["predict"])

    @api.post(
        "/predict",
        response_model=Prediction,
        responses=responses(404, 415, 422, 429, 503),
        openapi_extra={"requestBody": _BODY},
        summary="The answer of a Solution for one picture",
    )
    async def predict(request: Request) -> JSONResponse:
        """The picture is decoded in a process of its own, within bounds of bytes, pixels, memory and time."""
        began = time.perf_counter()
        solution, image, name = await _asked(request)
        found = await house.answer(solution, image, name=name)
        told: dict[str, Any] = {
            "solution": solution,
            "task": (await house.engine(solution)).solution.task,
            "size": list(found.size),
            "milliseconds": round((time.perf_counter() - began) * 1000, 2),
            "answer": plain(found.answer.as_dict()),
        }
        return JSONResponse(told)

    return api


async def _asked(request: Request) -> tuple[str, bytes | Path, str]:
    """(Solution, picture or its path, what to call it) of either kind of body."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        try:
            given = PredictPath.model_validate(json.loads(await request.body()))
        except ValidationError as error:
            told = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:5])
            raise InputError(f"{told}; expected an object with solution and path.") from None
        except ValueError as error:
            raise InputError(
                f"the body is not JSON ({error}); expected an object with solution and path."
            ) from None
        return given.solution, Path(given.path), given.path
    if kind != "multipart/form-data":
        raise Unsupported(
            f"Content-Type is {kind or 'missing'}; expected multipart/form-data with image and solution, or "
            "application/json with path and solution."
        )
    try:
        async with request.form(max_files=1, max_fields=4, max_part_size=1 << 16) as form:
            image, solution = form.get("image"), form.get("solution")
            if not isinstance(image, UploadFile) or not isinstance(solution, str) or not solution:
                raise InputError("the form has no file `image` and text `solution`; expected both.")
            return solution, await image.read(), image.filename or "image"
    except HTTPException as error:
        if error.status_code != 400:
            raise
        raise InputError(f"the form cannot be read: {error.detail}") from None
