"""A label that deserves a second look, whatever the task is: what is given, what was answered, how much speaks against it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SecondLook:
    """One label of the image `path`; what is given and what it looks like, in words.

    part: 'out-of-fold' or 'test', the answers by which it was judged. wrong: probability that the label is wrong; None where
    nothing tells how often labels of this kind are wrong. against: share of comparable labels that agree better with their
    answers, 0..1; the order where `wrong` is None.
    """

    path: str
    part: str
    given: str
    looks: str
    wrong: float | None
    against: float

    @property
    def rank(self) -> tuple[float, float]:
        """Sorts the worst first."""
        return (-1.0 if self.wrong is None else self.wrong, self.against)
