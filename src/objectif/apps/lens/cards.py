"""cards.toml: what a lens says of each label and group, in the languages of its user; read and checked.

Everything that is wrong is told at once, a line for each fault, with its place in the file. A card says what a person
wrote and nothing else: the words of `never` may stand on no card, and the safety text goes with every answer, because a
photo never makes a plant edible, whatever the probability.

Rejected: a schema library, whose messages speak of types where the writer of cards thinks of plants.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from objectif.apps.lens.texts import ANY, CODE, Text
from objectif.errors import InputError
from objectif.problem import toml
from objectif.problem.readers import close_to

FILE = "cards.toml"
TOP = ("title", "languages", "accuracy", "safety", "labels", "groups")
SAFETY = ("text", "never")
LABEL = ("name", "line", "facts", "actions", "parent", "apart", "settle")
GROUP = ("name", "rank", "line", "facts", "actions", "parent", "settle")
_LINK = re.compile(r"https?://[^\s\x00-\x20\"'<>\\]+", re.IGNORECASE)
_CALL = re.compile(r"tel:\+?[0-9][0-9.()-]*")
_MOST = 4_000_000  # bytes


@dataclass(frozen=True)
class Action:
    """Something to do. kind 'link': `to` is http or https; 'call': `to` is tel:NUMBER; 'note': words alone."""

    kind: Literal["link", "call", "note"]
    text: Text
    to: str = ""


@dataclass(frozen=True)
class Card:
    """What is said of a label or a group; empty where nobody wrote it.

    parent: the group it belongs to, None at the top. rank: of a group ("family"). apart: other label -> how to tell the two
    apart. settle: the photo that would settle whether it is this one.
    """

    name: Text
    rank: Text = field(default_factory=dict)
    line: Text = field(default_factory=dict)
    facts: tuple[Text, ...] = ()
    actions: tuple[Action, ...] = ()
    parent: str | None = None
    apart: Mapping[str, Text] = field(default_factory=dict)
    settle: Text = field(default_factory=dict)


@dataclass(frozen=True)
class Cards:
    """A lens in words. languages: the first is for readers of none of them. accuracy: share of answers that are to be right."""

    title: Text
    languages: tuple[str, ...]
    accuracy: float
    safety: Text
    never: tuple[str, ...] = ()
    labels: Mapping[str, Card] = field(default_factory=dict)
    groups: Mapping[str, Card] = field(default_factory=dict)

    def card(self, node: str) -> Card:
        """Of a label or group; one with its name alone where nobody wrote one."""
        return self.labels.get(node) or self.groups.get(node) or Card({ANY: node.replace("_", " ")})

    def parents(self) -> dict[str, str]:
        """node -> its group, for those that have one."""
        both = {**self.labels, **self.groups}
        return {node: card.parent for node, card in both.items() if card.parent is not None}


def read(path: Path, labels: Collection[str]) -> Cards:
    """The cards for a Solution's labels. InputError: missing, not TOML, or all that is wrong, each with file and line."""
    text = _text(path)
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line, what = toml.syntax_line(error, text)
        raise InputError(
            f"{path}:{line}: not valid TOML: {what}. Text stands in quotes, a text in several languages in braces: "
            '{ en = "Daisy", de = "Gänseblümchen" }.'
        ) from None
    reader = _Reader(labels)
    cards = reader.cards(table)
    if reader.faults:
        where = toml.lines(text)
        told = sorted((toml.line_of(where, key), what) for key, what in reader.faults)
        raise InputError("\n".join(f"{path}:{line}: {what}" for line, what in told))
    return cards


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _MOST:
            raise InputError(f"{path}: more than {_MOST // 1_000_000} MB; expected the cards of a lens.")
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8 text; expected the cards of a lens. Save it as UTF-8.") from None
    except OSError as error:
        raise InputError(
            f"{path}: {error.strerror}; expected the cards of a lens. `objectif lens new DATA` writes them."
        ) from None


