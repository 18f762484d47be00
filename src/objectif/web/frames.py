"""Messages between the server and a child that decodes: a JSON head and raw bytes, each with its length in front.

Not pickle: the child reads pictures of strangers, and what comes back from it must be data, whatever became of it.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

LENGTHS = struct.Struct("<IQ")  # bytes of the head, bytes of the body
HEAD_MOST, BODY_MOST = 1 << 20, 1 << 32


def packed(head: Mapping[str, Any], body: bytes | memoryview = b"") -> list[bytes | memoryview]:
    """A message as pieces to write one after the other."""
    text = json.dumps(head).encode("utf-8")
    return [LENGTHS.pack(len(text), len(body)), text, body]


def lengths(content: bytes) -> tuple[int, int]:
    """(bytes of the head, bytes of the body); ValueError where they make no sense."""
    head, body = LENGTHS.unpack(content)
    if head > HEAD_MOST or body > BODY_MOST:
        raise ValueError(f"a message of {head} and {body} bytes")
    return head, body


def read(stream: BinaryIO) -> tuple[dict[str, Any], bytes] | None:
    """The next message; None where the other side has gone."""
    start = stream.read(LENGTHS.size)
    if len(start) < LENGTHS.size:
        return None
    head, body = lengths(start)
    return json.loads(stream.read(head)), stream.read(body)


def write(stream: BinaryIO, head: Mapping[str, Any], body: bytes | memoryview = b"") -> None:
    """Send a message."""
    for piece in packed(head, body):
        stream.write(piece)
    stream.flush()


def array_head(pixels: NDArray[Any]) -> dict[str, Any]:
    """What the receiver must know to read pixels from raw bytes."""
    return {"shape": list(pixels.shape), "type": pixels.dtype.str}


def array_of(head: Mapping[str, Any], body: bytes) -> NDArray[Any]:
    """Pixels of a message; ValueError where shape and bytes do not fit."""
    return np.frombuffer(body, np.dtype(head["type"])).reshape(head["shape"])
