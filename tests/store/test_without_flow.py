"""Stores that keep frames alone: flow is computed when it is looked at."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from signflow.annotations import read_clips
from signflow.recognition import Recognizer
from signflow.store import Recipe, Store, build_store
from signflow.store.encodings import Encoding
from signflow.store.layout import shards_folder
from signflow.training import TrainConfig, train
from signflow.video import compute_flow, quantise_flow

RECIPE = Recipe(image_size=32, frames=5)


def built(table: Path, out: Path, recipe: Recipe) -> Store:
    build_store(read_clips(table), out=out, recipe=recipe, workers=0)
    return Store.open(out)


def size(store: Store) -> int:
    return sum(shard.stat().st_size for shard in shards_folder(store.path).iterdir())


def test_flow_is_to_the_byte_what_would_have_been_kept(square_table: Path, tmp_path: Path):
    kept = built(square_table, tmp_path / "kept", RECIPE)
    bare = built(square_table, tmp_path / "bare", replace(RECIPE, keep_flow=False))

    for row in bare.rows[:6]:
        clip_id = row.clip.clip_id
        np.testing.assert_array_equal(bare.sample(clip_id).flow, kept.sample(clip_id).flow)
        np.testing.assert_array_equal(bare.sample(clip_id).frames, kept.sample(clip_id).frames)
    names = [row.clip.clip_id for row in bare.rows[:6]]
    for frames in ("middle", "all", None):
        one, other = (store.gather(names, frames=frames, flow=True) for store in (kept, bare))
        np.testing.assert_array_equal(other.flow, one.flow)
        if frames is not None:
            np.testing.assert_array_equal(other.frames, one.frames)
    assert all(row.saturated is None for row in bare.rows)
    area = RECIPE.image_size**2
    assert size(kept) - size(bare) >= len(bare.rows) * (RECIPE.frames - 1) * area * 2


@pytest.mark.parametrize("encoding", ["jpeg", "png"])
def test_it_is_the_flow_of_the_frames_as_they_are_kept(
    square_table: Path, tmp_path: Path, encoding: Encoding
):
    recipe = replace(RECIPE, keep_flow=False, encoding=encoding, jpeg_quality=60)
    store = built(square_table, tmp_path / "store", recipe)
    sample = store.sample(store.rows[0].clip.clip_id)

    expected, _ = quantise_flow(compute_flow(sample.frames, method=recipe.flow), bound=recipe.bound)

    np.testing.assert_array_equal(sample.flow, expected)


def test_a_video_is_recognised_as_the_store_has_it(square_table: Path, tmp_path: Path):
    store = built(square_table, tmp_path / "store", replace(RECIPE, keep_flow=False))
    config = TrainConfig(model="temporal", batch_size=6, epochs=1)
    train(store, config=config, out=tmp_path / "run", device="cpu")
    row = store.rows[0]

    recognizer = Recognizer.load(tmp_path / "run")

    assert recognizer.recipe == store.recipe
    assert recognizer.predict(row.clip.source)
