import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from signflow.evaluation.calibration import calibration_bins
from signflow.evaluation.charts import ceiling_of, learning_curves, reliability_diagram
from signflow.evaluation.runs import RunRecord
from signflow.evaluation.scored import Scored
from signflow.training import TrainConfig

from .made_up import write_run


def run(tmp_path: Path, *, seed: int = 0, epochs: int = 4) -> RunRecord:
    config = TrainConfig(epochs=epochs, seed=seed)
    return RunRecord.read(write_run(tmp_path / str(seed), config, correct={"val": [True, False]}))


def points(svg: str, name: str) -> list[list[tuple[float, float]]]:
    lines = re.findall(rf'<polyline class="{name}" points="([^"]*)"', svg)
    return [[tuple(map(float, pair.split(","))) for pair in line.split()] for line in lines]


@pytest.mark.parametrize("large", [False, True])
def test_curves_follow_the_epochs_of_each_run(tmp_path: Path, large: bool) -> None:
    runs = [run(tmp_path, seed=seed) for seed in range(2)]
    svg = learning_curves(runs, "top1", large=large)
    ElementTree.fromstring(svg)
    assert len(points(svg, "train")) == len(points(svg, "val")) == 2
    [first, _] = points(svg, "val")
    across, down = zip(*first, strict=True)
    assert across[0] == 0
    steps = [b - a for a, b in pairwise(across)]
    assert steps == pytest.approx([steps[0]] * 3, abs=0.1)
    # Accuracy rises, and the axis points down.
    height = down[0] / (1 - runs[0].history[0].val_top1)
    expected = [height * (1 - epoch.val_top1) for epoch in runs[0].history]
    assert down == pytest.approx(expected, abs=0.1)


def test_a_curve_beyond_the_ceiling_leaves_the_chart_and_is_whole_when_large(
    tmp_path: Path,
) -> None:
    one = run(tmp_path)
    small = learning_curves([one], "loss", ceiling=1.0)
    assert min(down for _, down in points(small, "train")[0]) < 0
    large = learning_curves([one], "loss", large=True)
    assert min(down for _, down in points(large, "train")[0]) >= 0


def test_a_single_epoch_is_still_seen(tmp_path: Path) -> None:
    svg = learning_curves([run(tmp_path, epochs=1)], "loss")
    assert svg.count("dot") == 2


def test_those_who_cannot_see_the_curves_are_told_their_ends(tmp_path: Path) -> None:
    label = ElementTree.fromstring(learning_curves([run(tmp_path)], "loss")).get("aria-label")
    assert label is not None
    assert "after epoch 4 of 4, train 0.920, validation 1.610" in label


def test_one_run_that_diverged_does_not_set_the_ceiling(tmp_path: Path) -> None:
    runs = [run(tmp_path, seed=seed) for seed in range(6)]
    wild = replace(runs[0], history=tuple(replace(e, val_loss=900.0) for e in runs[0].history))
    assert ceiling_of(runs) < 5
    assert ceiling_of([wild, *runs[1:]]) < 5


def test_the_reliability_diagram_has_a_point_for_every_bin_with_clips() -> None:
    scored = Scored([0, 0, 1], [[0.9, 0.1], [0.62, 0.38], [0.61, 0.39]])
    svg = reliability_diagram(calibration_bins(scored))
    ElementTree.fromstring(svg)
    assert svg.count("<circle") == 2
    assert "2 clips: confidence 62 %, recognised 50 %" in svg


def test_a_loss_of_zero_can_be_drawn(tmp_path: Path) -> None:
    one = run(tmp_path)
    history = tuple(replace(e, train_loss=0.0, val_loss=0.0) for e in one.history)
    ElementTree.fromstring(learning_curves([replace(one, history=history)], "loss"))
