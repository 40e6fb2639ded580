"""Encodings: what comes back, and what is touched to read it."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from squares import Signflow, write_square_video

from signflow.annotations import Clip
from signflow.store import ENCODINGS, EncodedImages, Made, Recipe, Sample, Store, make_samples
from signflow.store.encodings import encode_images
from signflow.store.shard import Shard, ShardWriter

ENCODED = [encoding for encoding in ENCODINGS if encoding != "raw"]
EXACT = [encoding for encoding in ENCODINGS if encoding != "jpeg"]


@pytest.fixture(scope="module")
def moving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("moving") / "a.mp4"
    return write_square_video(path, gloss="right")


def sample_of(path: Path, recipe: Recipe) -> Sample:
    clip = Clip(clip_id="a", source=str(path), label=3, gloss="x", split="train")
    ((_, made),) = make_samples([clip], recipe=recipe)
    assert isinstance(made, Made)
    return made.sample


def write_shard(path: Path, recipe: Recipe, samples: list[Sample]) -> Path:
    with ShardWriter(path, recipe=recipe) as writer:
        for sample in samples:
            writer.append(sample)
    return path


@pytest.mark.parametrize("encoding", EXACT)
def test_exact_encodings_give_back_every_byte(encoding: str, moving: Path, tmp_path: Path):
    raw = sample_of(moving, Recipe(image_size=64))
    recipe = Recipe(image_size=64, encoding=encoding)
    path = write_shard(tmp_path / "a.arrow", recipe, [sample_of(moving, recipe)])

    read = Shard(path, recipe=recipe).sample(0)

    assert (read.clip_id, read.label) == ("a", 3)
    np.testing.assert_array_equal(read.frames, raw.frames)
    np.testing.assert_array_equal(read.flow, raw.flow)
    np.testing.assert_array_equal(read.middle_frame, raw.frames[5])


def test_jpeg_gives_nearly_the_same_and_more_nearly_at_a_higher_quality(moving: Path):
    raw = sample_of(moving, Recipe(image_size=64))
    errors = {}
    for quality in (50, 95):
        kept = sample_of(moving, Recipe(image_size=64, encoding="jpeg", jpeg_quality=quality))
        errors[quality] = [
            np.abs(raw.frames.astype(int) - kept.frames).mean(),
            np.abs(raw.flow.astype(int) - kept.flow).mean(),
        ]

    # The squares are noise, the hardest there is for JPEG.
    assert 0 < errors[95][0] < errors[50][0] < 20
    assert 0 < errors[95][1] < errors[50][1] < 2


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_sample_just_made_is_what_the_store_gives_out(
    encoding: str, moving: Path, tmp_path: Path
):
    recipe = Recipe(image_size=48, encoding=encoding)
    fresh = sample_of(moving, recipe)
    path = write_shard(tmp_path / "a.arrow", recipe, [fresh])

    read = Shard(path, recipe=recipe).sample(0)

    np.testing.assert_array_equal(read.frames, fresh.frames)
    np.testing.assert_array_equal(read.flow, fresh.flow)
    np.testing.assert_array_equal(read.middle_frame, fresh.middle_frame)


@pytest.mark.parametrize("encoding", ENCODED)
def test_the_middle_frame_is_read_without_its_other_frames_and_its_flow(
    encoding: str, moving: Path, tmp_path: Path
):
    recipe = Recipe(image_size=64, frames=5, encoding=encoding)
    whole = sample_of(moving, recipe)
    path = write_shard(tmp_path / "a.arrow", recipe, [whole])
    content = path.read_bytes()
    others = [bytes(piece) for k, piece in enumerate(whole.kept_frames.pieces) if k != 2]
    for piece in {*others, *map(bytes, whole.kept_flow.pieces)}:
        assert piece in content
        content = content.replace(piece, bytes(len(piece)))
    path.write_bytes(content)

    damaged = Shard(path, recipe=recipe).sample(0)

    np.testing.assert_array_equal(damaged.middle_frame, whole.middle_frame)
    for images in ("frames", "flow"):
        with pytest.raises((ValueError, OSError)):
            getattr(damaged, images)


@pytest.mark.parametrize("encoding", ENCODED)
def test_a_sample_outlives_the_pages_and_the_shard_it_came_from(
    encoding: str, moving: Path, tmp_path: Path
):
    recipe = Recipe(image_size=32, encoding=encoding)
    fresh = sample_of(moving, recipe)
    shard = Shard(write_shard(tmp_path / "a.arrow", recipe, [fresh] * 3), recipe=recipe)
    sample = shard.sample(1)

    shard.drop_pages()
    del shard

    np.testing.assert_array_equal(sample.frames, fresh.frames)


@pytest.mark.parametrize("encoding", ENCODED)
def test_odd_sizes_and_extreme_values_survive(encoding: str):
    rng = np.random.default_rng(0)
    for side in (8, 33):
        for images in (
            rng.integers(0, 256, (3, side, side, 3), dtype=np.uint8),
            rng.integers(0, 256, (3, side, side, 2), dtype=np.uint8),
            np.full((1, side, side, 2), 128, dtype=np.uint8),
        ):
            kept = encode_images(images, encoding=encoding, quality=100)
            assert isinstance(kept, EncodedImages)
            back = np.asarray(kept)
            assert back.shape == images.shape
            if encoding in EXACT:
                np.testing.assert_array_equal(back, images)


def test_standing_still_stays_exactly_still_in_jpeg():
    still = np.full((2, 56, 56, 2), 128, dtype=np.uint8)

    kept = encode_images(still, encoding="jpeg", quality=50)

    np.testing.assert_array_equal(np.asarray(kept), still)


def test_colours_and_axes_do_not_change_places():
    red = np.zeros((1, 16, 16, 3), dtype=np.uint8)
    red[..., 0] = 255
    right = np.full((1, 16, 16, 2), 128, dtype=np.uint8)
    right[..., 0] = 200

    frame = np.asarray(encode_images(red, encoding="jpeg", quality=95))
    flow = np.asarray(encode_images(right, encoding="jpeg", quality=95))

    assert frame[0, :, :, 0].min() > 250
    assert frame[0, :, :, 1:].max() < 5
    assert (flow[0] == [200, 128]).all()


def test_a_shard_of_another_encoding_or_number_of_frames_is_refused(moving: Path, tmp_path: Path):
    jpeg, png = (Recipe(image_size=32, encoding=encoding) for encoding in ("jpeg", "png"))
    path = write_shard(tmp_path / "a.arrow", jpeg, [sample_of(moving, jpeg)])

    with pytest.raises(ValueError, match="do not have the recipe's sizes"):
        Shard(path, recipe=Recipe(image_size=32))
    with (
        ShardWriter(tmp_path / "b.arrow", recipe=png) as writer,
        pytest.raises(ValueError, match="encoded as jpeg, not as png"),
    ):
        writer.append(sample_of(moving, jpeg))
    fewer = Recipe(image_size=32, frames=5, encoding="jpeg")
    with (
        ShardWriter(tmp_path / "c.arrow", recipe=jpeg) as writer,
        pytest.raises(ValueError, match="5 images"),
    ):
        writer.append(sample_of(moving, fewer))


def test_pieces_are_pictures_that_anyone_can_open(moving: Path, tmp_path: Path):
    import cv2

    recipe = Recipe(image_size=64, encoding="png")
    sample = sample_of(moving, recipe)
    path = write_shard(tmp_path / "a.arrow", recipe, [sample])

    row = pa.ipc.open_file(path).get_batch(0).to_pylist()[0]

    frame = cv2.imdecode(np.frombuffer(row["frames"][4], np.uint8), cv2.IMREAD_COLOR_RGB)
    np.testing.assert_array_equal(frame, sample.frames[4])
    tall = cv2.imdecode(np.frombuffer(row["flow"][4], np.uint8), cv2.IMREAD_GRAYSCALE)
    assert tall.shape == (128, 64)
    np.testing.assert_array_equal(tall[:64], sample.flow[4, ..., 0])


def test_a_net_learns_from_and_recognises_with_an_encoded_store(
    square_table: Path, tmp_path: Path, signflow: Signflow
):
    store, run = tmp_path / "store", tmp_path / "run"
    words = ("--image-size", "32", "--encoding", "jpeg", "--jpeg-quality", "90")
    signflow("build", square_table, "--out", store, *words)
    signflow("train", store, "--model", "temporal", "--epochs", "1", "--out", run)

    done = signflow("predict", run, square_table.parent / "videos" / "left0.mp4")

    assert Store.open(store).recipe.jpeg_quality == 90
    assert any(gloss in done.stdout for gloss in ("left", "right", "down"))
