"""Where verbs write what machines read: standard output as it comes, or a file that is whole or not there."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from io import FileIO
from pathlib import Path
from typing import Literal

from objectif.errors import InputError


def complain(message: str) -> None:
    """A line for people, on standard error; a newline in a file's name does not start another."""
    print(message.replace("\n", "\\n"), file=sys.stderr, flush=True)


@contextmanager
def answers_to(out: Path | None) -> Iterator[Callable[[bytes], None]]:
    """A function that writes bytes to `out`, or to standard output, flushed each time, where it is None.

    A regular file appears whole at the end, and not at all after an error or Ctrl-C. A reader that closes the pipe
    (`| head`) ends the verb quietly by BrokenPipeError. InputError where nothing can be written or the disk is full.
    """
    if out is None:
        yield _to_stdout
    elif out.exists() and not out.is_file():  # a device or a pipe has no "whole"
        with _open(out, "wb") as stream:
            yield partial(_put, stream, out)
    else:
        target = Path(os.path.realpath(out))  # a link is followed, not replaced
        temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
        try:
            with _open(temporary, "xb", out) as stream:
                yield partial(_put, stream, out)
            os.replace(temporary, target)
        finally:
            with suppress(OSError):  # gone already where all went well
                temporary.unlink()


def _open(path: Path, mode: Literal["wb", "xb"], shown: Path | None = None) -> FileIO:
    """Unbuffered, so that a full disk is met where it is reported and not again when the file is closed."""
    try:
        return open(path, mode, buffering=0)
    except OSError as error:
        raise _cannot_write(shown or path, error) from error


def _put(stream: FileIO, out: Path, content: bytes) -> None:
    try:
        while content:
            content = content[stream.write(content) :]
    except OSError as error:
        raise _cannot_write(out, error) from error


def _to_stdout(content: bytes) -> None:
    try:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    except OSError as error:
        # what is still in the buffer must not be tried again, with a traceback, when the interpreter exits
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise
        raise _cannot_write(Path("standard output"), error) from error


def _cannot_write(path: Path, error: OSError) -> InputError:
    return InputError(
        f"cannot write {path}: {error.strerror or error}. Expected a folder that exists, is writable and has room; "
        "choose another place."
    )
