"""Advice in words, in one language: what the terminal prints and the page draws. Plain text; whoever shows it escapes it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from objectif.apps.lens.cards import Action
from objectif.apps.lens.folder import Found, Lens
from objectif.apps.lens.nearest import Example
from objectif.apps.lens.rules import Other
from objectif.apps.lens.sure import CONFIDENCE
from objectif.apps.lens.taxonomy import NOBODY
from objectif.apps.lens.texts import negotiate, said
from objectif.apps.lens.words import percent, whole, word


@dataclass(frozen=True)
class Rival:
    """A label it could be confused with: its name, how probable, how often that was met, how to tell them apart."""

    label: str
    name: str
    probability: str
    met: str
    apart: str


@dataclass(frozen=True)
class Told:
    """An answer in words, all in `language`. Empty where there is nothing to say; `safety` and `promise` never are.

    actions: (kind, text, where to). alike: (label's name, examples), the answered one first.
    """

    language: str
    heading: str
    sure: str
    line: str
    notes: tuple[str, ...]
    facts: tuple[str, ...]
    rivals: tuple[Rival, ...]
    rivals_title: str
    actions: tuple[tuple[str, str, str], ...]
    settle: str
    safety: str
    promise: str
    alike: tuple[tuple[str, tuple[Example, ...]], ...]


def tell(lens: Lens, found: Found, wanted: str = "") -> Told:
    """Everything in the language that the reader prefers (`wanted`: an Accept-Language header) of those that the lens has."""
    language = negotiate(wanted, lens.cards.languages)
    words = _Words(lens, language)
    card = lens.cards.card(found.label)
    shown = found.taught is not None or found.advice.node is not None
    heading, sure = words.heading(found)
    among = found.advice.kind == "group" and found.taught is None
    return Told(
        language=language,
        heading=heading,
        sure=sure,
        line=said(card.line, language) if shown else "",
        notes=tuple(words.notes(found)),
        facts=tuple(said(fact, language) for fact in card.facts) if shown else (),
        rivals=tuple(words.rivals(found)),
        rivals_title=word(language, "which" if among else "others"),
        actions=tuple(words.action(action) for action in card.actions) if shown else (),
        settle=words.settle(found),
        safety=said(lens.cards.safety, language),
        promise=promise(lens, language),
        alike=tuple(
            (words.name(label), tuple(examples)) for label, examples in found.alike.items() if examples
        ),
    )


def promise(lens: Lens, language: str) -> str:
    """What held-out photos say of a lens's answers, as sentences."""
    sure, words = lens.sure, _Words(lens, language)
    counts = Counter(words.level(node) for node in sure.nodes.tolist())
    shares = (
        word(language, "shares", share=whole(n / sure.photos), what=what) for what, n in counts.most_common()
    )
    first = word(
        language,
        "promise",
        promised=_down(sure.promised),
        confidence=whole(CONFIDENCE),
        photos=sure.photos,
        answered=sure.answered,
        right=sure.right,
        shares=", ".join(shares),
    )
    return first if sure.kept else f"{first} {word(language, 'short', wanted=whole(sure.wanted))}"


def _down(share: float) -> str:
    """A lower bound, rounded down."""
    return f"{int(share * 1000 + 1e-9) / 10:g} %"


@dataclass(frozen=True)
class _Words:
    """A lens in one language."""

    lens: Lens
    language: str

    def name(self, node: str) -> str:
        return said(self.lens.cards.card(node).name, self.language)

    def level(self, node: int) -> str:
        """What a node of the tree is: the label, a rank, nothing that is sure."""
        if node == NOBODY:
            return word(self.language, "nothing")
        name = self.lens.rules.tree.nodes[node]
        if name not in self.lens.cards.groups:
            return word(self.language, "label")
        return said(self.lens.cards.groups[name].rank, self.language) or self.name(name)

    def heading(self, found: Found) -> tuple[str, str]:
        """What it is, and how sure that is."""
        advice, lesson = found.advice, found.taught
        if lesson is not None:
            one = lesson[0]
            told = word(
                self.language,
                "taught",
                photos=one.photos,
                known=one.known,
                passed=one.passed,
                others=one.others,
            )
            return self.name(one.name), told
        if advice.kind == "unknown":
            return word(self.language, "unknown"), advice.reason
        if advice.node is None:
            guess = word(
                self.language, "guess", name=self.name(advice.likeliest), p=percent(advice.probability)
            )
            return word(self.language, "unsure"), guess
        sure = word(self.language, "sure", p=percent(advice.probability))
        if advice.kind == "label":
            return self.name(advice.node), sure
        rank = said(self.lens.cards.card(advice.node).rank, self.language)
        named = word(self.language, "group", rank=f"{rank} " if rank else "", name=self.name(advice.node))
        return named[:1].upper() + named[1:], sure

    def notes(self, found: Found) -> Iterator[str]:
        """What else is to be known."""
        if found.advice.reason and found.advice.kind != "unknown":
            yield found.advice.reason
        if found.waiting is not None:
            lesson = found.waiting[0]
            yield word(self.language, "waits", name=self.name(lesson.name), photos=lesson.photos)

    def rivals(self, found: Found) -> Iterator[Rival]:
        """What it could be instead; where it looks like what was taught, that is what the network takes it for."""
        advice, others = found.advice, found.advice.others
        if found.taught is not None and advice.kind != "group":
            others = (Other(advice.likeliest, advice.probability), *others)
        own = advice.likeliest if advice.kind == "group" else found.label
        for other in others:
            if other.label != found.label:
                yield self.rival(own, other, measured=found.taught is None)

    def rival(self, own: str, other: Other, *, measured: bool) -> Rival:
        """One of them. measured: whether held-out photos tell how often it was met."""
        name, met = self.name(other.label), ""
        if other.met[0] and measured:
            k, of = other.met
            met = word(self.language, "met", k=k, of=of, name=self.name(own), other=name)
        return Rival(other.label, name, percent(other.probability), met, self.apart(own, other.label))

    def apart(self, one: str, other: str) -> str:
        """How to tell two labels apart, whichever of their cards says it."""
        cards = self.lens.cards
        text = cards.card(one).apart.get(other) or cards.card(other).apart.get(one) or {}
        return said(text, self.language) if text else ""

    def action(self, action: Action) -> tuple[str, str, str]:
        return action.kind, said(action.text, self.language), action.to

    def settle(self, found: Found) -> str:
        """The photo that would settle it, where another photo could."""
        if not found.advice.between or found.taught is not None:
            return ""
        cards, names = self.lens.cards, found.advice.between
        asked = [said(cards.card(label).settle, self.language) for label in names if cards.card(label).settle]
        if asked:
            return " ".join(dict.fromkeys(asked))
        if len(names) < 2:
            return ""
        return word(self.language, "closer", a=self.name(names[0]), b=self.name(names[1]))


def lines(told: Told) -> Iterator[str]:
    """The answer as lines for a terminal."""

    def titled(key: str) -> str:
        return word(told.language, key)

    yield f"{told.heading} ({told.sure})" if told.sure and not told.sure.endswith(".") else told.heading
    if told.sure.endswith("."):
        yield f"  {told.sure}"
    yield from (f"  {text}" for text in (told.line, *told.notes, *told.facts) if text)
    if told.rivals:
        yield f"{told.rivals_title}:"
        for rival in told.rivals:
            yield f"  {rival.name}, {rival.probability}" + (f"; {rival.met}" if rival.met else "")
            if rival.apart:
                yield f"    {rival.apart}"
    if told.actions:
        yield f"{titled('actions')}:"
        yield from (f"  {text}" + (f": {to}" if to else "") for _, text, to in told.actions)
    if told.settle:
        yield f"{titled('settle')}:"
        yield f"  {told.settle}"
    if told.alike:
        yield f"{titled('nearest')}:"
        for name, examples in told.alike:
            yield f"  {name}: " + ", ".join(f"{one.path} ({one.likeness:.2f})" for one in examples)
    yield f"{titled('safety')}: {told.safety}"
    yield told.promise
