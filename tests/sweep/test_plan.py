"""Which runs a sweep has, and their names."""

from collections import Counter
from dataclasses import replace
from itertools import combinations

import pytest

from signflow.errors import UserError
from signflow.sweep import parse_grid, planned_runs, run_name
from signflow.training import TrainConfig
from signflow.training.augment import STRENGTHS


def test_the_reports_protocol_is_28_different_runs_of_ten_epochs():
    runs = planned_runs(TrainConfig(), protocol="report")

    assert len({run.name for run in runs}) == len(runs) == 28
    assert set(Counter(run.config.model for run in runs).values()) == {7}
    assert {(run.config.batch_size, run.config.learning_rate) for run in runs} == {
        (4, 1e-5), (8, 1e-5), (16, 1e-5), (32, 1e-5), (16, 5e-5), (16, 1e-4), (16, 5e-4),
    }  # fmt: skip
    assert {replace(r.config, model="", batch_size=1, learning_rate=1.0) for r in runs} == {
        TrainConfig(model="", batch_size=1, learning_rate=1.0)
    }
    assert runs[0].name == "spatial_bs4_lr1e-05_seed0"


def test_three_seeds_are_three_times_the_protocol_one_seed_after_the_other():
    runs = planned_runs(TrainConfig(seed=5), protocol="report", seeds=3)

    assert [run.config.seed for run in runs] == [5] * 28 + [6] * 28 + [7] * 28


def test_a_grid_is_every_combination_and_what_comes_out_twice_is_one_run():
    grid = parse_grid(["lr=1e-5,1e-4,0.00001", "fold=0,1,none"])

    runs = planned_runs(TrainConfig(model="temporal"), grid=grid)

    assert sorted(run.name for run in runs) == [
        "temporal_bs16_lr0.0001_fold0_seed0",
        "temporal_bs16_lr0.0001_fold1_seed0",
        "temporal_bs16_lr0.0001_seed0",
        "temporal_bs16_lr1e-05_fold0_seed0",
        "temporal_bs16_lr1e-05_fold1_seed0",
        "temporal_bs16_lr1e-05_seed0",
    ]


def test_a_grid_replaces_a_field_of_the_protocol():
    runs = planned_runs(TrainConfig(), protocol="report", grid={"model": ("spatial",)})

    assert len(runs) == 7
    assert {run.config.model for run in runs} == {"spatial"}


def test_different_configurations_have_different_names():
    values = {
        "model": ("spatial", "temporal"),
        "batch_size": (8, 16),
        "learning_rate": (1e-4, 1.0000001e-4),
        "epochs": (1, 10),
        "seed": (0, 1),
        "fold": (None, 0),
        "precision": ("32-true", "bf16-mixed"),
        "accumulate": (1, 2),
        "schedule": ("constant", "cosine", "step"),
        "step_epochs": (1, 3),
        "step_factor": (0.1, 0.5),
        "warmup_epochs": (0.0, 0.5),
        "weight_decay": (0.0, 0.1),
        "label_smoothing": (0.0, 0.1),
        "class_weights": ("none", "balanced"),
        "clips_per_sign": (None, 2),
        "patience": (None, 3),
        "encoder": (None, "resnet18", "hub/resnet18"),
        "inputs": (None, "rgb+flow"),
        "fusion": (None, "late"),
        "pretrained": (False, True),
        "flow": ("stored", "online"),
        "augment": ("none", "light"),
        "flip": (False, True),
    }
    values |= {name: (None, 0.0, 0.1) for name in STRENGTHS if name != "flip"}
    assert set(values) == set(TrainConfig().to_dict())

    assert "/" not in run_name(TrainConfig(encoder="hub/resnet18"))
    configs = {
        run.config
        for pair in combinations(values, 2)
        for run in planned_runs(TrainConfig(), grid={name: values[name] for name in pair})
    }

    assert len(configs) > 100
    assert len({run_name(config) for config in configs}) == len(configs)


def test_a_name_is_readable_and_stays():
    config = TrainConfig(model="late-fusion", weight_decay=0.01, patience=3, seed=2)

    assert run_name(config) == "late-fusion_bs16_lr1e-05_weight-decay0.01_patience3_seed2"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["lr"], "expected FIELD=VALUE,VALUE"),
        (["lr="], "expected FIELD=VALUE,VALUE"),
        (["rate=1"], "no such field; the fields are model, batch_size, learning_rate"),
        (["lr=1e-5", "learning-rate=1e-4"], "learning_rate is given twice"),
        (["lr=fast"], "'fast' is not a number"),
        (["batch_size=1.5"], "'1.5' is not a whole number"),
        (["patience=true"], "'true' is not a whole number"),
    ],
)
def test_a_grid_that_cannot_be_read_is_refused(words: list[str], message: str):
    with pytest.raises(UserError, match=message):
        parse_grid(words)


@pytest.mark.parametrize(
    ("base", "options", "message"),
    [
        ({}, {"grid": {"batch_size": (0,)}}, "--grid: batch_size is 0"),
        ({}, {"grid": {"seed": (0, 1)}, "seeds": 2}, "both say which seeds"),
        ({}, {"seeds": 0}, "--seeds 0: must be 1 or more"),
        ({"learning_rate": 1e-3}, {"protocol": "report"}, "--lr: the protocol sets|says which"),
    ],
)
def test_contradictions_are_refused(
    base: dict[str, float], options: dict[str, object], message: str
):
    with pytest.raises(UserError, match=message):
        planned_runs(TrainConfig(**base), **options)


def test_a_grid_holds_values_of_the_fields_kinds():
    grid = parse_grid(["fusion=late,none", "pretrained=true,False", "patience=3,none", "lr=1"])

    assert grid == {
        "fusion": ("late", None),
        "pretrained": (True, False),
        "patience": (3, None),
        "learning_rate": (1.0,),
    }
