"""What augmentation does to a batch: exact statements; `test_augment_flow.py` has measured ones."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as transforms

from signflow.annotations import Clip
from signflow.store import ClipRow
from signflow.training import Batch, TrainConfig
from signflow.training.augment import (
    PRESETS,
    STRENGTHS,
    VIEWS,
    Augmentation,
    Draws,
    augment,
    views_of,
)
from signflow.training.augment.appearance import erase_still, recolour
from signflow.training.augment.geometry import affine_maps, move_flow, move_frames
from signflow.training.augment.timing import draw_times, retime_flow, retime_frames
from signflow.training.steps import Part, parts_of

CLASSES = 5
EVERYTHING = replace(PRESETS["standard"], flip=True, erase_still=0.5, mixup=0.4, cutmix=1.0)
UNMIXED = replace(EVERYTHING, mixup=0.0, cutmix=0.0)


def batch_of(clips: int = 6, *, frames: int = 5, size: int = 24, seed: int = 0) -> Batch:
    random = np.random.default_rng(seed)
    rgb = random.integers(0, 256, (clips, frames, size, size, 3), dtype=np.uint8)
    flow = random.integers(1, 256, (clips, frames - 1, size, size, 2), dtype=np.uint8)
    return Batch(
        rgb=torch.from_numpy(rgb),
        flow=torch.from_numpy(flow),
        labels=torch.arange(clips) % CLASSES,
        clip_ids=tuple(map(str, range(clips))),
    )


def rows_of(clips: int) -> list[ClipRow]:
    return [
        ClipRow(
            clip=Clip(clip_id=str(n), source="", label=n % CLASSES, gloss="", split="train"),
            status="built",
        )
        for n in range(clips)
    ]


def whole(clips: int) -> Part:
    (part,) = parts_of(rows_of(clips), batch_size=clips)
    return part


def augmented(batch: Batch, strengths: Augmentation, *, seed: int = 0) -> Batch:
    draws = Draws(seed, whole(len(batch.clip_ids)))
    return augment(batch, strengths, draws, bound=8.0, classes=CLASSES)


def map_of(
    *, scale: float = 1.0, rotation: float = 0.0, mirrored: bool = False, shift: float = 0.0
) -> tuple[Tensor, Tensor]:
    def doubles(*values: float) -> Tensor:
        return torch.tensor(values, dtype=torch.float64)

    return affine_maps(
        scale=doubles(scale),
        aspect=doubles(1.0),
        rotation=doubles(rotation),
        shift=doubles(shift, 0.0)[None],
        mirrored=torch.tensor([mirrored]),
    )


def random_flow(frames: int = 3, size: int = 16) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn((1, frames - 1, 2, size, size), generator=generator) * 20


def test_no_augmentation_leaves_the_batch_as_it_is():
    batch = batch_of()

    assert augmented(batch, TrainConfig().augmentation) is batch


@pytest.mark.parametrize("preset", ["light", "standard"])
def test_a_preset_changes_every_clip_within_the_range_of_bytes(preset: str):
    batch = batch_of()

    changed = augmented(batch, PRESETS[preset])

    assert changed.rgb is not None
    assert changed.flow is not None
    assert changed.rgb.shape == batch.rgb.shape
    assert changed.flow.shape == batch.flow.shape
    assert changed.rgb.dtype == changed.flow.dtype == torch.float32
    assert 0 <= changed.rgb.min() < changed.rgb.max() <= 255
    assert 1 <= changed.flow.min() < changed.flow.max() <= 255
    assert torch.equal(changed.labels, batch.labels)
    for images, before in ((changed.rgb, batch.rgb), (changed.flow, batch.flow)):
        assert ((images - before).abs().amax(dim=(1, 2, 3, 4)) > 1).all()


@pytest.mark.parametrize("name", STRENGTHS)
def test_each_strength_alone_changes_something(name: str):
    strength = {"flip": True, "rotation": 10.0, "noise": 4.0, "erase_still": 1.0}.get(name, 0.4)
    batch = batch_of(frames=9)
    # Half of the picture stands still, so that there is something to erase.
    batch.flow[:, :, :12] = 128

    changed = augmented(batch, Augmentation(**{name: strength}))

    colours = ("brightness", "contrast", "saturation", "hue", "erase_still")
    assert not torch.equal(changed.rgb, batch.rgb.float()) or name == "jitter"
    assert torch.equal(changed.flow, batch.flow.float()) == (name in colours)


def test_the_same_seed_gives_the_same_clips_and_another_seed_others():
    first, second, other = (augmented(batch_of(), EVERYTHING, seed=seed) for seed in (1, 1, 2))

    assert torch.equal(first.rgb, second.rgb)
    assert torch.equal(first.flow, second.flow)
    assert torch.equal(first.labels, second.labels)
    assert not torch.equal(first.rgb, other.rgb)


@pytest.mark.parametrize("accumulate", [2, 3, 4])
def test_a_step_in_parts_gets_the_clips_of_the_whole_step(accumulate: int):
    batch = batch_of(7)
    in_one = augmented(batch, UNMIXED, seed=3)

    pieces = []
    for part in parts_of(rows_of(7), batch_size=7, accumulate=accumulate):
        mine = slice(part.start, part.start + len(part.rows))
        piece = Batch(
            rgb=batch.rgb[mine],
            flow=batch.flow[mine],
            labels=batch.labels[mine],
            clip_ids=batch.clip_ids[mine],
        )
        pieces.append(augment(piece, UNMIXED, Draws(3, part), bound=8.0, classes=CLASSES))

    # How many images a kernel is given decides how it rounds.
    for name in ("rgb", "flow"):
        cut = torch.cat([getattr(piece, name) for piece in pieces])
        torch.testing.assert_close(cut, getattr(in_one, name), atol=1e-3, rtol=0)


def test_flipping_twice_changes_nothing():
    flow, frames = random_flow(), torch.rand((1, 3, 3, 16, 16)) * 255
    flip = map_of(mirrored=True)

    once = move_flow(flow, *flip)

    assert torch.equal(once[:, :, 0], -flow[:, :, 0].flip(3))
    assert torch.equal(once[:, :, 1], flow[:, :, 1].flip(3))
    assert torch.equal(move_flow(once, *flip), flow)
    assert torch.equal(move_frames(move_frames(frames, *flip), *flip), frames)


def test_a_quarter_turn_is_exact():
    flow, frames = random_flow(), torch.rand((1, 3, 3, 16, 16)) * 255

    turned = move_flow(flow, *map_of(rotation=90))

    # Clockwise: what is at the top comes to the right, and what moves right then moves down.
    x, y = flow.rot90(-1, (3, 4)).unbind(2)
    torch.testing.assert_close(turned, torch.stack([-y, x], dim=2), atol=5e-3, rtol=0)
    torch.testing.assert_close(
        move_frames(frames, *map_of(rotation=90)), frames.rot90(-1, (3, 4)), atol=5e-3, rtol=0
    )


def test_flow_grows_with_the_picture_and_saturates_at_the_bound():
    flow = torch.zeros((1, 1, 2, 8, 8))
    flow[:, :, 0], flow[:, :, 1] = 40.0, -100.0

    doubled = move_flow(flow, *map_of(scale=2))

    torch.testing.assert_close(doubled, 2 * flow)
    batch = batch_of(1, frames=2, size=8)
    batch.flow[:] = 255
    stretched = [augmented(batch, Augmentation(scale=1.0), seed=seed).flow for seed in range(8)]
    assert max(float(flow.max()) for flow in stretched) == 255
    assert min(float(flow[0, 0, 4, 4, 0]) for flow in stretched) < 250


def test_what_comes_in_from_outside_is_like_the_edge_and_does_not_move():
    frames, flow = torch.zeros((1, 1, 3, 8, 8)), torch.full((1, 1, 2, 8, 8), 9.0)
    frames[..., 0] = 200.0
    right = map_of(shift=0.5)

    moved = move_frames(frames, *right)

    assert (moved[..., :5] == 200).all()
    assert (moved[..., 5:] == 0).all()
    assert (move_flow(flow, *right)[..., :4] == 0).all()
    assert (move_flow(flow, *right)[..., 4:] == 9).all()


def test_a_clip_without_motion_has_none_afterwards():
    batch = batch_of()
    batch.flow[:] = 128

    changed = augmented(batch, replace(UNMIXED, noise=0.0))

    assert (changed.flow == 128).all()


def test_times_are_in_the_clip_and_never_fall():
    strengths = replace(PRESETS["standard"], speed=1.0, jitter=0.45, frame_drop=0.3)

    times = draw_times(strengths, Draws(0, whole(200)), frames=9)

    assert times.shape == (200, 9)
    assert (times.diff(dim=1) >= 0).all()
    assert times.min() == 0
    assert times.max() == 8


def test_a_lost_frame_stays_and_its_motion_is_made_up_for():
    frames = torch.arange(4.0)[None, :, None, None, None].expand(1, 4, 3, 6, 6)
    flow = torch.ones((1, 3, 2, 6, 6)) * torch.tensor([1.0, 2.0, 4.0])[None, :, None, None, None]
    times = torch.tensor([[0.0, 0.0, 2.0, 3.0]], dtype=torch.float64)

    kept = retime_frames(frames, times)
    moved = retime_flow(flow, times, pixels_per_step=0.1)

    assert kept[0, :, 0, 0, 0].tolist() == [0, 0, 2, 3]
    assert moved[0, :, 0, 3, 3].tolist() == [0, 3, 4]


def test_half_a_pairs_time_is_half_its_motion_and_beyond_the_end_all_is_still():
    flow = torch.ones((1, 3, 2, 6, 6)) * torch.tensor([1.0, 2.0, 4.0])[None, :, None, None, None]
    times = torch.tensor([[0.5, 1.5, 3.0, 3.0]], dtype=torch.float64)

    moved = retime_flow(flow, times, pixels_per_step=0.1)

    assert moved[0, :, 1, 3, 3].tolist() == [1.5, 5.0, 0.0]


def test_composed_flow_is_followed_along_its_way():
    # A bar three pixels wide moves by four pixels, and then by one more.
    flow = torch.zeros((1, 2, 2, 12, 12))
    flow[0, 0, 0, :, 1:4] = 4.0
    flow[0, 1, 0, :, 5:8] = 1.0
    times = torch.tensor([[0.0, 2.0, 2.0]], dtype=torch.float64)

    moved = retime_flow(flow, times, pixels_per_step=1.0)

    assert moved[0, 0, 0, 6, 1:4].tolist() == [5.0, 5.0, 5.0]


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("brightness", transforms.adjust_brightness),
        ("contrast", transforms.adjust_contrast),
        ("saturation", transforms.adjust_saturation),
    ],
)
def test_colours_change_as_in_torchvision(name: str, theirs):
    frames = torch.rand((1, 1, 3, 12, 12), generator=torch.Generator().manual_seed(0)) * 60 + 90
    strengths = Augmentation(**{name: 0.3})

    changed = recolour(frames, strengths, Draws(4, whole(1)))

    drawn = [draws.either_way() for draws in [Draws(4, whole(1))] for _ in range(4)]
    factor = 1 + 0.3 * float(drawn[["brightness", "contrast", "saturation"].index(name)])
    expected = theirs(frames[0] / 255, factor) * 255
    assert abs(factor - 1) > 0.01
    torch.testing.assert_close(changed[0], expected, atol=0.1, rtol=0)


def test_turning_hues_leaves_grey_and_brightness():
    frames = torch.rand((1, 2, 3, 8, 8)) * 100 + 70
    grey = frames.mean(dim=2, keepdim=True).expand_as(frames)
    weights = torch.tensor([0.299, 0.587, 0.114])[:, None, None]

    turned = recolour(frames, Augmentation(hue=0.3), Draws(1, whole(1)))

    assert (turned - frames).abs().max() > 5
    torch.testing.assert_close(
        (turned * weights).sum(2), (frames * weights).sum(2), atol=0.1, rtol=0
    )
    same = recolour(grey, Augmentation(hue=0.3), Draws(1, whole(1)))
    torch.testing.assert_close(same, grey, atol=0.5, rtol=0)


@pytest.mark.parametrize("with_flow", [True, False])
def test_what_stands_still_is_erased_and_what_moves_stays(with_flow: bool):
    frames = torch.rand((2, 3, 3, 32, 32)) * 10 + 100
    frames[:, 1, :, 8:12, 8:12] += 90
    flow = torch.zeros((2, 2, 2, 32, 32))
    flow[:, 1, 0, 8:12, 8:12] = 5

    erased = erase_still(
        frames,
        flow if with_flow else None,
        chosen=torch.tensor([True, False]),
        noisy=torch.tensor([False, False]),
        pixels_per_step=1.0,
        generators=[torch.Generator().manual_seed(n) for n in range(2)],
    )

    assert torch.equal(erased[1], frames[1])
    torch.testing.assert_close(erased[0, :, :, 8:12, 8:12], frames[0, :, :, 8:12, 8:12])
    background = erased[0, :, :, 20:, 20:]
    assert background.std(dim=(0, 2, 3)).max() < 1e-3


@pytest.mark.parametrize("kind", ["mixup", "cutmix"])
def test_frames_flow_and_labels_are_mixed_alike(kind: str):
    clips = 6
    batch = batch_of(clips)
    # Frames say which clip they are of, and so does the flow.
    mark = torch.arange(clips, dtype=torch.uint8)[:, None, None, None, None]
    batch = replace(
        batch,
        rgb=(mark * 40).expand_as(batch.rgb),
        flow=(mark * 40 + 1).expand_as(batch.flow),
        labels=torch.arange(clips),
    )

    draws = Draws(2, whole(clips))
    mixed = augment(batch, Augmentation(**{kind: 1.0}), draws, bound=8.0, classes=clips)

    torch.testing.assert_close(mixed.labels.sum(dim=1), torch.ones(clips))
    # The mean of a clip's pixels is the mean of the marks, weighted by its label's shares.
    expected = mixed.labels @ (torch.arange(clips) * 40.0)
    torch.testing.assert_close(mixed.rgb.mean(dim=(1, 2, 3, 4)), expected, atol=0.01, rtol=0)
    torch.testing.assert_close(mixed.flow.mean(dim=(1, 2, 3, 4)), expected + 1, atol=0.01, rtol=0)
    torch.testing.assert_close(mixed.flow[:, 0, :, :, 0], mixed.rgb[:, 0, :, :, 0] + 1)
    assert (mixed.labels.max(dim=1).values < 0.999).sum() >= 4
    assert ((mixed.labels > 0).sum(dim=1) <= 2).all()


def test_a_part_of_one_clip_is_mixed_with_itself():
    batch = batch_of(1)

    mixed = augmented(batch, Augmentation(mixup=1.0))

    torch.testing.assert_close(mixed.rgb, batch.rgb.float())
    assert mixed.labels.tolist() == [[1, 0, 0, 0, 0]]


def test_a_middle_frame_keeps_its_time_and_moves_as_its_flow_does():
    batch = batch_of(2)
    middle = replace(batch, rgb=batch.rgb[:, 2:3])

    changed = augmented(middle, Augmentation(frame_drop=0.5))
    assert torch.equal(changed.rgb, middle.rgb.float())
    assert not torch.equal(changed.flow, batch.flow.float())

    of_all = augmented(batch, Augmentation(rotation=30.0))
    torch.testing.assert_close(
        augmented(middle, Augmentation(rotation=30.0)).rgb, of_all.rgb[:, 2:3], atol=1e-3, rtol=0
    )


@pytest.mark.parametrize("missing", ["rgb", "flow"])
def test_a_model_that_sees_one_of_both_gets_it_augmented(missing: str):
    batch = replace(batch_of(), **{missing: None})

    changed = augmented(batch, EVERYTHING)

    assert getattr(changed, missing) is None
    assert changed.labels.shape == (6, CLASSES)


@pytest.mark.parametrize("mirrored", [False, True])
def test_views_are_always_the_same_and_begin_with_the_clips_as_they_are(mirrored: bool):
    batch = batch_of(2)

    first, again = (
        list(views_of(batch, count=len(VIEWS), mirrored=mirrored, bound=8.0)) for _ in range(2)
    )

    assert first[0] is batch
    assert len(first) == len(VIEWS)
    for one, other in zip(first[1:], again[1:], strict=True):
        assert torch.equal(one.rgb, other.rgb)
        assert torch.equal(one.flow, other.flow)
        assert one.rgb.shape == batch.rgb.shape
    for one, other in pairwise(first):
        assert not torch.equal(one.flow.float(), other.flow.float())
    mirror = torch.equal(first[1].rgb, batch.rgb.flip(3).float())
    assert mirror == mirrored


def test_a_strength_replaces_that_of_the_preset():
    config = TrainConfig(augment="light", rotation=0.0, mixup=0.2)

    assert config.augmentation == replace(PRESETS["light"], rotation=0.0, mixup=0.2)
    assert config.command_options()[-6:] == (
        ["--augment", "light", "--rotation", "0.0", "--mixup", "0.2"]
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"augment": "strong"}, "augment is strong; must be one of none, light, standard"),
        ({"shift": 1.5}, "shift is 1.5; must be 0 or more, up to 1"),
        ({"jitter": 0.5}, "jitter is 0.5; must be 0 or more, below 0.5"),
        ({"noise": float("nan")}, "noise is nan; must be 0 or more, up to 128"),
        ({"mixup": -0.1}, "mixup is -0.1; must be 0 or more$"),
    ],
)
def test_a_strength_out_of_range_is_refused(options: dict[str, object], message: str):
    with pytest.raises(ValueError, match=message):
        TrainConfig(**options)
