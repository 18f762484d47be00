"""Settings of a server: where it listens, who may ask, what it may read, how much it takes.

Loopback is the only address without a token: whoever opens the application to a network has said so twice.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path

from objectif.errors import InputError

LOOPBACK = ("127.0.0.1", "::1", "localhost")
MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Settings:
    """What `objectif serve` was told.

    roots: folders that may be read, links resolved. shelf: the server's own folder (Solutions, races, thumbnails). token:
    what every request must carry where `host` is not loopback. upload_bytes: of one picture; zip_bytes: of one zip, and of
    what it unpacks to ten times as much; pixels: of one picture; rate: predictions and other work that one client may ask for in a second,
    twice as many at once.
    """

    roots: tuple[Path, ...]
    shelf: Path
    host: str = "127.0.0.1"
    port: int = 8080
    token: str | None = None
    upload_bytes: int = 32 * MEGABYTE
    zip_bytes: int = 2048 * MEGABYTE
    pixels: int = 64_000_000
    rate: float = 400.0

    @property
    def local(self) -> bool:
        """Whether only this machine can ask."""
        return self.host in LOOPBACK

    @property
    def address(self) -> str:
        """The address to open in a browser."""
        host = "localhost" if self.local else f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/"


def settled(
    roots: list[Path], shelf: Path | None, host: str = "127.0.0.1", port: int = 8080, token: str | None = None
) -> Settings:
    """Settings with every path resolved and made; InputError where they are unsafe or impossible.

    roots: default the folder that the program runs in. shelf: default `objectif-shelf` there.
    """
    if host not in LOOPBACK and not token:
        raise InputError(
            f"--host {host} lets other machines ask; expected a --token too, which every visitor must know. "
            "Without --host the application answers this machine alone."
        )
    if token is not None and len(token) < 16:
        raise InputError(
            f"the token has {len(token)} characters; expected at least 16, as `openssl rand -hex 16` gives."
        )
    if token is not None and not re.fullmatch(r"[A-Za-z0-9._~-]+", token):
        raise InputError(
            "the token has characters that an address cannot carry; expected letters, digits, '.', '_', '~', '-'."
        )
    _address(host)
    if not 0 < port < 65536:
        raise InputError(f"--port {port}; expected 1 to 65535.")
    found = []
    for root in roots or [Path.cwd()]:
        if not root.is_dir():
            raise InputError(f"--root {root} is not a folder. Name one that exists, or leave it out.")
        found.append(root.resolve())
    place = (shelf or Path.cwd() / "objectif-shelf").resolve()
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"cannot make the folder {place}: {error.strerror}. Choose another --shelf."
        ) from error
    return Settings((*found, place), place, host, port, token)


def _address(host: str) -> None:
    """Refuses what is no address: a name could resolve to anything."""
    if host in LOOPBACK:
        return
    try:
        ipaddress.ip_address(host)
    except ValueError:
        raise InputError(
            f"--host {host} is no address; expected one of this machine's, such as 192.168.1.20, or 0.0.0.0 for all."
        ) from None
