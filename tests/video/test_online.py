import subprocess
import sys

import numpy as np
import pytest
import torch
from moving import REAL, pan, real_frames, seen_by_a_camera, turn
from numpy.typing import NDArray

from signflow.errors import UserError
from signflow.video import (
    Camera,
    Dis,
    Farneback,
    compute_flow,
    online_flow,
    quantise_flow,
)


def share_of_equals(frames: NDArray[np.uint8], *, camera: Camera, bound: float) -> float:
    """Share of values that are at most a step from what a store would hold."""
    flow = compute_flow(frames, method=Farneback(), camera=camera)
    stored, _ = quantise_flow(flow, bound=bound)
    online = online_flow(
        torch.from_numpy(frames)[None], method=Farneback(), bound=bound, camera=camera
    )
    assert online.shape == (1, *stored.shape)
    assert online.dtype == torch.float32
    return float((np.abs(online[0].numpy() - stored) <= 1).mean())


@pytest.mark.parametrize("camera", ["keep", "mean", "median", "homography"])
@pytest.mark.parametrize("name", REAL)
def test_of_real_frames_it_is_what_a_store_holds(name: str, camera: Camera) -> None:
    assert share_of_equals(real_frames(name), camera=camera, bound=64) > 0.999


@pytest.mark.parametrize("camera", ["keep", "mean", "median", "homography"])
@pytest.mark.parametrize("motion", [pan(3, -2), turn(3)])
def test_of_textures_it_is_what_a_store_holds(motion: NDArray[np.float64], camera: Camera) -> None:
    frames = seen_by_a_camera(71, 84, motion=motion)
    assert share_of_equals(frames, camera=camera, bound=20) > 0.999


def test_it_saturates_at_the_bound_and_never_reaches_0() -> None:
    frames = seen_by_a_camera(64, 64, motion=pan(4, -4))
    flow = online_flow(torch.from_numpy(frames)[None], method=Farneback(), bound=1)
    assert flow[..., 32, 32, :].unique().tolist() == [1, 255]
    assert flow.min() == 1


def test_floats_are_grey_between_the_bytes_and_give_nearly_the_same() -> None:
    frames = torch.from_numpy(seen_by_a_camera(64, 64, motion=turn(2)))[None]
    by_bytes = online_flow(frames, method=Farneback(), bound=20)
    by_floats = online_flow(frames.float().requires_grad_(), method=Farneback(), bound=20)
    assert (by_bytes - by_floats).abs().max() <= 4
    assert not torch.equal(by_bytes, by_floats)
    assert not by_floats.requires_grad


def test_clips_of_a_batch_do_not_touch_each_other() -> None:
    clips = [seen_by_a_camera(48, 56, motion=motion) for motion in (pan(2, 0), turn(4))]
    both = torch.from_numpy(np.stack(clips))
    for camera in ("keep", "median", "homography"):
        together = online_flow(both, method=Farneback(), bound=20, camera=camera)
        for number in range(2):
            alone = online_flow(
                both[number : number + 1], method=Farneback(), bound=20, camera=camera
            )
            assert (alone[0] - together[number]).abs().max() <= 1


def test_mixed_precision_does_not_touch_it() -> None:
    frames = torch.from_numpy(seen_by_a_camera(48, 56, motion=turn(2)))[None]
    exact = online_flow(frames, method=Farneback(), bound=20)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(online_flow(frames, method=Farneback(), bound=20), exact)


def test_a_method_without_a_form_in_pytorch_names_those_with_one() -> None:
    frames = torch.zeros(1, 2, 64, 64, 3, dtype=torch.uint8)
    with pytest.raises(UserError, match=r"'dis' has no form in PyTorch.*: farneback"):
        online_flow(frames, method=Dis(), bound=20)


@pytest.mark.parametrize(
    ("frames", "bound", "said"),
    [
        (torch.zeros(2, 64, 64, 3), 20, r"must be uint8 or float32 \(B, T, H, W, 3\)"),
        (torch.zeros(1, 1, 64, 64, 3), 20, "T >= 2"),
        (torch.zeros(1, 2, 64, 64, 3).double(), 20, "float64"),
        (torch.zeros(1, 2, 64, 64, 3), 0, "bound is 0"),
    ],
)
def test_what_it_cannot_take_is_refused(frames: torch.Tensor, bound: float, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        online_flow(frames, method=Farneback(), bound=bound)


def test_a_build_does_not_wait_for_pytorch() -> None:
    code = "import sys, signflow.video, signflow.cli.build; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