class _Reader:
    """Values of a parsed file, and the faults met, each with the key it stands at."""

    def __init__(self, labels: Collection[str]) -> None:
        self.known = labels
        self.languages: tuple[str, ...] = ()
        self.faults: list[tuple[toml.Key, str]] = []

    def fault(self, key: toml.Key, what: str) -> None:
        self.faults.append((key, what))

    def cards(self, table: Mapping[str, Any]) -> Cards:
        """All of the file; what is faulty is left empty."""
        self.keys((), table, TOP)
        self.languages = self.codes(table.get("languages"))
        safety = self.table(("safety",), table.get("safety"), SAFETY)
        if "text" not in safety:
            self.fault(("safety",), "no text; expected what is to be minded with every answer.")
        labels, groups = (self.named(kind, table.get(kind, {})) for kind in ("labels", "groups"))
        cards = Cards(
            title=self.text(("title",), table.get("title", {ANY: "Lens"})),
            languages=self.languages,
            accuracy=self.share(("accuracy",), table.get("accuracy", 0.9)),
            safety=self.text(("safety", "text"), safety.get("text", "")),
            never=self.words(("safety", "never"), safety.get("never", [])),
            labels=labels,
            groups=groups,
        )
        self.related(cards)
        self.unsaid(cards)
        return cards

    def keys(self, key: toml.Key, table: Mapping[str, Any], known: Collection[str]) -> None:
        """A fault for each key that is not known here."""
        for name in table:
            if name not in known:
                near = close_to(name, known) or "."
                what = f"unknown key {toml.visible(name)!r}; known here are {', '.join(known)}{near}"
                self.fault((*key, name), what)

    def table(self, key: toml.Key, value: Any, known: Collection[str]) -> Mapping[str, Any]:
        """A section, its keys checked."""
        if value is None:
            value = {}
        if not isinstance(value, Mapping):
            self.fault(key, f"{'.'.join(key)} is {value!r}; expected a section [{'.'.join(key)}].")
            return {}
        self.keys(key, value, known)
        return value

    def codes(self, value: Any) -> tuple[str, ...]:
        """languages: at least one."""
        good = (
            isinstance(value, list) and value and all(isinstance(v, str) and CODE.fullmatch(v) for v in value)
        )
        if not good or len(set(value)) != len(value):
            what = f'languages is {value!r}; expected different codes, the usual one first, such as ["en", "de"].'
            self.fault(("languages",), what)
            return ()
        return tuple(value)

    def share(self, key: toml.Key, value: Any) -> float:
        """A number between one half and 1, neither included."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0.5 < value < 1:
            self.fault(key, f"{key[-1]} is {value!r}; expected a share between 0.5 and 1, such as 0.9.")
            return 0.9
        return float(value)

    def words(self, key: toml.Key, value: Any) -> tuple[str, ...]:
        """A list of words."""
        if not isinstance(value, list) or not all(isinstance(v, str) and v.strip() for v in value):
            self.fault(key, f'{key[-1]} is {value!r}; expected a list of words, such as ["edible"].')
            return ()
        return tuple(v.strip() for v in value)

    def text(self, key: toml.Key, value: Any) -> Text:
        """Words for all languages, or a table with each of them."""
        name = key[-1]
        if isinstance(value, str) and value.strip():
            return {ANY: value}
        if not isinstance(value, Mapping) or not all(isinstance(v, str) for v in value.values()):
            self.fault(key, f"{name} is {value!r}; expected text, or {{ {self._example()} }}.")
            return {}
        if set(value) == {ANY}:
            return value
        for language in self.languages:
            if not value.get(language, "").strip():
                have = ", ".join(self.languages)
                what = f"{name} has no {language!r}; the languages are {have}: say it in each, or as one text for all."
                self.fault(key, what)
        for language in value:
            if self.languages and language not in self.languages:
                near = close_to(language, self.languages) or "; add it to languages, or remove it."
                self.fault(
                    key, f"{name} has the language {language!r}, the lens {list(self.languages)}{near}"
                )
        return dict(value)

    def _example(self) -> str:
        return ", ".join(f'{language} = "..."' for language in self.languages or ("en",))

    def named(self, kind: str, value: Any) -> dict[str, Card]:
        """[labels.NAME] or [groups.NAME]."""
        known = LABEL if kind == "labels" else GROUP
        if not isinstance(value, Mapping):
            self.fault((kind,), f"{kind} is {value!r}; expected sections [{kind}.NAME].")
            return {}
        return {
            name: self.card((kind, name), self.table((kind, name), inside, known))
            for name, inside in value.items()
        }

    def card(self, key: toml.Key, table: Mapping[str, Any]) -> Card:
        """One card."""
        found: dict[str, Any] = {
            name: self.text((*key, name), table[name])
            for name in ("name", "rank", "line", "settle")
            if name in table
        }
        found.setdefault("name", {ANY: key[-1].replace("_", " ")})
        facts, apart = table.get("facts", []), table.get("apart", {})
        if not isinstance(facts, list):
            self.fault((*key, "facts"), f"facts is {facts!r}; expected a list of texts.")
            facts = []
        if not isinstance(apart, Mapping):
            self.fault((*key, "apart"), f"apart is {apart!r}; expected {{ OTHER = text }}.")
            apart = {}
        found["facts"] = tuple(self.text((*key, "facts"), fact) for fact in facts)
        found["apart"] = {other: self.text((*key, "apart", other), text) for other, text in apart.items()}
        found["actions"] = self.actions((*key, "actions"), table.get("actions", []))
        parent = table.get("parent")
        if parent is not None and not isinstance(parent, str):
            self.fault((*key, "parent"), f"parent is {parent!r}; expected the name of one group.")
            parent = None
        return Card(**found, parent=parent)

    def actions(self, key: toml.Key, value: Any) -> tuple[Action, ...]:
        """A list of { link = ..., text = ... }, { call = ..., text = ... } and { note = ... }."""
        example = '{ link = "https://...", text = ... }, { call = "tel:+...", text = ... } or { note = ... }'
        found: list[Action] = []
        for one in value if isinstance(value, list) else [value]:
            if not isinstance(one, Mapping) or set(one) not in ({"link", "text"}, {"call", "text"}, {"note"}):
                self.fault(key, f"an action is {one!r}; expected {example}.")
            elif "note" in one:
                found.append(Action("note", self.text(key, one["note"])))
            elif "link" in one:
                self.address(
                    key, one["link"], _LINK, "a link starts with http:// or https:// and has no spaces"
                )
                found.append(Action("link", self.text(key, one["text"]), str(one["link"])))
            else:
                self.address(
                    key, one["call"], _CALL, 'a call is "tel:" and a number, such as "tel:+49301234"'
                )
                found.append(Action("call", self.text(key, one["text"]), str(one["call"])))
        return tuple(found)

    def address(self, key: toml.Key, value: Any, form: re.Pattern[str], expected: str) -> None:
        """A fault where an address is not of its form."""
        if not isinstance(value, str) or not form.fullmatch(value):
            self.fault(key, f"an action leads to {value!r}; {expected}.")

    def related(self, cards: Cards) -> None:
        """Labels that the Solution has, groups that are there, no circle."""
        for name, card in cards.labels.items():
            for word, key in (
                (name, ("labels", name)),
                *((o, ("labels", name, "apart", o)) for o in card.apart),
            ):
                if word not in self.known:
                    near = close_to(word, self.known) or f"; it has {', '.join(sorted(self.known))}."
                    self.fault(key, f"label {toml.visible(word)!r} is not one of the Solution's{near}")
        for name in cards.groups:
            if name in self.known:
                self.fault(("groups", name), f"group {name!r} has the name of a label; give it another.")
        for kind, nodes in (("labels", cards.labels), ("groups", cards.groups)):
            for name, card in nodes.items():
                if card.parent is not None and card.parent not in cards.groups:
                    near = close_to(card.parent, cards.groups) or f"; add a section [groups.{card.parent}]."
                    self.fault((kind, name, "parent"), f"there is no group {card.parent!r}{near}")
        self.circles(cards)

    def circles(self, cards: Cards) -> None:
        """A fault for each circle of groups, told once."""
        told: set[str] = set()
        for name in cards.groups:
            way = [name]
            while (parent := cards.card(way[-1]).parent) in cards.groups and parent not in way:
                way.append(str(parent))
            if parent == name and name not in told:
                told |= set(way)
                what = f"the groups go in a circle: {' > '.join((*way, name))}; take one parent away."
                self.fault(("groups", name, "parent"), what)

    def unsaid(self, cards: Cards) -> None:
        """A fault for each card that says what must never be said."""
        for key, text in _texts(cards):
            for word in cards.never:
                form = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)", re.IGNORECASE)
                if any(form.search(words) for words in text.values()):
                    self.fault(
                        key, f"{key[-1]} says {word!r}, which safety.never forbids on any card; take it out."
                    )


def _texts(cards: Cards) -> Iterator[tuple[toml.Key, Text]]:
    """Every text on a card, with its key."""
    for kind, nodes in (("labels", cards.labels), ("groups", cards.groups)):
        for name, card in nodes.items():
            for part in ("name", "rank", "line", "settle"):
                yield (kind, name, part), getattr(card, part)
            yield from (((kind, name, "facts"), fact) for fact in card.facts)
            yield from (((kind, name, "actions"), action.text) for action in card.actions)
            yield from (((kind, name, "apart", other), text) for other, text in card.apart.items())
