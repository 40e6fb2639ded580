"""Reading a store: memory-mapped, whatever its size."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from signflow.annotations import Clip
from signflow.errors import UserError
from signflow.store import Recipe, Sample, Store
from signflow.store.layout import SCHEMA_VERSION, clips_path, shard_path, shards_folder, store_json
from signflow.store.rows import ClipRow, write_rows
from signflow.store.shard import Shard, ShardWriter


def some_sample(recipe: Recipe, number: int) -> Sample:
    random = np.random.default_rng(number)
    side, frames = recipe.image_size, recipe.frames
    return Sample(
        clip_id=f"clip{number}",
        label=number % 7,
        frames=random.integers(0, 256, (frames, side, side, 3), dtype=np.uint8),
        flow=random.integers(0, 256, (frames - 1, side, side, 2), dtype=np.uint8),
    )


def test_a_shard_gives_back_what_was_written(tmp_path: Path):
    recipe = Recipe(image_size=24, frames=5)
    written = [some_sample(recipe, number) for number in range(4)]
    with ShardWriter(tmp_path / "a.arrow", recipe=recipe) as writer:
        for sample in written:
            writer.append(sample)

    shard = Shard(tmp_path / "a.arrow", recipe=recipe)

    assert len(shard) == 4
    for number in (2, 0, 3, 1):
        read = shard.sample(number)
        assert (read.clip_id, read.label) == (written[number].clip_id, written[number].label)
        np.testing.assert_array_equal(read.frames, written[number].frames)
        np.testing.assert_array_equal(read.flow, written[number].flow)
    assert not shard.sample(0).frames.flags.writeable


def test_views_stay_right_after_pages_are_given_back(tmp_path: Path):
    recipe = Recipe(image_size=24, frames=5)
    with ShardWriter(tmp_path / "a.arrow", recipe=recipe) as writer:
        writer.append(some_sample(recipe, 0))
    shard = Shard(tmp_path / "a.arrow", recipe=recipe)
    sample = shard.sample(0)

    shard.drop_pages()

    np.testing.assert_array_equal(sample.frames, some_sample(recipe, 0).frames)


def test_the_shard_is_an_arrow_file_that_anyone_can_read(square_store: Path):
    import pyarrow as pa

    file = pa.ipc.open_file(square_store / "shards" / "00000.arrow")

    assert file.schema.names == ["clip_id", "label", "frames", "flow"]
    first = file.get_batch(0).to_pylist()[0]
    store = Store.open(square_store)
    pixels = np.frombuffer(b"".join(first["frames"]), np.uint8).reshape(10, 32, 32, 3)
    np.testing.assert_array_equal(pixels, store.sample(first["clip_id"]).frames)


MEASURE = """
import sys
from pathlib import Path
from signflow.store import Store

def resident():
    fields = Path("/proc/self/status").read_text().split()
    return int(fields[fields.index("VmRSS:") + 1]) * 1024

store = Store.open(Path(sys.argv[1]))
rows = store.rows
store.sample(rows[0].clip.clip_id).frames.sum()
before, peak, total = resident(), 0, 0
for number, row in enumerate(rows):
    sample = store.sample(row.clip.clip_id)
    total += int(sample.frames.sum()) + int(sample.flow.sum())
    if number % 50 == 0:
        peak = max(peak, resident())
print(len(rows), peak - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="measures by Linux's /proc")
def test_reading_2000_clips_raises_resident_memory_by_less_than_200_mb(tmp_path: Path):
    recipe = Recipe(image_size=96)
    clips, per_shard = 2000, 32
    assert clips * recipe.sample_bytes > 800e6, "the store must be larger than what is allowed"
    shards_folder(tmp_path).mkdir()
    sample = some_sample(recipe, 0)
    rows = []
    for number in range(-(-clips // per_shard)):
        with ShardWriter(shard_path(tmp_path, number), recipe=recipe) as writer:
            for place in range(min(per_shard, clips - number * per_shard)):
                clip_id = f"{number}/{place}"
                writer.append(
                    Sample(clip_id=clip_id, label=0, frames=sample.frames, flow=sample.flow)
                )
                clip = Clip(clip_id=clip_id, source="", label=0, gloss="x", split="train")
                rows.append(ClipRow(clip=clip, status="built", shard=number, row=place))
    write_rows(clips_path(tmp_path), rows)
    store_json(tmp_path).write_text(
        json.dumps(
            {
                "schema_version": SCHEMA_VERSION,
                "recipe": recipe.to_dict(),
                "classes": ["x"],
                "origin": "a test",
                "fingerprint": "0",
            }
        )
    )

    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(tmp_path)], capture_output=True, text=True, check=True
    )

    read, growth = map(int, done.stdout.split())
    assert read == clips
    assert growth < 200e6


def test_folds_take_the_fold_before_for_validation(square_store: Path):
    splits = Store.open(square_store).splits(fold=0)

    assert {row.clip.fold for row in splits["test"]} == {0}
    assert {row.clip.fold for row in splits["val"]} == {3}
    assert {row.clip.fold for row in splits["train"]} == {1, 2}
    assert sum(map(len, splits.values())) == 36


def test_an_unknown_fold_is_refused_with_the_known_ones(square_store: Path):
    with pytest.raises(UserError, match=r"--fold 9: .* has the folds 0, 1, 2, 3"):
        Store.open(square_store).splits(fold=9)


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (lambda path: None, "is no store"),
        (lambda path: (path / "building").mkdir(), "its build is not finished"),
    ],
)
def test_what_is_no_store_is_refused(tmp_path: Path, prepare, message: str):
    prepare(tmp_path)

    with pytest.raises(UserError, match=message):
        Store.open(tmp_path)
