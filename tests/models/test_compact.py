"""The small net that `signflow train` begins with."""

import pytest
import torch

from models.small import SMALL, clips, logits_of
from signflow.models import ModelOptions, Shape, create_model, measure_model
from signflow.models.compact import FRAMES_SEEN, CompactEncoder, amounts_and_places, spread


def test_it_has_under_a_million_weights_at_any_size():
    for size in (32, 112, 224):
        cost = measure_model("compact", shape=Shape(classes=100, frames=16, image_size=size))

        assert cost.weights < 1_000_000
        assert cost.flops < 2e9


def test_its_two_streams_meet_in_their_features_unless_it_is_told_otherwise():
    assert create_model("compact", shape=SMALL).streams == 1
    for fusion, learned in (("late", False), ("learned", True)):
        model = create_model("compact", shape=SMALL, options=ModelOptions(fusion=fusion))

        assert (model.streams, model.learned_fusion) == (2, learned)


@pytest.mark.parametrize(
    ("total", "kept"), [(16, [2, 6, 10, 14]), (4, [0, 1, 2, 3]), (3, [0, 1, 2])]
)
def test_the_frames_it_looks_at_are_spread_over_the_clip(total: int, kept: list[int]):
    frames = torch.arange(total)[None, None]

    assert spread(frames, FRAMES_SEEN).flatten().tolist() == kept


def test_frames_count_for_nothing_in_half_of_the_clips_of_a_training():
    torch.manual_seed(0)
    model = create_model("compact", shape=SMALL).train()
    of_frames, of_flow = model.encoders
    assert isinstance(of_frames, CompactEncoder)

    frames = of_frames(torch.rand(200, 3, 4, 32, 32)).abs().sum(1)
    flow = of_flow(torch.rand(8, 2, 3, 32, 32)).abs().sum(1)

    assert 60 < int((frames == 0).sum()) < 140
    assert int((flow == 0).sum()) == 0
    model.eval()
    assert int((of_frames(torch.rand(50, 3, 4, 32, 32)).abs().sum(1) == 0).sum()) == 0


def test_alone_its_frames_are_never_left_out():
    model = create_model("compact", shape=SMALL, options=ModelOptions(inputs="rgb")).train()

    features = model.encoders[0](torch.rand(50, 3, 4, 32, 32))

    assert int((features.abs().sum(1) == 0).sum()) == 0


def test_of_a_map_how_much_there_is_and_where_is_left():
    maps = torch.zeros(3, 2, 8, 16)
    maps[0, 0, 1, 3] = maps[1, 0, 2, 5] = 4.0  # one pixel lower and two to the right
    maps[2, 1] = 0.5

    seen = amounts_and_places(maps)

    amounts, x, y = seen.unflatten(1, (3, 2)).unbind(1)
    assert amounts.tolist() == [[4 / 128, 0], [4 / 128, 0], [0, 0.5]]
    assert (x[1, 0] - x[0, 0]).item() == pytest.approx(2 * 2 / 16, abs=0.01)
    assert (y[1, 0] - y[0, 0]).item() == pytest.approx(2 * 1 / 8, abs=0.01)
    assert torch.stack([x[2], y[2]]).tolist() == [[0, 0], [0, 0]]


def test_it_takes_clips_of_more_frames_than_it_was_made_for():
    model = create_model("compact", shape=SMALL).eval()
    rgb, flow = clips(Shape(classes=5, frames=9, image_size=32))

    assert logits_of(model, rgb, flow).shape == (2, 1, 5)
