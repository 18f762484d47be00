"""Jobs that misbehave, for the executor's tests."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import Any

Tell = Callable[[Any], None]


def answers(*, value: int, tell: Tell) -> int:
    return value


def counts(*, to: int, tell: Tell) -> int:
    for number in range(to):
        tell(number)
    return to


def crashes(*, tell: Tell) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def raises(*, tell: Tell) -> float:
    return 1 / 0


def sleeps(*, tell: Tell) -> None:
    time.sleep(60)


def eats(*, tell: Tell) -> None:
    hoard = []
    while True:
        hoard.append(bytearray(50_000_000))
        time.sleep(0.02)


def exits(*, tell: Tell) -> None:
    os._exit(3)


def tell_pid(*, tell: Tell) -> None:
    tell(os.getpid())
    time.sleep(60)
