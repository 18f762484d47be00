"""The contract tests find what they are there to find; and the loss of CONTRIBUTING.md keeps the contract."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from objectif import plugins
from objectif.cli import main
from objectif.errors import PluginError
from objectif.learn import testing
from objectif.learn.losses.base import log_likelihood, weighted_mean
from objectif.learn.losses.pixels import image_mean, pixel_log_likelihood
from objectif.learn.testing import check_loss
from objectif.metrics.masks import VOID

CONTRIBUTING = Path(__file__).resolve().parents[2] / "CONTRIBUTING.md"


class Broken:
    """Cross-entropy with one flaw."""

    title, source, kind, convex, balanced = "Broken", "nobody", "single", True, False

    def __init__(self, flaw: Callable[..., Any], **said: Any) -> None:
        self.name = "broken"
        self.flaw = flaw
        vars(self).update(said)

    def __call__(self, output: Any, truth: Any, batch: Any, model: Any) -> Any:
        return self.flaw(output, truth, batch)


def plain(output: Any, truth: Any, batch: Any) -> Any:
    return weighted_mean(-log_likelihood(output, truth), batch.weight)


def in_place(output: Any, truth: Any, batch: Any) -> Any:
    batch.class_counts.add_(1)
    return plain(output, truth, batch)


FLAWS: dict[str, Broken] = {
    "describes itself": Broken(plain, source=""),
    "finite": Broken(
        lambda o, t, b: weighted_mean(-torch.softmax(o, 1).log().gather(1, t[:, None])[:, 0], b.weight)
    ),
    "derivative": Broken(lambda o, t, b: plain(o, t, b) + o.detach().pow(2).mean()),
    "weight": Broken(lambda o, t, b: (-log_likelihood(o, t)).mean()),
    "order": Broken(lambda o, t, b: plain(o, t, b) + o[0].logsumexp(0)),
    "odd batches": Broken(lambda o, t, b: plain(o + b.class_counts.to(o).log(), t, b)),
    "leaves its input alone": Broken(in_place),
    "learns": Broken(lambda o, t, b: -plain(o, t, b)),
    "solves heads": Broken(lambda o, t, b: -plain(o.clamp(-9, 9), t, b)),
    "convex": Broken(lambda o, t, b: weighted_mean(-log_likelihood(o, t).exp(), b.weight)),
}


@pytest.mark.parametrize("check", FLAWS)
def test_a_flaw_is_found_by_the_check_that_is_there_for_it(
    check: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(testing, "plugins", SimpleNamespace(load=lambda kind, name: FLAWS[check]))
    assert check in {found.name for found in check_loss("broken") if not found.ok}


def of_pixels(output: Any, truth: Any, batch: Any) -> Any:
    return image_mean(-pixel_log_likelihood(output, truth), truth, batch.weight)


def ignoring(output: Any, truth: Any, batch: Any) -> Any:
    return torch.nn.functional.cross_entropy(output, truth, ignore_index=VOID)


MASK_FLAWS: dict[str, Callable[..., Any]] = {
    "open pixels": lambda o, t, b: of_pixels(o, t.masked_fill(t == VOID, 0), b),
    "nothing known": ignoring,
    "weight": ignoring,
    "absent classes": lambda o, t, b: of_pixels(o, t, b) * b.class_counts.log().mean(),
    "direction": lambda o, t, b: -of_pixels(o, t, b),
    "learns": lambda o, t, b: of_pixels(o, t.clamp(max=1) * 0, b),
    "equality": lambda o, t, b: of_pixels(o, t, b).exp(),
    "resolution": lambda o, t, b: of_pixels(o, t, b) * t[0].numel(),
    "convex": lambda o, t, b: image_mean(-pixel_log_likelihood(o, t).exp(), t, b.weight),
}


@pytest.mark.parametrize("check", MASK_FLAWS)
def test_a_flaw_of_a_loss_of_masks_is_found(check: str, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Broken(MASK_FLAWS[check], kind="mask")
    monkeypatch.setattr(testing, "plugins", SimpleNamespace(load=lambda kind, name: broken))
    assert check in {found.name for found in check_loss("broken") if not found.ok}


def test_a_name_that_is_not_there_is_an_error_that_says_what_is() -> None:
    with pytest.raises(PluginError, match="cross_entropy"):
        check_loss("cross_entrpy")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The snippets of CONTRIBUTING.md as an installed package: a module, and an entry point of its own."""
    text = CONTRIBUTING.read_text(encoding="utf-8")
    code, toml = (re.search(rf"```{kind}\n(.*?)```", text, re.S)[1] for kind in ("python", "toml"))  # type: ignore[index]
    (tmp_path / "taylor_loss.py").write_text(code, encoding="utf-8")
    info = tmp_path / "taylor_loss-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: taylor-loss\nVersion: 1.0\n", encoding="utf-8"
    )
    name, target = re.search(r'^(\w+) = "(.+)"$', toml, re.M).groups()  # type: ignore[union-attr]
    (info / "entry_points.txt").write_text(f"[objectif.losses]\n{name} = {target}\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    plugins.door.cache_clear()
    yield code
    plugins.door.cache_clear()
    sys.modules.pop("taylor_loss", None)


def test_the_loss_of_contributing_takes_ten_lines_and_keeps_the_contract(
    installed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sum(1 for line in installed.splitlines() if line.strip()) <= 10
    assert "taylor" in plugins.names("losses")
    assert [c.name for c in check_loss("taylor") if not c.ok] == []
    assert main(["check", "taylor"]) == 0
    assert "learns" in capsys.readouterr().out
