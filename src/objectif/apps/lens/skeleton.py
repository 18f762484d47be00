"""The first cards.toml of a lens: every label with its name, and where its photos were confused, to be filled in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from objectif.errors import InputError
from objectif.problem.toml import key_text, toml, visible
from objectif.runs.storage import write_whole

SAFETY = {
    "en": "An answer from a photo can be wrong. Never eat, touch or treat anything because of it.",
    "de": "Eine Antwort nach einem Foto kann falsch sein. Nichts ihretwegen essen, anfassen oder behandeln.",
    "fr": "Une réponse d'après une photo peut être fausse. Ne rien manger, toucher ni traiter à cause d'elle.",
    "es": "Una respuesta a partir de una foto puede ser falsa. No coma, toque ni trate nada por ella.",
}
"""The usual safety text; in other languages the English one stands until somebody translates it."""

MOST = 2
"""Confusions of a label that are worth a line in its card."""
_HEAD = """\
# The cards of a lens: what it says of each label. Edit it; `objectif lens check FOLDER` finds what is wrong.
# A text is "the same in all languages" or {{ {example} }}.
# A label or group may have, beside its name:
#   line = one sentence                    facts = [text, text]
#   actions = [{{ link = "https://...", text = text }}, {{ call = "tel:+...", text = text }}, {{ note = text }}]
#   parent = "GROUP"                       what it belongs to; an unsure lens answers with the group
#   settle = text                          the photo that would settle whether it is this one
#   apart.OTHER = text                     how to tell it from another label

title = {title}
languages = {languages}  # the first is for readers of none of them
accuracy = {accuracy}  # share of its answers that are to be right; what cannot be promised is left unsure

[safety]
text = {safety}  # goes with every answer
never = []  # words that no card may say, such as ["edible"]

# [groups.FAMILY]
# name = "..."
# rank = {rank}
# parent = "..."  # of a larger group
"""


def write(
    path: Path,
    labels: Sequence[str],
    *,
    title: str,
    languages: Sequence[str] = ("en",),
    accuracy: float = 0.9,
    confused: Mapping[str, Mapping[str, tuple[int, int]]] | None = None,
) -> None:
    """Write it. confused: label -> other -> (photos, of how many that were called by this label).

    InputError where a name cannot stand in a text file; RunError where the disk refuses.
    """

    try:
        head = _HEAD.format(
            example=", ".join(f'{language} = "..."' for language in languages),
            title=_text(title, languages),
            languages=toml(list(languages)),
            accuracy=toml(accuracy),
            safety=toml(
                {language: SAFETY.get(language.split("-")[0], SAFETY["en"]) for language in languages}
            ),
            rank=_text("family", languages),
        )
        cards = [_card(label, languages, (confused or {}).get(label, {})) for label in labels]
    except ValueError as error:
        raise InputError(f"{path}: {error}. Rename the class.") from None
    write_whole(path, "\n".join([head, *cards]).encode())


def _text(words: str, languages: Sequence[str]) -> str:
    """The same words in each language, to be translated."""
    return toml(dict.fromkeys(languages, words))


def _card(label: str, languages: Sequence[str], confused: Mapping[str, tuple[int, int]]) -> str:
    """The section of a label, with the pairs that a sentence would help most."""
    name = label.replace("_", " ").strip() or label
    lines = [f"[labels.{key_text(label)}]", f"name = {_text(name, languages)}", '# parent = "..."']
    for other, (count, of) in list(confused.items())[:MOST]:
        lines.append(f"# of {of} held-out photos called {visible(label)}, {count} showed {visible(other)}:")
        lines.append(f"# apart.{key_text(other)} = {_text('...', languages)}")
    return "\n".join(lines) + "\n"
