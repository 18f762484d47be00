"""Thumbnails: made by the decoding children when first asked for, kept on the disk under the file's stamp."""

from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path

from objectif.errors import ImageError, InputError
from objectif.web.decoders import Decoders

SMALLEST, LARGEST = 64, 1600


class Thumbs:
    """The cache in a folder. A file that changes gets a new thumbnail, because its stamp is in the key."""

    def __init__(self, folder: Path, decoders: Decoders) -> None:
        self.folder, self.decoders = folder, decoders
        self._making: dict[Path, asyncio.Task[bytes]] = {}

    async def jpeg(self, path: Path, side: int) -> bytes:
        """The bytes of a JPEG of at most `side` pixels of the file `path`, which may be read. ImageError, InputError."""
        if not SMALLEST <= side <= LARGEST:
            raise InputError(f"side is {side}; expected {SMALLEST} to {LARGEST} pixels.")
        kept = self._place(path, side)
        try:
            return kept.read_bytes()
        except OSError:
            pass
        if kept not in self._making:
            self._making[kept] = asyncio.create_task(self._made(path, side, kept))
            self._making[kept].add_done_callback(lambda _: self._making.pop(kept, None))
        return await asyncio.shield(self._making[kept])

    async def _made(self, path: Path, side: int, kept: Path) -> bytes:
        head = {"do": "thumbnail", "name": path.name, "path": str(path), "side": side}
        _, content = await self.decoders.ask(head, patient=True)
        kept.parent.mkdir(parents=True, exist_ok=True)
        beside = kept.with_suffix(f".{os.getpid()}.part")
        beside.write_bytes(content)
        beside.replace(kept)
        return content

    def _place(self, path: Path, side: int) -> Path:
        try:
            status = path.stat()
        except OSError as error:
            raise ImageError(f"{path.name}: cannot be read ({error.strerror}).") from error
        text = f"{path}\0{status.st_mtime_ns}\0{status.st_size}\0{side}"
        digest = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        return self.folder / digest[:2] / f"{digest[2:]}.jpg"
