"""Numbers as people read them, and the axes that charts share."""

from __future__ import annotations

import math
from dataclasses import dataclass


def figure(value: float | None) -> str:
    """A metric in three decimals (three digits from 10 on); '–' where there is none."""
    if value is None:
        return "–"
    words = f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}" if abs(value) < 99.95 else f"{value:.0f}"
    return words.replace("-", "−")


def signed(value: float | None) -> str:
    """A difference with its sign; '–' where there is none."""
    return "–" if value is None else f"{value:+.3f}".replace("-", "−")


def interval(low: float | None, high: float | None) -> str:
    """'[0.871, 0.893]', or nothing where no interval can be given."""
    return "" if low is None or high is None else f"[{figure(low)}, {figure(high)}]"


def with_interval(value: float | None, low: float | None, high: float | None) -> str:
    """'0.882 [0.871, 0.893]'."""
    return f"{figure(value)} {interval(low, high)}".strip()


def count(number: int, singular: str, plural: str | None = None) -> str:
    """'1 image', '3,670 images'."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def capital(words: str) -> str:
    """The first letter large, the rest as it is: 'AUROC', 'Macro F1'; 'mAP50' is a name and stays."""
    if words[1:2].isupper():
        return words
    return words[:1].upper() + words[1:]


def duration(seconds: float) -> str:
    """'48 s', '4 min 12 s', '2 h 5 min'."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def latency(milliseconds: float | None) -> str:
    """'0.42 ms', '12 ms'."""
    return (
        ""
        if milliseconds is None
        else f"{milliseconds:.2g} ms"
        if milliseconds < 10
        else f"{milliseconds:.0f} ms"
    )


def megabytes(size: float | None) -> str:
    """'0.3 MB', '12 MB'."""
    return "" if size is None else f"{size:.1f} MB" if size < 10 else f"{size:.0f} MB"


@dataclass(frozen=True)
class Axis:
    """Values from `low` to `high` laid out from `start` to `stop` (any unit); log: by their logarithm."""

    low: float
    high: float
    start: float = 0.0
    stop: float = 100.0
    log: bool = False

    def at(self, value: float) -> float:
        """Where a value lies; values outside land on the nearer end."""
        low, high, v = (
            (math.log(x) for x in (self.low, self.high, max(value, 1e-12)))
            if self.log
            else (self.low, self.high, value)
        )
        share = (v - low) / (high - low) if high > low else 0.5
        return self.start + min(1.0, max(0.0, share)) * (self.stop - self.start)

    def share(self, value: float) -> str:
        """Where a value lies, as a percentage for SVG.

        Such drawings stretch without their letters growing.
        """
        return f"{self.at(value):.2f}%"

    def holds(self, value: float | None) -> bool:
        """Whether the value lies on the axis."""
        return value is not None and self.low <= value <= self.high

    def ticks(self, wanted: int = 4) -> list[float]:
        """Round values on the axis, about as many as wanted."""
        if self.log:
            return _log_ticks(self.low, self.high, wanted)
        step = _round_step((self.high - self.low) / max(1, wanted))
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [round(k * step, 12) for k in range(first, last + 1)]


def tick(value: float) -> str:
    """A tick's label without needless zeros."""
    return f"{value:.6g}".replace("-", "−")


def _round_step(rough: float) -> float:
    """The least of 1, 2, 5 times a power of ten that is not below `rough`."""
    power = 10.0 ** math.floor(math.log10(max(rough, 1e-12)))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= rough * 0.999)


def _log_ticks(low: float, high: float, wanted: int) -> list[float]:
    """1, 2, 5 in every decade, thinned to the powers of ten where they are many."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    every = [m * 10.0**d for d in decades for m in (1, 2, 5) if low <= m * 10.0**d <= high]
    tens = [v for v in every if math.isclose(math.log10(v), round(math.log10(v)), abs_tol=1e-9)]
    return tens if len(every) > 2 * wanted and len(tens) > 1 else every
