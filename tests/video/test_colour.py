import numpy as np
import pytest
import torch
from torchvision.utils import flow_to_image

from signflow.video import flow_to_colour


def test_colours_are_those_of_torchvision() -> None:
    rng = np.random.default_rng(0)
    flow = rng.normal(0, 5, (3, 40, 50, 2)).astype(np.float32)
    theirs = flow_to_image(torch.from_numpy(flow).permute(0, 3, 1, 2)).permute(0, 2, 3, 1).numpy()
    ours = flow_to_colour(flow)
    assert ours.dtype == np.uint8
    # Arc tangents differ in their last bit, and colours are rounded down.
    assert np.abs(ours.astype(int) - theirs).max() <= 1
    assert (ours == theirs).mean() > 0.99


def test_no_motion_is_white() -> None:
    assert (flow_to_colour(np.zeros((2, 4, 5, 2), np.float32)) == 255).all()
    assert (flow_to_colour(np.zeros((4, 5, 2)), max_motion=10) == 255).all()


def test_a_fixed_scale_paints_the_same_motion_alike_in_every_picture() -> None:
    slow = np.full((2, 2, 2), 2.0)
    mixed = slow.copy()
    mixed[0, 0] = 50
    ours = flow_to_colour(mixed, max_motion=10)
    np.testing.assert_array_equal(ours[1, 1], flow_to_colour(slow, max_motion=10)[0, 0])
    np.testing.assert_array_equal(
        ours[0, 0], flow_to_colour(np.full((1, 1, 2), 10.0), max_motion=10)[0, 0]
    )


def test_hues_tell_directions_apart() -> None:
    ways = np.array([[[9, 0], [0, 9], [-9, 0], [0, -9]]], dtype=np.float32)
    right, down, left, up = flow_to_colour(ways)[0].astype(int)
    assert right.argmax() == 0
    assert right[0] > 200 > max(right[1], right[2])  # red
    assert min(down[0], down[1]) > 200 > down[2]  # yellow
    assert min(left[1], left[2]) > 150 > left[0]  # cyan to blue
    assert up[2] > 200 > up[0] > up[1]  # violet


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 3), (2,)])
def test_flow_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="flow has the shape"):
        flow_to_colour(np.zeros(shape))


@pytest.mark.parametrize("max_motion", [0, -3, float("nan")])
def test_a_scale_must_be_positive(max_motion: float) -> None:
    with pytest.raises(ValueError, match="max_motion"):
        flow_to_colour(np.zeros((2, 2, 2)), max_motion=max_motion)
