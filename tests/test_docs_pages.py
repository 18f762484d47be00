"""The pages under docs/: links lead somewhere, rooms and verbs that are named exist, snippets work."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import objectif
from objectif import cli, errors, plugins

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
PATTERN = (DOCS / "pattern.md").read_text(encoding="utf-8")


def snippet(word: str) -> dict[str, Any]:
    """What the Python snippet of pattern.md that contains `word` defines."""
    code = next(c for c in re.findall(r"```python\n(.*?)```", PATTERN, re.DOTALL) if word in c)
    names: dict[str, Any] = {"__name__": "snippet"}
    exec(compile(code, "pattern.md", "exec"), names)
    return names


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(DOCS).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8"))
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not missing


def test_the_index_of_decisions_is_complete() -> None:
    index = (DOCS / "decisions" / "README.md").read_text(encoding="utf-8")
    pages = {p.name for p in (DOCS / "decisions").glob("*.md")} - {"README.md"}
    assert pages == set(re.findall(r"\]\(([^)]+\.md)\)", index))


def test_the_floors_name_every_room() -> None:
    package = Path(objectif.__file__).parent
    rooms = {p.name for p in package.iterdir() if (p / "__init__.py").exists()}
    rooms |= {p.stem for p in package.glob("*.py")} - {"__init__", "__main__", "testing"}
    table = PATTERN[PATTERN.index("## The floors") : PATTERN.index("The waist is")]
    named = [
        room
        for row in re.findall(r"^\| \d+ \| (.*?) \|", table, re.MULTILINE)
        for room in re.findall(r"\w+", row)
    ]
    assert sorted(named) == sorted(rooms)


def test_files_that_pattern_sends_to_exist() -> None:
    package = Path(objectif.__file__).parent
    named = set(re.findall(r"`((?:[a-z_]+/)+(?:[a-z_]+\.py)?)`", PATTERN)) - {"benchmarks/"}
    assert named
    assert not [name for name in named if not (package / name).exists()]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(DOCS).as_posix())
def test_verbs_that_are_named_exist(page: Path) -> None:
    verbs = set(re.findall(r"`objectif ([a-z]+)", page.read_text(encoding="utf-8")))
    assert verbs <= set(cli.VERBS)


def test_exit_codes_in_the_page_are_those_of_the_errors() -> None:
    page = (DOCS / "decisions" / "lazy-cli.md").read_text(encoding="utf-8")
    codes = {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)}
    kinds = [e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, errors.ObjectifError)]
    assert {e.exit_code for e in kinds} - {1} == codes - {0, 130}


def test_the_doors_of_the_pages_are_the_doors() -> None:
    for page in PAGES:
        named = re.findall(r'objectif\.(\w+)"\]', page.read_text(encoding="utf-8"))
        assert set(named) <= set(plugins.DOORS)


def test_the_format_of_the_page_reads_a_folder(tmp_path: Path) -> None:
    layout = snippet("FORMAT")["FORMAT"]
    assert layout.sniff(tmp_path) is None
    with pytest.raises(errors.DataError):
        layout.read(tmp_path)
    for name in ("rose-1.png", "rose-2.png", "tulip-1.png"):
        Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / name)
    assert layout.sniff(tmp_path)
    found = layout.read(tmp_path)
    assert found.classes == ("rose", "tulip")
    assert found.truth().tolist() == [0, 0, 1]


def test_the_metric_of_the_page_measures() -> None:
    metric = snippet("METRIC")["METRIC"]
    scores = np.array([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2], [0.5, 0.3, 0.2]])
    truth = np.array([0, 1, 2])
    assert metric.value(truth, scores) == pytest.approx(2 / 3)
    assert metric.replicates(truth, scores, np.array([[1.0, 1.0, 0.0]])) == pytest.approx([1.0])


def test_the_loss_of_the_page_keeps_the_contract() -> None:
    torch = pytest.importorskip("torch")
    from objectif.learn.losses.base import Batch, Loss

    loss = snippet("LOSS")["LOSS"]
    assert isinstance(loss, Loss)
    output = torch.tensor([[2.0, -2.0], [0.0, 0.0]], requires_grad=True)
    batch = Batch(torch.ones(2), torch.ones(2))
    value = loss(output, torch.tensor([0, 1]), batch, None)
    assert value.item() == pytest.approx(1.0)  # nothing for the first image, 1 + 1 for the second
    (slope,) = torch.autograd.grad(value, output)
    assert torch.isfinite(slope).all()
