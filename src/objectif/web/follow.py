"""A journal that grows, read a bit at a time: only whole lines, from where the last reading ended."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_MOST = 1 << 20


class Follower:
    """New lines of a journal at each call of `more`. since: how many lines are known already."""

    def __init__(self, path: Path, since: int = 0) -> None:
        self.path, self.known = path, since
        self.offset, self._number = 0, 0

    def more(self) -> list[tuple[int, dict[str, Any]]]:
        """(number from 1, event) of each whole line since the last call; a line that is no event is passed over."""
        found = []
        try:
            with open(self.path, "rb") as stream:
                stream.seek(self.offset)
                content = stream.read(_MOST)
        except OSError:
            return []
        for line in content.split(b"\n")[:-1]:
            self.offset += len(line) + 1
            self._number += 1
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if self._number > self.known and isinstance(event, dict):
                found.append((self._number, event))
        return found
