"""A zip of images that somebody dropped, unpacked into a folder: nothing lands outside, and nothing grows without end."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path, PurePosixPath

from objectif.errors import DataError

FILES_MOST, GROWTH = 200_000, 10
_CHUNK = 1 << 20


def unpack(zipped: Path, target: Path, most: int) -> Path:
    """Unpack into `target`, a folder that is not there yet; returns it, or the one folder in it where that is all.

    most: bytes of all members together. DataError for a member outside of the folder, a link, a password, too many files
    or bytes; nothing is left behind then.
    """
    beside = target.with_name(f".{target.name}.part")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    try:
        with zipfile.ZipFile(zipped) as archive:
            _members(archive, beside, most)
        beside.rename(target)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise DataError(f"{zipped.name} is no zip that can be read ({error}). Make it again.") from error
    except OSError as error:
        raise DataError(f"{zipped.name} cannot be unpacked: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    inside = [p for p in target.iterdir() if p.name != "__MACOSX" and not p.name.startswith(".")]
    return inside[0] if len(inside) == 1 and inside[0].is_dir() else target


def _members(archive: zipfile.ZipFile, target: Path, most: int) -> None:
    infos = archive.infolist()
    if len(infos) > FILES_MOST:
        raise DataError(f"the zip has {len(infos):,} files; at most {FILES_MOST:,} are unpacked.")
    if sum(info.file_size for info in infos) > most:
        raise DataError(f"the zip unpacks to more than {most:,} bytes. Name the folder by its path instead.")
    left = most
    for info in infos:
        place = PurePosixPath(info.filename.replace("\\", "/"))
        if not place.parts:
            raise DataError("the zip has a member without a name; it is refused.")
        if place.is_absolute() or ".." in place.parts or "\0" in info.filename:
            raise DataError(f"the zip's member {info.filename!r} leads out of its folder; it is refused.")
        kind = info.external_attr >> 16 & 0o170000
        if kind not in {0, 0o100000, 0o040000}:
            raise DataError(f"the zip's member {info.filename!r} is a link or a device; it is refused.")
        path = target.joinpath(*place.parts)
        if info.is_dir():
            path.mkdir(parents=True, exist_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        left = _one(archive, info, path, left)


def _one(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path, left: int) -> int:
    """Write one member; counts what comes out, because a header can lie."""
    with archive.open(info) as source, open(path, "xb") as out:
        while chunk := source.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                raise DataError("the zip unpacks to more bytes than it says; it is refused.")
            out.write(chunk)
    return left
