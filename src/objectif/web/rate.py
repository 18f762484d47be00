"""How often one client may ask: a bucket of tokens for each, which refills at a steady rate."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

_CLIENTS = 4096


class Bucket:
    """At most `rate` requests a second of each client in the long run, `most` at once. Remembers the last 4,096 clients."""

    def __init__(self, rate: float, most: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate, self.most, self.clock = rate, most, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str) -> bool:
        """Whether this request is within the rate; it then counts."""
        now = self.clock()
        left, since = self._left.pop(client, (self.most, now))
        left = min(self.most, left + (now - since) * self.rate)
        able = left >= 1
        self._left[client] = (left - able, now)
        while len(self._left) > _CLIENTS:
            self._left.popitem(last=False)
        return able
