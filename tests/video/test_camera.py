import cv2
import numpy as np
import pytest
from moving import pan, real_frames, seen_by_a_camera, texture, turn, zoom
from numpy.typing import NDArray

from signflow.video import Camera, Dis, Farneback, FlowMethod, compute_flow, remove_camera

OBJECT = 30
"""Side, in pixels, of the thing that moves before the camera."""


def with_an_object(
    frames: NDArray[np.uint8], *, motion: tuple[int, int]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Frames with a textured square that moves over them, and where it is in each."""
    frames, thing = frames.copy(), texture(OBJECT, seed=8, smooth=1.5)
    where = np.zeros(frames.shape[:3], bool)
    for number, frame in enumerate(frames):
        x, y = 45 + number * motion[0], 40 + number * motion[1]
        frame[y : y + OBJECT, x : x + OBJECT] = thing
        where[number, y : y + OBJECT, x : x + OBJECT] = True
    return frames, where


def shrunk(where: NDArray[np.bool_], by: int) -> NDArray[np.bool_]:
    kernel = np.ones((2 * by + 1, 2 * by + 1), np.uint8)
    return np.stack([cv2.erode(one.astype(np.uint8), kernel) for one in where]).astype(bool)


@pytest.mark.parametrize("motion", [pan(4, -2), turn(2.5), zoom(1.04), turn(-1.5) @ zoom(0.97)])
def test_the_background_stands_still_and_the_object_keeps_its_own_motion(
    motion: NDArray[np.float64],
) -> None:
    seen = seen_by_a_camera(120, 140, motion=motion)
    frames, where = with_an_object(seen, motion=(3, 5))
    background, inside = shrunk(~where, 12)[:-1], shrunk(where, 8)[:-1]
    background[:, :10], background[:, -10:] = False, False
    background[:, :, :10], background[:, :, -10:] = False, False
    camera = compute_flow(seen, method=Farneback())

    before = compute_flow(frames, method=Farneback())
    after = compute_flow(frames, method=Farneback(), camera="homography")

    assert np.linalg.norm(before[background], axis=-1).mean() > 1
    assert np.linalg.norm(after[background], axis=-1).mean() < 0.15
    own = np.array([3, 5]) - np.median(camera[inside], axis=0)
    np.testing.assert_allclose(np.median(after[inside], axis=0), own, atol=0.4)


def test_the_mean_of_every_pair_is_subtracted() -> None:
    flow = np.random.default_rng(0).normal(3, 5, (4, 20, 30, 2)).astype(np.float32)
    left = remove_camera(flow, camera="mean")
    np.testing.assert_allclose(left.mean(axis=(1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(left - flow, (left - flow)[:, :1, :1] + 0 * flow, atol=1e-5)
    assert left.dtype == np.float32


@pytest.mark.parametrize(("camera", "background"), [("mean", (-2.0, 0.0)), ("median", (0.0, 0.0))])
def test_what_moves_in_a_part_of_the_picture_moves_the_mean_and_not_the_median(
    camera: Camera, background: tuple[float, float]
) -> None:
    flow = np.full((1, 20, 20, 2), [4, 1], np.float32)
    flow[0, :4] += [10, 0]
    left = remove_camera(flow, camera=camera)
    assert left[0, -1, -1] == pytest.approx(background)
    assert left[0, 0, 0] - left[0, -1, -1] == pytest.approx([10, 0])


def test_a_camera_that_stands_still_is_left_alone() -> None:
    frames, _ = with_an_object(seen_by_a_camera(120, 140, motion=pan(0, 0)), motion=(3, 5))
    flow = compute_flow(frames, method=Farneback())
    np.testing.assert_array_equal(remove_camera(flow, camera="homography"), flow)
    np.testing.assert_array_equal(remove_camera(flow, camera="keep"), flow)


@pytest.mark.parametrize("shape", [(2, 4, 4, 2), (1, 64, 64, 2)])
def test_where_nothing_agrees_on_a_camera_flow_is_kept(shape: tuple[int, ...]) -> None:
    chaos = np.random.default_rng(1).uniform(-30, 30, shape).astype(np.float32)
    np.testing.assert_array_equal(remove_camera(chaos, camera="homography"), chaos)


def test_the_same_flow_has_the_same_camera_whatever_was_drawn_before() -> None:
    frames, _ = with_an_object(seen_by_a_camera(96, 100, motion=turn(2)), motion=(3, 5))
    flow = compute_flow(frames, method=Farneback())
    cv2.setRNGSeed(1)
    first = remove_camera(flow, camera="homography")
    cv2.setRNGSeed(77)
    np.testing.assert_array_equal(remove_camera(flow, camera="homography"), first)


@pytest.mark.parametrize("method", [Farneback(), Dis()])
def test_of_a_camera_on_a_head_less_of_the_picture_moves(method: FlowMethod) -> None:
    names = [f"egogestar/{sign}/{sign}_6.mp4" for sign in ("up", "left", "star", "del")]
    shares: dict[Camera, list[float]] = {"keep": [], "homography": []}
    for name in names:
        frames = real_frames(name, frames=8)
        for camera, of_clips in shares.items():
            flow = compute_flow(frames, method=method, camera=camera)
            of_clips.append(float((np.linalg.norm(flow, axis=-1) > 1).mean()))
    assert np.mean(shares["homography"]) < 0.8 * np.mean(shares["keep"])
    assert all(
        left < before + 0.01
        for left, before in zip(shares["homography"], shares["keep"], strict=True)
    )
