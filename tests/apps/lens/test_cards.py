"""cards.toml: everything that is wrong is told, each with its line; the skeleton is right as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from objectif.apps.lens import skeleton
from objectif.apps.lens.cards import Cards, read
from objectif.apps.lens.texts import negotiate, said
from objectif.errors import InputError

LABELS = ("daisy", "dandelion", "roses")
HEAD = 'languages = ["en", "de"]\n[safety]\ntext = "Mind."\n'


def cards(folder: Path, text: str, head: str = HEAD) -> Cards:
    path = folder / "cards.toml"
    path.write_text(head + text, encoding="utf-8")
    return read(path, LABELS)


def told(folder: Path, text: str, head: str = HEAD) -> str:
    with pytest.raises(InputError) as caught:
        cards(folder, text, head)
    return str(caught.value).replace(str(folder / "cards.toml"), "")


def test_a_card_has_all_that_it_may_have(tmp_path: Path) -> None:
    found = cards(
        tmp_path,
        """
[labels.daisy]
name = { en = "Daisy", de = "Gänseblümchen" }
line = "Bellis perennis"
facts = [{ en = "Small.", de = "Klein." }]
actions = [{ link = "https://a.example/b?c=1", text = "More" }, { call = "tel:+49-30-1", text = "Call" }, { note = "No." }]
parent = "asteraceae"
apart.dandelion = "White rays."
settle = "The leaves."
[groups.asteraceae]
name = "Asteraceae"
rank = { en = "family", de = "Familie" }
""",
    )
    card = found.card("daisy")
    assert said(card.name, "de") == "Gänseblümchen"
    assert said(card.line, "de") == "Bellis perennis"
    assert [(a.kind, a.to) for a in card.actions][:2] == [
        ("link", "https://a.example/b?c=1"),
        ("call", "tel:+49-30-1"),
    ]
    assert found.parents() == {"daisy": "asteraceae"}
    assert said(found.card("roses").name, "en") == "roses"  # a label without a card has its name


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("[labels.dasiy]", 4, "label 'dasiy' is not one of the Solution's; did you mean 'daisy'?"),
        ("[labels.daisy]\napart.rosse = 'x'", 5, "label 'rosse' is not one of the Solution's; did you mean 'roses'?"),
        ("[labels.daisy]\nnmae = 'x'", 5, "unknown key 'nmae'; known here are name, line"),
        ("[lables.daisy]", 4, "unknown key 'lables'"),
        ("[labels.daisy]\nname = { en = 'Daisy' }", 5, "name has no 'de'; the languages are en, de"),
        ("[labels.daisy]\nline = { en = 'a', de = 'b', fr = 'c' }", 5, "the language 'fr', the lens ['en', 'de']"),
        ("[labels.daisy]\nname = ' '", 5, "name is ' '; expected text"),
        ("[labels.daisy]\nname = 3", 5, "name is 3; expected text"),
        ("[labels.daisy]\nparent = 'asters'", 5, "there is no group 'asters'; add a section [groups.asters]."),
        ("[labels.daisy]\nparent = 'astres'\n[groups.asters]", 5, "did you mean 'asters'?"),
        ("[labels.daisy]\nparent = ['a']", 5, "expected the name of one group"),
        ("[labels.daisy]\nfacts = 'one'", 5, "expected a list of texts"),
        ("[labels.daisy]\nactions = [{ link = 'javascript:alert(1)', text = 'x' }]", 5, "a link starts with http:// or"),
        ("[labels.daisy]\nactions = [{ link = 'https://a b', text = 'x' }]", 5, "has no spaces"),
        ("[labels.daisy]\nactions = [{ call = '+49 30', text = 'x' }]", 5, 'a call is "tel:" and a number'),
        ("[labels.daisy]\nactions = [{ link = 'https://a.example' }]", 5, "an action is"),
        ("[groups.daisy]", 4, "group 'daisy' has the name of a label"),
        ("[labels]\ndaisy = 3", 5, "labels.daisy is 3; expected a section [labels.daisy]"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    found = told(tmp_path, text)
    assert found.startswith(f":{line}: "), found
    assert words in found
    assert found.count("\n") == 0


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ('[safety]\ntext = "a"\n', "languages is None; expected different codes"),
        ('languages = ["english"]\n[safety]\ntext = "a"\n', "languages is ['english']"),
        ('languages = ["en"]\n', "no text; expected what is to be minded with every answer"),
        (
            'languages = ["en"]\naccuracy = 1.0\n[safety]\ntext = "a"\n',
            "accuracy is 1.0; expected a share between 0.5",
        ),
        ('languages = ["en"\n', "not valid TOML"),
    ],
)
def test_a_faulty_head_is_told(tmp_path: Path, head: str, words: str) -> None:
    assert words in told(tmp_path, "", head)


def test_groups_in_a_circle_are_told_once(tmp_path: Path) -> None:
    text = "".join(
        f"[groups.{a}]\nparent = '{b}'\n" for a, b in (("a", "b"), ("b", "c"), ("c", "a"), ("d", "a"))
    )
    found = told(tmp_path, text)
    assert found == ":5: the groups go in a circle: a > b > c > a; take one parent away."


def test_what_must_never_be_said_is_on_no_card(tmp_path: Path) -> None:
    head = HEAD.replace('"Mind."', '"A photo makes nothing edible."\nnever = ["edible"]')
    assert cards(tmp_path, "[labels.daisy]\nline = 'Incredible.'", head).never == ("edible",)
    found = told(tmp_path, "[labels.daisy]\nfacts = ['Young leaves are Edible.']", head)
    assert found == ":6: facts says 'edible', which safety.never forbids on any card; take it out."


def test_all_faults_are_told_in_order(tmp_path: Path) -> None:
    found = told(tmp_path, "[labels.daisy]\nfoo = 1\n[labels.rose]\nname = { en = 'Rose' }\n")
    assert [row.split(":")[1] for row in found.splitlines()] == ["5", "6", "7"]


def test_the_cards_of_the_how_to_are_right(tmp_path: Path) -> None:
    page = Path(__file__).parents[3] / "docs" / "how-to" / "a-lens-from-photos.md"
    text = page.read_text(encoding="utf-8").split("```toml\n")[1].split("```")[0]
    assert cards(tmp_path, text, head="").never == ("edible", "essbar")


def test_no_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file or directory; expected the cards of a lens"):
        read(tmp_path / "none.toml", LABELS)
    (tmp_path / "latin").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="not UTF-8 text"):
        read(tmp_path / "latin", LABELS)


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12).filter(str.strip)


@settings(max_examples=25)
@given(
    st.lists(names, min_size=2, max_size=5, unique=True),
    st.lists(st.sampled_from(["en", "de", "pt-BR"]), min_size=1, unique=True),
)
def test_the_skeleton_is_right_for_any_labels(
    tmp_path_factory: pytest.TempPathFactory, labels: list[str], languages: list[str]
) -> None:
    path = tmp_path_factory.mktemp("s") / "cards.toml"
    first, second = labels[:2]
    met = {first: {second: (3, 40)}}
    skeleton.write(path, labels, title="T", languages=languages, accuracy=0.95, confused=met)
    found = read(path, labels)
    assert set(found.labels) == set(labels)
    assert found.languages == tuple(languages)
    assert found.accuracy == 0.95
    assert said(found.safety, languages[-1])


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT,de;q=0.9", "de"),
        ("fr, de;q=0.5", "de"),
        ("fr;q=0.2, pt;q=0.4, de;q=0.1", "pt-BR"),
        ("ja", "en"),
        ("*", "en"),
        ("ja, *;q=0.1", "en"),
        ("en;q=0, *", "de"),
        ("DE-at", "de"),
        ("zz;q=what, <script>, de", "de"),
        ("en;q=0, de;q=0, pt-BR;q=0", "en"),
    ],
)
def test_the_reader_gets_the_language_that_is_preferred(wanted: str, expected: str) -> None:
    assert negotiate(wanted, ("en", "de", "pt-BR")) == expected


@given(st.text(max_size=60))
def test_any_header_gets_a_language(header: str) -> None:
    assert negotiate(header, ("en", "de")) in {"en", "de"}
