import cv2
import numpy as np
import pytest
import torch
from moving import REAL, pan, real_frames, seen_by_a_camera, turn, zoom
from numpy.typing import NDArray

from signflow.video import Farneback, compute_flow
from signflow.video.farneback_torch import farneback_flow
from signflow.video.tensors import grey_of

METHODS = [
    Farneback(),
    Farneback(gaussian_window=True, winsize=15),
    Farneback(pyr_scale=0.7, levels=3, winsize=8, iterations=2, poly_n=7, poly_sigma=1.6),
    Farneback(levels=1, winsize=21, iterations=1),
    Farneback(pyr_scale=0.3, levels=9, winsize=12, gaussian_window=True, poly_n=7),
]


def mean_difference(frames: NDArray[np.uint8], method: Farneback) -> float:
    """How far the two forms are apart, in pixels, as lengths of vectors."""
    (flow,) = farneback_flow(grey_of(torch.from_numpy(frames))[None], method=method).numpy()
    expected = compute_flow(frames, method=method)
    assert flow.shape == expected.shape
    assert flow.dtype == np.float32
    return float(np.linalg.norm(flow - expected, axis=-1).mean())


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", REAL)
def test_on_real_frames_it_is_that_of_opencv(name: str, method: Farneback) -> None:
    assert mean_difference(real_frames(name), method) < 0.01


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("motion", [pan(2.5, -1.5), turn(2) @ zoom(1.03)])
def test_on_moving_textures_it_is_that_of_opencv(
    motion: NDArray[np.float64], method: Farneback
) -> None:
    assert mean_difference(seen_by_a_camera(96, 128, motion=motion), method) < 0.001


@pytest.mark.parametrize("size", [(8, 8), (9, 30), (33, 65), (101, 67), (64, 64)])
def test_pictures_of_any_size_have_the_levels_that_opencv_gives_them(size: tuple[int, int]) -> None:
    frames = seen_by_a_camera(*size, motion=pan(1, 0.5))
    assert mean_difference(frames, Farneback()) < 0.001


def test_a_window_of_one_pixel_is_that_of_opencv_where_motion_is_clear() -> None:
    frames = seen_by_a_camera(40, 48, motion=pan(0.5, 0))
    method = Farneback(winsize=1, iterations=1, levels=1)
    (flow,) = farneback_flow(grey_of(torch.from_numpy(frames))[None], method=method).numpy()
    apart = np.abs(flow - compute_flow(frames, method=method))
    assert np.median(apart) < 0.001


def test_a_batch_of_sequences_is_computed_as_each_pair_is_alone() -> None:
    sequences = [
        seen_by_a_camera(48, 56, motion=motion, frames=3) for motion in (pan(2, 0), turn(3))
    ]
    greys = grey_of(torch.from_numpy(np.stack(sequences)))
    together = farneback_flow(greys, method=Farneback())
    assert together.shape == (2, 2, 48, 56, 2)
    for sequence in range(2):
        for pair in range(2):
            alone = farneback_flow(
                greys[sequence : sequence + 1, pair : pair + 2], method=Farneback()
            )
            np.testing.assert_allclose(alone[0, 0], together[sequence, pair], atol=1e-3)


def test_floats_between_grey_values_are_taken_as_they_are() -> None:
    frames = seen_by_a_camera(48, 56, motion=pan(1, 1), frames=2)
    as_floats = list(frames.astype(np.float32).mean(axis=-1))
    expected = cv2.calcOpticalFlowFarneback(*as_floats, None, 0.5, 5, 11, 5, 5, 1.1, 0)
    tensor = torch.from_numpy(np.stack(as_floats))[None].requires_grad_()
    flow = farneback_flow(tensor, method=Farneback())
    assert not flow.requires_grad
    np.testing.assert_allclose(flow[0, 0].numpy(), expected, atol=0.01)


@pytest.mark.parametrize("shape", [(2, 32, 32), (1, 1, 32, 32), (1, 2, 1, 32)])
def test_what_is_no_batch_of_sequences_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"must be \(B, T, H, W\)"):
        farneback_flow(torch.zeros(shape), method=Farneback())


def test_bytes_become_the_grey_of_opencv() -> None:
    colours = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    expected = cv2.cvtColor(colours, cv2.COLOR_RGB2GRAY)
    np.testing.assert_array_equal(grey_of(torch.from_numpy(colours)).numpy(), expected)
    floats = grey_of(torch.from_numpy(colours.astype(np.float32))).numpy()
    assert np.abs(floats - expected).max() < 0.51
    assert not np.array_equal(floats, np.rint(floats))
