"""The task: cells become a map of the picture, good pictures choose the threshold, bars count nowhere."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from objectif.answers import AnomalyMap
from objectif.cli import main
from objectif.errors import SolutionError
from objectif.images.prepare import Preparation, placement
from objectif.metrics.catalog import metric
from objectif.metrics.maps import SIDE, cells, scores, with_row
from objectif.run.written import csv_header, csv_rows
from objectif.tasks import find
from objectif.tasks.anomaly import Anomaly, Decoding
from objectif.tasks.exhibits import Cases, Curves, Sheet

TASK = find("anomaly")


def test_bars_beside_a_picture_count_nowhere() -> None:
    place = placement(40, 160, Preparation(64, 64, fit="pad"))
    grid = np.full((1, 16, 16), 9.0, np.float32)
    grid[0, 6:10] = 0.0  # the picture: rows 24 to 40 of 64
    found = TASK.decode({"anomaly": grid}, Decoding(), False, [place])
    assert cells(found)[0, SIDE // 4 : 3 * SIDE // 4].max() < 1e-3


def test_the_map_has_the_pictures_size_and_its_hot_place() -> None:
    place = placement(300, 200, Preparation(64, 64))
    grid = np.zeros((1, 16, 16), np.float32)
    grid[0, 12, 3] = 5.0
    rows = TASK.decode({"anomaly": grid}, Decoding(0.7), False, [place])
    [answer] = TASK.answers(["a.png"], ("good",), rows, Decoding(0.7), False, [place])
    assert isinstance(answer, AnomalyMap)
    assert answer.map.shape == (300, 200)
    y, x = np.unravel_index(int(answer.map.argmax()), answer.map.shape)
    assert abs(y - 234) < 5
    assert abs(x - 44) < 5
    assert answer.place == pytest.approx((x, y), abs=5)
    assert answer.anomalous == (answer.score > 0.7)
    assert answer.score == pytest.approx(float(scores(rows)[0]))
    assert answer.as_dict()["anomalous"] == answer.anomalous
    assert csv_header(AnomalyMap, ()).count(b",") == csv_rows(answer).count(b",")


def test_defects_have_no_say_in_the_threshold() -> None:
    rng = np.random.default_rng(0)
    grid = rng.random((60, 8, 8)).astype(np.float32)
    truth = TASK.empty(60, 2).astype(np.uint8)
    truth[:, -1] = 0
    truth[40:, -1] = 1
    places = [placement(32, 32, Preparation(32, 32))] * 60
    one = TASK.fit_decoding({"anomaly": grid}, truth, False, places, metric("image_auroc"))
    grid[40:] += 100
    other = TASK.fit_decoding({"anomaly": grid}, truth, False, places, metric("image_auroc"))
    assert one == other
    assert (one.good, one.kept) == (40, True)
    bold = Anomaly(0.3).fit_decoding({"anomaly": grid}, truth, False, places, metric("image_auroc"))
    assert bold.false_alarms == 0.3
    assert bold.threshold < one.threshold
    few = TASK.fit_decoding({"anomaly": grid[:5]}, truth[:5], False, places[:5], metric("image_auroc"))
    assert (few.good, few.kept) == (5, False)


def test_a_decoding_is_written_and_read_strictly() -> None:
    one = Decoding(2.5, 0.1, 30, True)
    assert TASK.decoding(one.to_dict()) == one
    with pytest.raises(SolutionError, match=r"unknown keys \['speed'\]"):
        TASK.decoding({"speed": 1})
    for wrong in ({"threshold": float("nan")}, {"false_alarms": 0}, {"good": -1}, {"kept": 1}):
        with pytest.raises(SolutionError, match="expected"):
            TASK.decoding(wrong)
    with pytest.raises(SolutionError, match="no output 'anomaly'"):
        TASK.decode({}, one, False, [])


@pytest.mark.parametrize("view", ["plain", "mirror", "flip", "turn"])
def test_truth_turns_with_the_picture(view: str) -> None:
    maps = np.zeros((1, SIDE, SIDE), np.uint8)
    maps[0, 10:20, 90:120] = 1
    seen = TASK.turned(with_row(maps, 1), view, SIDE, SIDE)
    wanted = {
        "plain": maps,
        "mirror": maps[:, :, ::-1],
        "flip": maps[:, ::-1],
        "turn": np.rot90(maps, axes=(1, 2)),
    }
    assert np.array_equal(cells(seen), wanted[view])
    assert (seen[:, -1] == 1).all()


def test_the_report_shows_scores_alarms_and_heat() -> None:
    rng = np.random.default_rng(0)
    truth = with_row(np.zeros((30, SIDE, SIDE), np.uint8), np.repeat([0, 1, 2], 10))
    answers = with_row(rng.random((30, SIDE, SIDE)).astype(np.float32), 0.9999)
    paths = [f"{k}.png" for k in range(30)]
    found = TASK.exhibits(paths, ("good", "dent", "scratch"), truth, answers, {"threshold": 0.9999})
    assert [type(e) for e in found][:3] == [Curves, Sheet, Curves]
    assert any(isinstance(e, Cases) and e.cases for e in found)
    for _, count, hits, share, low, high in found[1].rows:  # type: ignore[union-attr]
        assert int(hits) / int(count) == share
        assert low <= share <= high
        assert high - low < 0.9
    alone = TASK.exhibits(paths[:10], ("good",), truth[:10], answers[:10])
    sheet = next(e for e in alone if isinstance(e, Sheet))
    assert "how many defects are found cannot be told" in sheet.caption


def test_heat_and_maps_are_written(lights, tmp_path, capfd) -> None:  # type: ignore[no-untyped-def]
    pixels = np.full((50, 70, 3), 40, np.uint8)
    pixels[10:25, 30:50] = 255
    Image.fromarray(pixels).save(tmp_path / "a.png")
    file = str(lights().save(tmp_path / "s.objectif"))
    assert main(["predict", file, str(tmp_path / "a.png"), "--to", "maps", "--out", str(tmp_path / "m")]) == 0
    with Image.open(tmp_path / "m" / "a.tif") as found:
        values = np.asarray(found)
    assert values.shape == (50, 70)
    assert values[15, 40] > 0.8
    assert (
        main(["predict", file, str(tmp_path / "a.png"), "--to", "heatmaps", "--out", str(tmp_path / "h")])
        == 0
    )
    assert (tmp_path / "h" / "a.png").exists()
    assert main(["predict", file, str(tmp_path / "a.png"), "--to", "coco"]) == 2
    assert "needs answers with" in capfd.readouterr().err
