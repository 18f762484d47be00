"""The objects of a mask as GeoJSON, drawn along the edges of their pixels (data/outlines.py)."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np

from objectif.answers import Masks
from objectif.data.outlines import geometry
from objectif.data.pieces import pieces
from objectif.run.palette import colour

AXES = "pixels of the upright picture: x to the right, y down, (0, 0) is the upper left corner of the upper left pixel"


def geojson(answer: Masks) -> Iterator[bytes]:
    """A FeatureCollection, in parts as they are made: a feature for each object, and in `coordinates` what x and y are.

    Properties: number, label, area in pixels, and `classification`, by which QuPath names and colours what it reads.
    """
    height, width = answer.mask.shape
    head = {
        "type": "FeatureCollection",
        "path": answer.path,
        "width": width,
        "height": height,
        "coordinates": AXES,
    }
    yield (json.dumps(head)[:-1] + ', "features": [').encode()
    comma = ""
    for piece in pieces(answer):
        name, paint = answer.classes[piece.label], list(colour(piece.label, answer.background))
        told = {
            "object": piece.number,
            "label": name,
            "area": int(np.count_nonzero(piece.mask)),
            "objectType": "annotation",
            "classification": {"name": name, "color": paint},
        }
        feature = {"type": "Feature", "properties": told, "geometry": geometry(piece)}
        yield (comma + "\n" + json.dumps(feature, separators=(",", ":"))).encode()
        comma = ","
    yield b"\n]}\n"
