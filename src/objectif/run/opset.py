"""The operator sets that an ONNX file asks for, read from its bytes.

onnxruntime does not tell them, and the `onnx` package is not part of an installation that only runs Solutions. They
stand in two small fields of the protocol buffer, so a walk over its top level is enough.
Source: onnx.proto (ModelProto.opset_import = 8; OperatorSetIdProto.domain = 1, version = 2).
"""

from __future__ import annotations

from collections.abc import Iterator

from objectif.errors import SolutionError

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def opsets(onnx: bytes) -> dict[str, int]:
    """Domain -> version; the default domain is "". SolutionError where the bytes are no protocol buffer."""
    found: dict[str, int] = {}
    for number, value in _fields(memoryview(onnx)):
        if number == 8 and isinstance(value, memoryview):
            domain, version = "", 0
            for inner, content in _fields(value):
                if inner == 1 and isinstance(content, memoryview):
                    domain = bytes(content).decode("utf-8", "replace")
                elif inner == 2 and isinstance(content, int):
                    version = content
            found[domain] = version
    return found


def _fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """(field number, value) of one message; values of fixed width are passed over."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, kind = tag >> 3, tag & 7
        if kind == _VARINT:
            value, at = _varint(data, at)
            yield number, value
        elif kind == _BYTES:
            size, at = _varint(data, at)
            if at + size > len(data):
                raise _damaged()
            yield number, data[at : at + size]
            at += size
        elif kind in (_FIXED64, _FIXED32):
            at += 8 if kind == _FIXED64 else 4
        else:
            raise _damaged()


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise _damaged()
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise _damaged()


def _damaged() -> SolutionError:
    return SolutionError(
        "the network is no ONNX file: its bytes are damaged. Copy the Solution again from its source."
    )
