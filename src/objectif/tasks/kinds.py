"""What the names that a Dataset gives its answers are called: classes, stages, identities, or nothing that could be counted.

Pictures to restore and plain numbers have one name for all images, which no sentence should count or find too small.
"""

from __future__ import annotations

Kinds = tuple[str, str]
CLASSES: Kinds = ("class", "classes")
_OTHERS: dict[str, Kinds] = {"regress": ("stage", "stages"), "identify": ("identity", "identities")}


def kinds(task: str, names: int) -> Kinds | None:
    """One and several of them, of a task with so many names; None where they tell images apart in no way."""
    if task == "restore" or (task == "regress" and names == 1):
        return None
    return _OTHERS.get(task, CLASSES)
