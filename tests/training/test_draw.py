"""Learning from a few clips of each sign."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from signflow.store import ClipRow, Store
from signflow.training import Run, TrainConfig, train
from signflow.training.draw import drawn

CONFIG = TrainConfig(model="temporal", batch_size=3, learning_rate=1e-3, epochs=1)


@pytest.fixture(scope="module")
def rows(square_store: Path) -> list[ClipRow]:
    return Store.open(square_store).splits()["train"]


def ids(rows: list[ClipRow]) -> list[str]:
    return [row.clip.clip_id for row in rows]


@pytest.mark.parametrize("per_sign", [1, 2, 4])
def test_every_sign_has_so_many_clips(rows: list[ClipRow], per_sign: int):
    chosen = drawn(rows, replace(CONFIG, clips_per_sign=per_sign))

    there = Counter(row.clip.label for row in rows)
    counts = Counter(row.clip.label for row in chosen)
    assert counts == {label: min(per_sign, there[label]) for label in there}
    assert ids(chosen) == [clip_id for clip_id in ids(rows) if clip_id in set(ids(chosen))]


def test_more_clips_are_the_same_and_others(rows: list[ClipRow]):
    few = drawn(rows, replace(CONFIG, clips_per_sign=1))
    more = drawn(rows, replace(CONFIG, clips_per_sign=2))

    assert set(ids(few)) < set(ids(more))
    assert drawn(rows, replace(CONFIG, clips_per_sign=1000)) == drawn(rows, CONFIG) == rows


def test_another_seed_draws_others(rows: list[ClipRow]):
    seeds = [drawn(rows, replace(CONFIG, clips_per_sign=2, seed=seed)) for seed in range(4)]

    assert len({tuple(ids(chosen)) for chosen in seeds}) > 1


def test_a_run_says_that_it_learnt_from_few(square_store: Path, tmp_path: Path):
    config = replace(CONFIG, clips_per_sign=1)
    train(Store.open(square_store), config=config, out=tmp_path / "run", device="cpu")

    assert Run.open(tmp_path / "run").config == config
    assert config.beyond_protocol() == {"clips_per_sign": 1}
