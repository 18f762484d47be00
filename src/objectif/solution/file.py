"""The Solution file, NAME.objectif: a zip that holds all that is needed to answer for a new image.

A zip, because every language and file manager opens one. Its members are stored, not compressed: weights hardly
compress, stored bytes are read at the speed of the disk, and a member can then never be larger than the file it came
in, which rules out decompression bombs without a table of limits. Pickle was rejected (it runs code), and so was ONNX
metadata (two precisions, probes and a card do not belong in a graph).

The sums in the manifest detect corruption: a bad disk, a cut download, a careless edit. They do not prove who made
the file; whoever alters it on purpose can write new sums.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from objectif.errors import SolutionError
from objectif.images.prepare import Preparation
from objectif.solution.migrate import VERSION, upgrade
from objectif.tasks import NAMES, find

Precision = Literal["fp32", "int8"]
PRECISIONS: tuple[Precision, ...] = ("fp32", "int8")
SUFFIX = ".objectif"
_MANIFEST, _CARD, _PROBES, _KNOWN = "solution.json", "card.json", "probes.npz", "known.npz"
_NETWORKS: dict[Precision, str] = {p: f"network.{p}.onnx" for p in PRECISIONS}
_KEYS = frozenset(
    {
        "version",
        "task",
        "classes",
        "multilabel",
        "preparation",
        "decoding",
        "precisions",
        "default",
        "created_with",
        "sums",
        "reference",
        "promises",
        "gate",
        "calibration",
    }
)
_JSON_LIMIT = 64 << 20  # bytes; parsing takes many times this in memory
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same Solution gives the same bytes


@dataclass(frozen=True)
class Solution:
    """The best network found for a problem, with all that turns an image into an answer.

    task: in tasks.NAMES. classes: names, the order of the network's scores. decoding: of that task.
    networks: precision -> ONNX bytes; always "fp32". default: the precision that precision="auto" means.
    card: JSON-ready facts for people (see solution/card.py).
    probes: "inputs" (k,h,w,c) prepared pixels, and for each output that the task needs "scores_fp32", "scores_int8",
    ... (k, ...): what the networks gave for them where the file was made, so that another machine can prove that it
    gives the same. reference: (height, width) in pixels, the median size of the images it was fitted on, which says
    how large an object is to be; None where nobody knows.
    promises: what is promised of its answers, by which rule, on what evidence (promises/); None where nothing is.
    gate: which inputs are of the kind that it knows (run/gate.py). calibration: what inputs and scores looked like where it
    was made, and how well probabilities were calibrated. known: the arrays that both need. JSON-ready, None in files that
    were made before there were any.
    """

    task: str
    classes: tuple[str, ...]
    multilabel: bool
    preparation: Preparation
    decoding: Any
    networks: Mapping[Precision, bytes] = field(repr=False)
    default: Precision = "fp32"
    card: Mapping[str, Any] = field(default_factory=dict, repr=False)
    probes: Mapping[str, NDArray[Any]] = field(default_factory=dict, repr=False)
    created_with: str = ""
    reference: tuple[int, int] | None = None
    promises: Mapping[str, Any] | None = None
    gate: Mapping[str, Any] | None = None
    calibration: Mapping[str, Any] | None = None
    known: Mapping[str, NDArray[Any]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if self.task not in NAMES:
            raise SolutionError(
                f"task is {self.task!r}; this objectif runs {', '.join(map(repr, NAMES))}. "
                "Upgrade it: pip install -U objectif"
            )
        if not self.classes or len(set(self.classes)) != len(self.classes):
            raise SolutionError(f"classes are {list(self.classes)[:8]}; expected different names.")
        if "fp32" not in self.networks or not set(self.networks) <= set(PRECISIONS):
            raise SolutionError(f"networks are {sorted(self.networks)}; expected 'fp32' and perhaps 'int8'.")
        if self.default not in self.networks:
            raise SolutionError(
                f"the default precision is {self.default!r}; expected one of {sorted(self.networks)}."
            )
        if self.reference is not None and not _is_size(self.reference):
            raise SolutionError(
                f"reference is {self.reference!r}; expected (height, width) in pixels, or nothing."
            )
        for name in ("promises", "gate", "calibration"):
            if not isinstance(getattr(self, name), Mapping | None):
                raise SolutionError(f"{name} is {getattr(self, name)!r}; expected a table, or nothing.")
        find(self.task).check(self.decoding, len(self.classes), self.multilabel)

    def save(self, path: str | Path) -> Path:
        """Write it to `path` in one step; see write()."""
        return write(Path(path), self)


def _is_size(value: object) -> bool:
    """Whether it is two whole numbers of at least 1."""
    if not isinstance(value, tuple) or len(value) != 2:
        return False
    return all(isinstance(side, int) and not isinstance(side, bool) and side >= 1 for side in value)


def write(path: Path, solution: Solution) -> Path:
    """Write a Solution so that `path` holds either all of it or what was there before; returns the path.

    Raises SolutionError where the folder is missing, read-only or full.
    """
    members = _members(solution)
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}.part")
    try:
        with open(temporary, "xb") as stream:
            with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
                for name, content in members.items():
                    archive.writestr(zipfile.ZipInfo(name, _EPOCH), content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise SolutionError(
            f"cannot write {path}: {error.strerror or error}. Expected a folder that exists, is writable and has "
            f"{sum(map(len, members.values())) / 1e6:.1f} MB free; choose another place. Nothing was changed."
        ) from error
    finally:
        with suppress(OSError):  # gone already where all went well; the first error is the one to report
            temporary.unlink()
    return path


def read(path: str | Path) -> Solution:
    """Read a Solution file. SolutionError where it is missing, truncated, altered, repacked or from a newer version."""
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            content = _contents(archive)
        return _solution(content)
    except FileNotFoundError as error:
        raise SolutionError(
            f"no Solution at {path}; expected a file that ends in {SUFFIX}. Check the name."
        ) from error
    except OSError as error:
        raise SolutionError(
            f"cannot read {path}: {error.strerror or error}. Expected a readable Solution file."
        ) from error
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, EOFError, RuntimeError) as error:
        raise SolutionError(
            f"{path} is not a whole Solution file ({error}); it may be cut short or altered. Copy it again from its source."
        ) from error
    except SolutionError as error:
        raise SolutionError(f"{path}: {error}") from error


def _members(solution: Solution) -> dict[str, bytes]:
    from objectif import __version__

    members = {_NETWORKS[p]: bytes(solution.networks[p]) for p in PRECISIONS if p in solution.networks}
    members[_CARD] = _json(solution.card)
    members[_PROBES] = _npz(solution.probes)
    members[_KNOWN] = _npz(solution.known)
    manifest = {
        "version": VERSION,
        "task": solution.task,
        "classes": list(solution.classes),
        "multilabel": solution.multilabel,
        "preparation": solution.preparation.to_dict(),
        "decoding": solution.decoding.to_dict(),
        "precisions": [p for p in PRECISIONS if p in solution.networks],
        "default": solution.default,
        "reference": None if solution.reference is None else list(solution.reference),
        "promises": solution.promises,
        "gate": solution.gate,
        "calibration": solution.calibration,
        "created_with": solution.created_with or f"objectif {__version__}",
        "sums": {name: hashlib.sha256(content).hexdigest() for name, content in members.items()},
    }
    return {_MANIFEST: _json(manifest), **members}


def _contents(archive: zipfile.ZipFile) -> dict[str, bytes]:
    """Name -> bytes of every member, the manifest's version and sums checked first."""
    infos = archive.infolist()
    names = [i.filename for i in infos]
    if _MANIFEST not in names:
        raise SolutionError(f"holds no {_MANIFEST}; expected a file written by objectif. Is this a Solution?")
    for info in infos:
        _check_member(info, names)
    manifest = _parse(archive.read(_MANIFEST), _MANIFEST)
    sums = upgrade(manifest).get("sums")
    if not isinstance(sums, dict) or set(sums) != set(names) - {_MANIFEST}:
        raise SolutionError(
            "its members are not those that its manifest lists: it was altered. Copy it again from its source."
        )
    content = {_MANIFEST: archive.read(_MANIFEST)}
    for name, expected in sums.items():
        content[name] = archive.read(name)
        if hashlib.sha256(content[name]).hexdigest() != expected:
            raise SolutionError(
                f"{name} does not match its sum: the file was damaged or altered. Copy it again from its source."
            )
    return content


