"""How a foreign ONNX network wants its pictures: stated behind the name, in a TOML file beside it, or by the file itself.

    onnx:face.onnx?size=112&mean=127.5&std=128&order=bgr&output=fc1

Foreign networks disagree on size, range, order of channels and which output to take, and none of it can be seen in a
graph for certain. A wrong guess gives answers that look right and are worse, so whatever is stated wins, and what was taken
is said in the title of the model. Rejected: finding the best by trying all on the data, which is a choice that the data would
have to pay for.
"""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx

from objectif.errors import PluginError

KEYS = ("size", "mean", "std", "order", "output", "align")
Three = tuple[float, float, float]


@dataclass(frozen=True)
class Convention:
    """size: pixels of the square input's side, None where the graph says it. mean, std: of each channel, in 0..255.

    order: of the channels, 'rgb' or 'bgr'. output: name of the output that is the embedding, None for the last. align: a
    detector of faces by whose points each is aligned first (identify/align.py), None for pictures as they are.
    """

    mean: Three
    std: Three
    size: int | None = None
    order: str = "rgb"
    output: str | None = None
    align: Path | None = None

    @property
    def words(self) -> str:
        """As one would say it: 'RGB, (x - 127.5) / 128'."""
        mean, std = (_short(v) for v in (self.mean, self.std))
        aligned = "" if self.align is None else f", faces aligned by {self.align.name}"
        return f"{self.order.upper()}, (x - {mean}) / {std}{aligned}"


def parted(name: str) -> tuple[Path, dict[str, str]]:
    """The path and what is stated behind it, of 'PATH?key=value&key=value'. PluginError for what is no such text."""
    path, _, query = name.partition("?")
    stated: dict[str, str] = {}
    for part in filter(None, query.split("&")):
        key, equals, value = part.partition("=")
        if key not in KEYS or not equals or not value:
            raise PluginError(
                f"{name}: {part!r} is not understood; expected {', '.join(KEYS)}, such as ?size=112&mean=127.5&std=128&order=bgr"
            )
        stated[key] = value
    return Path(path).expanduser(), stated


def convention(
    path: Path, stated: Mapping[str, str], proto: onnx.ModelProto, mean: Three, std: Three
) -> Convention:
    """What holds for a network: stated, else in PATH.toml, else in its metadata (mean, std), else the usual mean and std."""
    inside = {p.key: json.loads(p.value) for p in proto.metadata_props if p.key in ("mean", "std")}
    known: dict[str, Any] = {"mean": mean, "std": std, **inside, **_beside(path), **stated}
    order = str(known.get("order", "rgb")).lower()
    if order not in ("rgb", "bgr"):
        raise PluginError(f"{path.name}: order is {order!r}; expected rgb or bgr.")
    size = known.get("size")
    if size is not None and not (str(size).isascii() and str(size).isdigit() and int(size) > 0):
        raise PluginError(f"{path.name}: size is {size!r}; expected pixels, such as 112.")
    output = known.get("output")
    names = [o.name for o in proto.graph.output]
    if output is not None and output not in names:
        raise PluginError(f"{path.name}: there is no output {output!r}; expected one of {', '.join(names)}.")
    spread = _three(path, "std", known["std"])
    if 0.0 in spread:
        raise PluginError(f"{path.name}: std is {known['std']!r}; expected numbers that are not 0.")
    return Convention(
        _three(path, "mean", known["mean"]),
        spread,
        None if size is None else int(size),
        order,
        output,
        _detector(path, known.get("align")),
    )


def _detector(path: Path, given: object) -> Path | None:
    """The detector's file, below the network's folder where it is there."""
    if given is None:
        return None
    found = [place for place in (path.parent / str(given), Path(str(given)).expanduser()) if place.is_file()]
    if not found:
        raise PluginError(
            f"{path.name}: align is {given!r}, which is no file here or beside the network; expected an ONNX detector of faces."
        )
    return found[0].resolve()


def _beside(path: Path) -> dict[str, Any]:
    """The table of a TOML file with the network's name."""
    file = path.with_suffix(".toml")
    if not file.is_file():
        return {}
    try:
        found = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PluginError(f"{file} is not TOML ({error}); expected {', '.join(KEYS)}.") from error
    unknown = sorted(set(found) - set(KEYS))
    if unknown:
        raise PluginError(f"{file}: {unknown[0]!r} is not known; expected {', '.join(KEYS)}.")
    return found


def _three(path: Path, key: str, value: object) -> Three:
    """One number for all channels or three, of a list or of 'a,b,c'."""
    given = value.split(",") if isinstance(value, str) else value
    parts: list[Any] = list(given) if isinstance(given, list | tuple) else [given]
    try:
        numbers = [float(part) for part in parts]
    except (TypeError, ValueError):
        numbers = []
    if len(numbers) not in (1, 3) or not all(math.isfinite(n) for n in numbers):
        raise PluginError(
            f"{path.name}: {key} is {value!r}; expected one number or three, in units of 0..255."
        )
    three = numbers * 3 if len(numbers) == 1 else numbers
    return three[0], three[1], three[2]


def _short(values: Three) -> str:
    shown = [f"{v:g}" for v in values]
    return shown[0] if len(set(shown)) == 1 else f"({', '.join(shown)})"
