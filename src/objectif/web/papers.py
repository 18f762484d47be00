"""Pages that others wrote (a run's report, what inspect says), served so that nothing in them can act on this site.

They are made by us from data of strangers. Should something in one be a script after all, it runs nowhere: the policy
shuts the document in an origin of its own, which can ask nothing and reach nothing, even where somebody opens it alone.
"""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, Response

from objectif.runs.folder import LEADERBOARD, REPORT
from objectif.web.house import House
from objectif.web.material import PAGE, RECORD
from objectif.web.pages.frame import STATIC
from objectif.web.problems import Missing

_POLICY = (
    "sandbox {allow}; default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
_KINDS = {".html": "text/html; charset=utf-8", ".csv": "text/csv; charset=utf-8", ".json": "application/json"}
_OURS = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}


def routes(house: House) -> APIRouter:
    """GET /run-file/{name}/{file}, GET /data-page/{key}/{file}, GET /studio/{file}; none of them is in the API's description."""
    api = APIRouter(include_in_schema=False)

    @api.get("/run-file/{name}/{file}")
    def of_run(name: str, file: str) -> Response:
        return _paper(house, house.races.folder(name), file, (REPORT, LEADERBOARD), "allow-scripts")

    @api.get("/data-page/{key}/{file}")
    def of_data(key: str, file: str) -> Response:
        return _paper(house, house.materials.one(key).folder, file, (PAGE, RECORD), "")

    @api.get("/studio/{file}")
    def ours(file: str) -> Response:
        place = STATIC / file
        if place.parent != STATIC or place.suffix not in _OURS or not place.is_file():
            raise Missing(f"there is no {file!r}.")
        return FileResponse(
            place, media_type=_OURS[place.suffix], headers={"cache-control": "private, max-age=86400"}
        )

    return api


def _paper(house: House, folder: Path, file: str, known: tuple[str, ...], allow: str) -> Response:
    place = folder / file
    if file not in known or not place.is_file():
        raise Missing(f"there is no {file!r} here yet.")
    place = house.allowed(place)
    policy = _POLICY.format(allow=allow).replace("sandbox ;", "sandbox;")
    headers = {"content-security-policy": policy, "cache-control": "no-cache"}
    return FileResponse(place, media_type=_KINDS[place.suffix], headers=headers)
