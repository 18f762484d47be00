"""The notes of a race: sentences for people, written into the journal so that a resumed race tells them too.

A stage that a resume repeats says its sentence again, perhaps with other seconds: `about` names what a sentence is about, and
the later one takes the place of the earlier. What is said while delivering is not written, as delivering is always done anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from objectif.runs.journal import Journal


class Notes:
    """Sentences in the order in which they were first said."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._told: dict[str, str] = {}
        for event in journal.events:
            if event["event"] == "note":
                self._told[event["about"]] = event["text"]

    def append(self, text: str, about: str = "", *, written: bool = True) -> None:
        """Say a sentence; about: what it is about (of '': itself)."""
        about = about or text
        if self._told.get(about) == text:
            return
        self._told[about] = text
        if written:
            self._journal.append("note", status="said", about=about, text=text)

    def extend(self, texts: Iterable[str], *, written: bool = True) -> None:
        """Say several."""
        for text in texts:
            self.append(text, written=written)

    def __iter__(self) -> Iterator[str]:
        return iter(self._told.values())
