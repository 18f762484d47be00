"""The child that decodes pictures of strangers: one message in, one out, within bounds of memory and pixels.

A decoder's bug, or a picture made to use one, costs this process and one answer. It cannot take more memory than its
limit (RLIMIT_AS), writes no file, and is killed by the server where it takes too long (decoders.py).

    python -m objectif.web.decoder MEGABYTES PIXELS
"""

from __future__ import annotations

import os
import resource
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from objectif.errors import ImageError
from objectif.health.looks import eight_bit_rgb
from objectif.images import photo
from objectif.images.prepare import Preparation, placement, prepare
from objectif.images.tiles import tile_size
from objectif.web import frames

QUALITY = 85


def main() -> None:
    """Answer messages on standard input until it ends."""
    megabytes, pixels = int(sys.argv[1]), int(sys.argv[2])
    source, target = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # whatever a library prints must not be taken for an answer
    cv2.setNumThreads(1)
    _limit(megabytes)
    frames.write(target, {"ready": True})
    while (message := frames.read(source)) is not None:
        head, body = message
        try:
            told, raw = _done(head, body, pixels)
        except ImageError as error:
            told, raw = {"error": str(error)}, b""
        except MemoryError:
            told, raw = (
                {"error": f"{head['name']}: decoding takes more than {megabytes} MB; scale it down."},
                b"",
            )
        except Exception as error:
            told, raw = (
                {"error": f"{head['name']}: cannot be decoded ({type(error).__name__}: {error})."},
                b"",
            )
        frames.write(target, told, raw)


def _limit(megabytes: int) -> None:
    """No more memory than what is mapped now and so many megabytes; no core file, no file written."""
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (mapped + (megabytes << 20),) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _done(head: dict[str, Any], body: bytes, pixels: int) -> tuple[dict[str, Any], bytes | memoryview]:
    """One picture: prepared for a network, whole, or as a thumbnail."""
    if head["do"] == "nothing":
        return {}, b""
    name = head["name"]
    data = body or photo.given(Path(head["path"]), name)[0]
    info = photo.probe(data, name=name)
    if info.width * info.height > pixels:
        raise ImageError(
            f"{name}: {info.width} x {info.height} pixels; at most {pixels // 1_000_000} megapixels are taken. "
            "Scale it down."
        )
    told: dict[str, Any] = {"size": [info.height, info.width]}
    if head["do"] == "thumbnail":
        return told, _thumbnail(photo.read(data, name=name, min_side=head["side"]), head["side"])
    preparation = Preparation.from_dict(head["preparation"])
    reference = None if head["reference"] is None else tuple(head["reference"])
    if head["tiled"] and tile_size(info.height, info.width, preparation, reference, "auto") is not None:
        found, told["whole"] = photo.read(data, name=name), True
    else:
        side = None if preparation.fit == "keep" else max(preparation.height, preparation.width)
        found = prepare(photo.read(data, name=name, min_side=side), preparation, name=name)
        told["placement"] = asdict(placement(info.height, info.width, preparation))
    found = np.ascontiguousarray(found)
    return {**told, **frames.array_head(found)}, found.data.cast("B")


def _thumbnail(pixels: NDArray[Any], side: int) -> bytes:
    """JPEG of at most `side` pixels, without anything of the file's metadata."""
    rgb = eight_bit_rgb(pixels)
    height, width = rgb.shape[:2]
    scale = side / max(height, width)
    if scale < 1:
        size = max(1, round(width * scale)), max(1, round(height * scale))
        rgb = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    done, code = cv2.imencode(
        ".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
    )
    if not done:
        raise ImageError("the picture cannot be written as JPEG.")
    return code.tobytes()


if __name__ == "__main__":
    main()
