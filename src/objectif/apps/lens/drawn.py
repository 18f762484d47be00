"""An answer as HTML: what the page shows, made by report/html.py, so that no text of a card or a name is ever markup."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from objectif.apps.lens.folder import Lens
from objectif.apps.lens.nearest import Example
from objectif.apps.lens.teach import Lesson
from objectif.apps.lens.tell import Rival, Told
from objectif.apps.lens.texts import said
from objectif.apps.lens.words import word
from objectif.report.html import Markup, join, tag, visible

Url = Callable[[Path], str]


def answer(told: Told, url: Url) -> Markup:
    """The card of one photo; the photo itself stands beside it already, in the browser that took it."""

    def w(key: str) -> str:
        return word(told.language, key)

    alike, rivals = dict(told.alike), {rival.name for rival in told.rivals}
    own = [(name, examples) for name, examples in told.alike if name not in rivals]
    return tag(
        "article",
        tag("h2", visible(told.heading), tabindex="-1", id="answer"),
        tag("p", visible(told.sure), class_="sure") if told.sure else None,
        tag("p", visible(told.line)) if told.line else None,
        [tag("p", visible(note), class_="verdict warn") for note in told.notes],
        safety(told.language, told.safety),
        _settle(told, w("settle")),
        _part(w("actions"), [_action(*action) for action in told.actions], "ul"),
        _part(w("facts"), [tag("li", visible(fact)) for fact in told.facts], "ul"),
        _part(w("nearest"), [_examples(told, name, examples, url) for name, examples in own]),
        _part(
            told.rivals_title, [_rival(told, rival, alike.get(rival.name, ()), url) for rival in told.rivals]
        ),
        tag("details", tag("summary", w("how")), tag("p", visible(told.promise), class_="note")),
        lang=told.language,
        class_="lens-answer",
    )


def safety(language: str, text: str) -> Markup:
    """What is to be minded with every answer."""
    return tag(
        "p", tag("strong", word(language, "safety"), ": "), visible(text), class_="verdict warn", role="note"
    )


def opening(lens: Lens, language: str, base: str) -> Markup:
    """The page before there is a photo: its title, two ways to give one, what is to be minded. base: of the routes."""

    def w(key: str) -> str:
        return word(language, key)

    def pick(key: str, **more: str) -> Markup:
        field = tag("input", type="file", accept="image/*", class_="visually-hidden", data_photo=True, **more)
        return tag("label", field, tag("span", w(key)), class_="button" if more else "button second")

    return tag(
        "objectif-lens",
        tag("h1", visible(said(lens.cards.title, language))),
        tag("div", pick("take", capture="environment"), pick("choose"), class_="row"),
        tag("p", role="status", id="said", class_="soft"),
        tag(
            "figure",
            tag("img", alt=w("yours"), id="photo"),
            tag("figcaption", w("yours"), class_="note"),
            hidden=True,
        ),
        tag("div", id="answer-place"),
        _teach(lens, language),
        tag("div", safety(language, said(lens.cards.safety, language)), id="safety"),
        tag("div", lessons(lens, language), id="lessons"),
        lang=language,
        class_="lens",
        data_base=base,
        data_looking=w("looking"),
        data_lost=w("lost"),
    )


def lessons(lens: Lens, language: str) -> Markup:
    """What was taught, with what is known of it: to accept, or to forget."""

    def listed(key: str, taught: Iterable[Lesson], waiting: bool) -> Markup | None:
        rows = []
        for lesson in taught:
            words = tag("p", visible(lesson_words(lens, lesson, language)))
            ways = ["accept", "forget"] if waiting else ["forget"]
            rows.append(tag("li", words, [_button(language, way, lesson.name) for way in ways]))
        return _part(word(language, key), rows, "ul")

    return join(
        listed("waiting", lens.lessons(lens.waiting), True),
        listed("accepted", lens.lessons(lens.accepted), False),
    )


def lesson_words(lens: Lens, lesson: Lesson, language: str) -> str:
    """How well something taught can be told, as a sentence."""
    return word(
        language,
        "lesson",
        name=said(lens.cards.card(lesson.name).name, language),
        known=lesson.known,
        photos=lesson.photos,
        passed=lesson.passed,
        others=lesson.others,
    )


def _button(language: str, key: str, name: str) -> Markup:
    return tag(
        "button",
        word(language, key),
        type="button",
        class_="button second",
        data_do=key,
        data_name=name,
        aria_label=f"{word(language, key)}: {visible(name)}",
    )


def _teach(lens: Lens, language: str) -> Markup:
    """The form to say what it is instead; hidden until there is a photo."""

    def w(key: str) -> str:
        return word(language, key)

    options = [tag("option", value=visible(name)) for name in lens.names]
    return tag(
        "details",
        tag("summary", w("other")),
        tag(
            "form",
            tag("p", w("teach_how")),
            tag(
                "label",
                w("name"),
                tag("input", name="name", required=True, maxlength=80, list="names", autocomplete="off"),
            ),
            tag("datalist", options, id="names"),
            tag(
                "label",
                w("more"),
                tag("input", name="photos", type="file", accept="image/*", multiple=True, required=True),
            ),
            tag("button", w("teach"), class_="button"),
            tag("p", role="status", class_="soft"),
            id="teach",
        ),
        hidden=True,
        class_="panel",
    )


def _part(title: str, parts: list[Markup], element: str = "div") -> Markup | None:
    return tag("section", tag("h3", title), tag(element, parts)) if parts else None


def _settle(told: Told, title: str) -> Markup | None:
    return (
        tag("section", tag("h3", title), tag("p", visible(told.settle)), class_="settle")
        if told.settle
        else None
    )


def _action(kind: str, text: str, to: str) -> Markup:
    if kind == "link":
        return tag("li", tag("a", visible(text), href=to, target="_blank", rel="noopener noreferrer"))
    return tag("li", tag("a", visible(text), href=to) if kind == "call" else visible(text))


def _rival(told: Told, rival: Rival, examples: Iterable[Example], url: Url) -> Markup:
    return tag(
        "div",
        tag("h4", visible(rival.name), " ", tag("span", rival.probability, class_="soft")),
        tag("p", tag("b", word(told.language, "apart"), ": "), visible(rival.apart)) if rival.apart else None,
        tag("p", visible(rival.met), class_="note") if rival.met else None,
        _examples(told, rival.name, examples, url),
        class_="rival",
    )


def _examples(told: Told, name: str, examples: Iterable[Example], url: Url) -> Markup:
    """Photos of one label beside the one that was asked, which the browser puts in, the most alike first."""

    def one(example: Example) -> Markup:
        words = word(told.language, "example", label=visible(name), likeness=f"{example.likeness:.2f}")
        return tag(
            "li",
            tag(
                "img",
                src=url(example.thumbnail),
                alt=words,
                loading="lazy",
                width=160,
                height=160,
                title=visible(example.path),
            ),
        )

    mine = tag(
        "li",
        tag("img", alt=word(told.language, "yours"), class_="mine", data_mine=True, width=160, height=160),
    )
    return tag("ul", mine, [one(example) for example in examples], class_="alike")
