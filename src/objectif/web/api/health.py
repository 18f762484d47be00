"""Is the server there?"""

from __future__ import annotations

from fastapi import APIRouter

from objectif import __version__
from objectif.web.api.shapes import Health
from objectif.web.house import House
from objectif.web.problems import responses


def routes(house: House) -> APIRouter:
    """GET /health."""
    api = APIRouter(tags=["health"])

    @api.get("/health", response_model=Health, responses=responses(), summary="Whether the server is up")
    def health() -> Health:
        running = sum(run.state == "running" for run in house.races.all())
        return Health(version=__version__, solutions=len(house.shelf.all()), running=running)

    return api