def _check_member(info: zipfile.ZipInfo, names: list[str]) -> None:
    name = info.filename
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if not parts or name.startswith(("/", "\\")) or ".." in parts or ":" in name:
        raise SolutionError(f"holds a member {name!r} that climbs out of the file: altered. Do not use it.")
    if names.count(name) > 1:
        raise SolutionError(f"holds {name!r} twice: altered. Copy it again from its source.")
    if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
        raise SolutionError(
            f"{name} is compressed; expected stored members: it was repacked. Copy it again from its source."
        )
    if name.endswith(".json") and info.file_size > _JSON_LIMIT:
        raise SolutionError(
            f"{name} has {info.file_size} bytes; expected at most {_JSON_LIMIT}. Do not use it."
        )


def _solution(content: Mapping[str, bytes]) -> Solution:
    manifest = upgrade(_parse(content[_MANIFEST], _MANIFEST))
    if unknown := set(manifest) ^ _KEYS:
        raise SolutionError(
            f"the manifest's keys differ from version {VERSION}'s in {sorted(unknown)}: it was altered."
        )
    try:
        networks = {p: content[_NETWORKS[p]] for p in manifest["precisions"]}
        task, reference = str(manifest["task"]), manifest["reference"]
        return Solution(
            task=task,
            classes=tuple(str(c) for c in manifest["classes"]),
            multilabel=bool(manifest["multilabel"]),
            preparation=Preparation.from_dict(manifest["preparation"]),
            decoding=_decoding(task, manifest["decoding"]),
            networks=networks,
            default=manifest["default"],
            card=_parse(content[_CARD], _CARD),
            probes=_arrays(content[_PROBES], _PROBES),
            created_with=str(manifest["created_with"]),
            reference=None if reference is None else tuple(reference),
            promises=manifest["promises"],
            gate=manifest["gate"],
            calibration=manifest["calibration"],
            known=_arrays(content[_KNOWN], _KNOWN) if _KNOWN in content else {},
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise SolutionError(
            f"the manifest has a wrong or missing value ({error}): it was altered."
        ) from error


def _decoding(task: str, values: Mapping[str, Any]) -> Any:
    """A task's decoding; None for a task that is not known, which Solution says better."""
    return find(task).decoding(values) if task in NAMES else None


def _json(value: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False).encode(
            "utf-8", "surrogatepass"
        )
    except (TypeError, ValueError) as error:
        raise SolutionError(
            f"the card holds a value that JSON cannot ({error}); expected text, finite numbers, lists."
        ) from error


def _parse(content: bytes, name: str) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise SolutionError(
            f"{name} is not JSON ({error}): damaged or altered. Copy it again from its source."
        ) from error
    if not isinstance(value, dict):
        raise SolutionError(f"{name} is not a table: damaged or altered. Copy it again from its source.")
    return value


def _npz(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, **{name: np.asarray(a) for name, a in arrays.items()})
    return stream.getvalue()


def _arrays(content: bytes, name: str) -> dict[str, NDArray[Any]]:
    """Arrays of an npz whose members are stored, so that none is larger than the bytes at hand."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if any(i.compress_type != zipfile.ZIP_STORED for i in archive.infolist()):
                raise SolutionError(f"{name} is compressed; expected stored arrays: it was repacked.")
        with np.load(io.BytesIO(content), allow_pickle=False) as loaded:
            return {key: loaded[key] for key in loaded.files}
    except (ValueError, OSError, EOFError, MemoryError, zipfile.BadZipFile, SyntaxError) as error:
        raise SolutionError(f"{name} holds no arrays ({error}): damaged or altered.") from error
