"""objectif serve: the studio and the REST API, on this machine, in the foreground."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from objectif.errors import InputError


def command(
    port: Annotated[int, typer.Option(help="Where to listen.")] = 8080,
    host: Annotated[
        str, typer.Option(help="The address to listen on; another than this machine's own needs a --token.")
    ] = "127.0.0.1",
    token: Annotated[
        str | None,
        typer.Option(help="What every visitor must know, at least 16 characters.", show_default=False),
    ] = None,
    root: Annotated[
        list[Path] | None,
        typer.Option(help="A folder that may be read, again for more; default this one.", show_default=False),
    ] = None,
    shelf: Annotated[
        Path | None,
        typer.Option(help="The server's own folder; default ./objectif-shelf.", show_default=False),
    ] = None,
) -> None:
    """Serve the studio and the REST API on this machine; Ctrl-C ends it, races go on."""
    try:
        from objectif.web.server import serve
        from objectif.web.settings import settled
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "objectif":
            raise
        raise InputError(
            f"`objectif serve` needs {error.name}, which is not installed: pip install 'objectif[web]'"
        ) from error
    settings = settled(root or [], shelf, host, port, token)
    _free(settings.host, port)
    shown = f"{settings.address}{'?token=' + token if token else ''}"
    print(f"{shown}   (Ctrl-C ends it)", flush=True)
    print(
        f"may read {', '.join(map(str, settings.roots[:-1]))}; keeps its files in {settings.shelf}",
        flush=True,
    )
    serve(settings)


def _free(host: str, port: int) -> None:
    """Refuse a port that is taken before anything is loaded; InputError with the remedy."""
    import socket

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise InputError(
                f"cannot listen on {host}, port {port}: {error.strerror}. Choose another with --port."
            ) from error
