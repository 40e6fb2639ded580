"""Recipes: what they keep of a clip, what they refuse, and how they lie in a store."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from squares import Signflow, write_square_video

from signflow.annotations import Clip
from signflow.errors import UserError
from signflow.store import RECIPES, Made, Recipe, Store, make_samples
from signflow.video import Dis, VideoFault

ELSEWHERE = {
    "sampling": "centre",
    "crop": "box",
    "crop_margin": 0.25,
    "fit": "letterbox",
    "camera": "homography",
    "encoding": "jpeg",
    "jpeg_quality": 80,
}


def made(path: Path, recipe: Recipe, **clip: object) -> Made | VideoFault:
    facts = {"clip_id": "a", "source": str(path), "label": 0, "gloss": "x", "split": "train"}
    ((_, result),) = make_samples([Clip(**{**facts, **clip})], recipe=recipe)  # type: ignore[arg-type]
    return result


def test_the_default_recipe_is_written_as_the_first_stores_had_it():
    written = Recipe(image_size=112, flow_bound=20).to_dict()

    assert sorted(written) == ["flow", "flow_bound", "frames", "image_size"]


def test_a_recipe_survives_being_written():
    for recipe in (Recipe(**ELSEWHERE, flow=Dis()), Recipe(fps=12.5, frames=64)):
        assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == Recipe(
            **{**vars(recipe), "flow_bound": recipe.bound}
        )


def test_the_recipe_of_a_store_of_old_is_read_with_the_defaults():
    flow = {**Recipe().to_dict()["flow"]}
    old = {"frames": 10, "image_size": 224, "flow": flow, "flow_bound": 64.0}

    recipe = Recipe.from_dict(old)

    assert (recipe.crop, recipe.fit, recipe.sampling) == ("full", "squash", "floor")
    assert (recipe.fps, recipe.encoding, recipe.camera) == (None, "raw", "keep")
    assert recipe.to_dict() == old


def test_a_recipe_of_the_future_is_refused():
    with pytest.raises(UserError, match="angle"):
        Recipe.from_dict({**Recipe().to_dict(), "angle": 3})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"crop": "hands"}, "crop is 'hands'; must be one of"),
        ({"fit": "stretch"}, "fit is 'stretch'; must be one of"),
        ({"camera": "still"}, "camera is 'still'; must be one of"),
        ({"sampling": "random"}, "sampling is 'random'; must be one of"),
        ({"encoding": "gif"}, "encoding is 'gif'; must be one of"),
        ({"crop_margin": -0.1}, "crop_margin is -0.1; must be 0 to 2"),
        ({"fps": 0}, "fps is 0; must be above 0"),
        ({"fps": float("nan")}, "fps is nan; must be above 0"),
        ({"fps": 25, "sampling": "even"}, "with fps there is nothing to choose"),
        ({"jpeg_quality": 0}, "jpeg_quality is 0; must be 1 to 100"),
    ],
)
def test_what_no_recipe_allows_is_refused_by_name(values: dict, message: str):
    with pytest.raises(ValueError, match=message):
        Recipe(**values)


@pytest.mark.parametrize("image_size", [64, 512])
@pytest.mark.parametrize("frames", [10, 16])
def test_sizes_and_numbers_of_frames_are_as_asked(image_size: int, frames: int, tmp_path: Path):
    path = write_square_video(tmp_path / "a.mp4", gloss="right")

    result = made(path, Recipe(image_size=image_size, frames=frames))

    assert isinstance(result, Made)
    assert result.sample.frames.shape == (frames, image_size, image_size, 3)
    assert result.sample.flow.shape == (frames - 1, image_size, image_size, 2)


def test_sampling_decides_which_frames_are_kept(tmp_path: Path):
    path = write_square_video(tmp_path / "a.mp4", gloss="right")
    times = {}
    for how in ({"sampling": "floor"}, {"sampling": "even"}, {"sampling": "centre"}, {"fps": 25}):
        result = made(path, Recipe(frames=4, image_size=16, **how))
        assert isinstance(result, Made)
        times[next(iter(how.values()))] = np.round(result.span.times * 25).astype(int).tolist()

    assert times == {
        "floor": [0, 5, 10, 15],
        "even": [0, 6, 13, 19],
        "centre": [2, 7, 12, 17],
        25: [8, 9, 10, 11],
    }


def test_at_a_rate_a_short_clip_stands_still_at_its_ends(tmp_path: Path):
    path = write_square_video(tmp_path / "a.mp4", gloss="right", frames=8)

    by_rate = made(path, Recipe(frames=32, image_size=64, fps=25))
    by_count = made(path, Recipe(frames=32, image_size=64))

    assert isinstance(by_count, VideoFault)
    assert isinstance(by_rate, Made)
    frames, flow = by_rate.sample.frames, by_rate.sample.flow.astype(int) - 128
    assert (frames[:12] == frames[0]).all()
    assert (frames[-12:] == frames[-1]).all()
    motion = np.abs(flow).reshape(31, -1).max(axis=1)
    assert motion[12:19].min() > 0
    assert motion[:11].max() == motion[-11:].max() == 0


def boxed_table(folder: Path) -> Path:
    """A clip with a box around its upper left, and one without."""
    for name in ("boxed", "plain"):
        write_square_video(folder / f"{name}.mp4", gloss="down")
    with (folder / "clips.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerows(
            [
                ["source", "gloss", "split", "box"],
                ["boxed.mp4", "down", "train", "0.1 0.1 0.4 0.3"],
                ["plain.mp4", "down", "val", ""],
            ]
        )
    return folder


def test_the_command_line_crops_to_the_box_and_keeps_the_picture_where_there_is_none(
    tmp_path: Path, signflow: Signflow
):
    table = boxed_table(tmp_path)
    size = ("--image-size", "32")

    signflow("build", table, "--out", tmp_path / "full", *size)
    crop = ("--crop", "box", "--crop-margin", "0", "--fit", "letterbox")
    signflow("build", table, "--out", tmp_path / "box", *size, *crop)

    full, box = Store.open(tmp_path / "full"), Store.open(tmp_path / "box")
    assert (box.recipe.crop, box.recipe.crop_margin, box.recipe.fit) == ("box", 0, "letterbox")
    # The moving square never enters the upper left.
    assert full.sample("boxed.mp4").frames.max() > 150 > box.sample("boxed.mp4").frames.max()
    # 96 x 80 squashed to 32 x 32, or letterboxed to 32 x 27: two rows are black above, three below.
    letterboxed = box.sample("plain.mp4").frames
    assert letterboxed[:, 2:-3].max() > 150
    assert not letterboxed[:, :2].any()
    assert not letterboxed[:, -3:].any()


def test_the_command_line_takes_frames_at_a_rate(tmp_path: Path, signflow: Signflow):
    write_square_video(tmp_path / "a.mp4", gloss="down")
    (tmp_path / "clips.csv").write_text("source,gloss,split\na.mp4,down,train\n")
    words = ("build", tmp_path, "--image-size", "16", "--frames", "16", "--fps", "12.5")

    signflow(*words, "--out", tmp_path / "store")
    again = signflow(*words, "--out", tmp_path / "x", "--sampling", "even", check=False)

    store = Store.open(tmp_path / "store")
    assert (store.recipe.fps, store.recipe.sampling) == (12.5, "floor")
    assert store.sample("a.mp4").frames.shape == (16, 16, 16, 3)
    assert again.returncode == 2
    assert "with fps there is nothing to choose" in again.stderr


def test_by_segments_a_short_clip_shows_frames_twice(tmp_path: Path):
    path = write_square_video(tmp_path / "a.mp4", gloss="right", frames=8)

    result = made(path, Recipe(frames=12, image_size=64, sampling="segments"))

    assert isinstance(result, Made)
    assert np.round(result.span.times * 25).astype(int).tolist() == [
        0, 1, 1, 2, 3, 3, 4, 5, 5, 6, 7, 7
    ]  # fmt: skip
    moving = [float(np.abs(pair.astype(int) - 128).mean()) for pair in result.sample.flow]
    assert moving[1] == moving[4] == 0
    assert min(moving[0], moving[2], moving[3]) > 0.05


def test_the_command_lines_protocols_are_the_recipes_of_the_same_name(
    tmp_path: Path, signflow: Signflow
):
    write_square_video(tmp_path / "a.mp4", gloss="down")
    (tmp_path / "clips.csv").write_text("source,gloss,split\na.mp4,down,train\n")
    for name, recipe in RECIPES.items():
        signflow("build", tmp_path, "--protocol", name, "--out", tmp_path / name, "--workers", "0")

        assert Store.open(tmp_path / name).recipe == replace(recipe, flow_bound=recipe.bound)

    signflow("build", tmp_path, "--out", tmp_path / "usual", "--workers", "0")
    words = ("--flow", "dis", "--flow-options", "preset=fast", "--workers", "0")
    signflow("build", tmp_path, "--out", tmp_path / "fast", *words)
    usual = RECIPES["standard"].flow
    assert Store.open(tmp_path / "fast").recipe.flow == replace(usual, preset="fast")
    wrong = signflow("build", tmp_path, "--protocol", "x", "--out", tmp_path / "y", check=False)
    assert Store.open(tmp_path / "usual").recipe == Store.open(tmp_path / "standard").recipe
    assert wrong.returncode == 2
    assert "the protocols are report, standard" in wrong.stderr
