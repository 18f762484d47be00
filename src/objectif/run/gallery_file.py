"""The gallery's file, NAME.gallery: a zip of two stored members, the list of entries as JSON and all embeddings as npy.

As in the Solution file, sums detect corruption and do not prove who wrote it, nothing is pickled, members are stored so that
none is larger than the file, and a newer version is refused.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from objectif.errors import InputError
from objectif.run.gallery import Entry, Gallery

VERSION = 1
SUFFIX = ".gallery"
_MANIFEST, _ROWS = "gallery.json", "embeddings.npy"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same gallery gives the same bytes
_ENTRY = ("name", "images", "sums", "negative", "consent", "expires", "note")


def write(path: Path, gallery: Gallery) -> Path:
    """Write it so that `path` holds either all of it or what was there before. InputError where it cannot be written."""
    parts = [e.embeddings for e in gallery.entries]
    stream = io.BytesIO()
    np.save(stream, np.concatenate(parts).astype(np.float32) if parts else np.zeros((0, 0), np.float32))
    rows = stream.getvalue()
    manifest = {
        "version": VERSION,
        "network": gallery.network,
        "side": gallery.side,
        "entries": [_told(e) for e in gallery.entries],
        "sum": hashlib.sha256(rows).hexdigest(),
    }
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}.part")
    try:
        with open(temporary, "xb") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                text = json.dumps(manifest, indent=1, ensure_ascii=False)
                archive.writestr(zipfile.ZipInfo(_MANIFEST, _EPOCH), text.encode("utf-8", "surrogatepass"))
                archive.writestr(zipfile.ZipInfo(_ROWS, _EPOCH), rows)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise InputError(
            f"cannot write {path}: {error.strerror or error}. Expected a folder that exists, is writable and has room; "
            "choose another place. Nothing was changed."
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink()
    return path


def read(path: Path) -> Gallery:
    """Read it. InputError where it is missing, cut short, altered or from a newer version."""
    try:
        with zipfile.ZipFile(path) as archive:
            if sorted(archive.namelist()) != sorted((_MANIFEST, _ROWS)):
                raise InputError(f"{path} is no gallery; expected a file that `objectif gallery new` wrote.")
            if any(i.compress_type != zipfile.ZIP_STORED for i in archive.infolist()):
                raise InputError(
                    f"{path} was repacked; expected stored members. Copy it again from its source."
                )
            manifest, rows = json.loads(archive.read(_MANIFEST)), archive.read(_ROWS)
        return _gallery(manifest, rows)
    except FileNotFoundError as error:
        raise InputError(
            f"no gallery at {path}; make one with `objectif gallery new {path} --solution FILE`."
        ) from error
    except OSError as error:
        raise InputError(
            f"cannot read {path}: {error.strerror or error}. Expected a gallery file."
        ) from error
    except (zipfile.BadZipFile, ValueError, KeyError, TypeError, EOFError, RuntimeError) as error:
        raise InputError(
            f"{path} is not a whole gallery ({error}); it may be cut short or altered. Copy it again from its source."
        ) from error


def _told(entry: Entry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "images": list(entry.images),
        "sums": list(entry.sums),
        "negative": entry.negative,
        "consent": entry.consent,
        "expires": None if entry.expires is None else entry.expires.isoformat(),
        "note": entry.note,
    }


def _gallery(manifest: dict[str, Any], content: bytes) -> Gallery:
    """InputError for a newer version; ValueError for what does not fit."""
    if int(manifest["version"]) > VERSION:
        raise InputError(
            f"the gallery has version {manifest['version']}, this objectif reads up to {VERSION}: pip install -U objectif"
        )
    if hashlib.sha256(content).hexdigest() != manifest["sum"]:
        raise ValueError("the embeddings do not match their sum")
    rows: NDArray[np.float32] = np.load(io.BytesIO(content), allow_pickle=False)
    entries, start = [], 0
    for told in manifest["entries"]:
        if set(told) != set(_ENTRY):
            raise ValueError(f"an entry has the keys {sorted(told)}")
        stop = start + len(told["images"])
        own = rows[start:stop]
        if not len(own) == len(told["images"]) == len(told["sums"]) > 0 or not np.isfinite(own).all():
            raise ValueError(f"the embeddings of {told['name']!r} are missing or not finite")
        until = None if told["expires"] is None else date.fromisoformat(told["expires"])
        entries.append(
            Entry(
                str(told["name"]),
                own,
                tuple(map(str, told["images"])),
                tuple(map(str, told["sums"])),
                bool(told["negative"]),
                str(told["consent"]),
                until,
                str(told["note"]),
            )
        )
        start = stop
    if start != len(rows):
        raise ValueError(f"{len(rows)} embeddings for {start} pictures")
    return Gallery(str(manifest["network"]), int(manifest["side"]), tuple(entries))
