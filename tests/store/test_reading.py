"""Reading a store: memory-mapped, whatever its size."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from signflow.annotations import Clip
from signflow.errors import UserError
from signflow.store import Encoding, FramesWanted, Recipe, Sample, Store
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


def write_store(path: Path, *, recipe: Recipe, clips: int, per_shard: int = 32) -> None:
    """A store of made-up samples, seven different ones."""
    shards_folder(path).mkdir()
    samples = [some_sample(recipe, number) for number in range(min(clips, 7))]
    rows = []
    for number in range(-(-clips // per_shard)):
        with ShardWriter(shard_path(path, number), recipe=recipe) as writer:
            for place in range(min(per_shard, clips - number * per_shard)):
                clip_id, sample = f"{number}/{place}", samples[len(rows) % 7]
                writer.append(
                    Sample(
                        clip_id=clip_id,
                        label=sample.label,
                        frames=sample.frames,
                        flow=sample.flow,
                    )
                )
                clip = Clip(
                    clip_id=clip_id, source="", label=sample.label, gloss="x", split="train"
                )
                rows.append(ClipRow(clip=clip, status="built", shard=number, row=place))
    write_rows(clips_path(path), rows)
    store_json(path).write_text(
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


@pytest.mark.parametrize("encoding", ["raw", "zstd", "jpeg"])
@pytest.mark.parametrize(
    ("frames", "flow"), [("middle", False), ("middle", True), ("all", True), (None, True)]
)
def test_what_is_gathered_is_what_the_samples_hold(
    encoding: Encoding, frames: FramesWanted | None, flow: bool, tmp_path: Path
):
    write_store(tmp_path, recipe=Recipe(image_size=24, frames=5, encoding=encoding), clips=7)
    store = Store.open(tmp_path)
    wanted = ["0/3", "0/0", "0/6", "0/3"]

    found = store.gather(wanted, frames=frames, flow=flow)

    samples = [store.sample(clip_id) for clip_id in wanted]
    assert found.labels.tolist() == [3, 0, 6, 3]
    if frames is None:
        assert found.frames is None
    else:
        kept = [s.frames if frames == "all" else s.middle_frame[None] for s in samples]
        np.testing.assert_array_equal(found.frames, np.stack(kept))
    if flow:
        np.testing.assert_array_equal(found.flow, np.stack([s.flow for s in samples]))
    else:
        assert found.flow is None


def test_no_clips_are_gathered_as_empty_arrays(square_store: Path):
    found = Store.open(square_store).gather([], frames="middle", flow=True)

    assert found.frames is not None
    assert found.frames.shape == (0, 1, 32, 32, 3)


def test_a_clip_that_was_not_built_cannot_be_gathered(tmp_path: Path):
    write_store(tmp_path, recipe=Recipe(image_size=24, frames=5), clips=1)
    clip = Clip(clip_id="gone", source="", label=0, gloss="x", split="train")
    row = ClipRow(clip=clip, status="missing", reason="no such file")
    write_rows(clips_path(tmp_path), [*Store.open(tmp_path).rows, row])

    with pytest.raises(ValueError, match=r"gone was not built \(missing\): no such file"):
        Store.open(tmp_path).gather(["0/0", "gone"], frames="all", flow=False)


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
one_by_one, peak = peak - before, 0
for start in range(0, len(rows), 16):
    names = [row.clip.clip_id for row in rows[start : start + 16]]
    store.gather(names, frames="middle", flow=True)
    peak = max(peak, resident())
print(len(rows), one_by_one, peak - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="measures by Linux's /proc")
def test_reading_2000_clips_raises_resident_memory_by_less_than_200_mb(tmp_path: Path):
    recipe = Recipe(image_size=96)
    clips = 2000
    assert clips * recipe.sample_bytes > 800e6, "the store must be larger than what is allowed"
    write_store(tmp_path, recipe=recipe, clips=clips)

    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(tmp_path)], capture_output=True, text=True, check=True
    )

    read, one_by_one, in_batches = map(int, done.stdout.split())
    assert read == clips
    assert one_by_one < 200e6
    assert in_batches < 150e6


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
