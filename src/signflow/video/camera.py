"""The camera's own motion, taken out of the flow: what is left is what moves in the scene."""

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Camera = Literal["keep", "mean", "median", "homography"]

GRID = 32
"""The camera's motion is sought at so many points of each row and column at most."""

_NEAR = 1.0
"""Pixels that a point may be off what a homography says of it: as in improved trajectories."""

_LEAST = 25
"""Points that must agree on a homography, as in improved trajectories."""

_GAIN = 0.05
"""A homography must explain so much more of the points than a camera that stands still does."""


def remove_camera(flow: NDArray[np.float32], *, camera: Camera) -> NDArray[np.float32]:
    """Subtract what the camera does from flow.

    - keep: nothing is subtracted.
    - mean: each pair's mean flow (K. Simonyan and A. Zisserman, "Two-Stream Convolutional Networks
      for Action Recognition in Videos", NIPS 2014). Whatever moves in the picture moves the mean.
    - median: each pair's medians of x and of y; what moves in less than half of the picture cannot
      move them.
    - homography: what a turning or zooming camera does to the picture, by the homography that most
      points' flow agrees on (RANSAC), as in improved trajectories (H. Wang and C. Schmid, ICCV
      2013) and the warped flow of TSN (L. Wang et al., ECCV 2016). They warp the second picture and
      compute flow anew; here the homography's flow is subtracted. Nothing is, where too few points
      agree, or hardly more of them than on a camera that stands still.

    The same flow gives the same result: OpenCV's RANSAC always begins with the same random numbers.

    Args:
        flow: (T - 1, H, W, 2), x then y, in pixels.
        camera: how.

    Returns:
        Flow of the same shape.

    Example:
        >>> remove_camera(np.full((1, 8, 8, 2), 3, np.float32), camera="mean").max()
        0.0
    """
    if camera == "keep":
        return flow
    if camera == "homography":
        rows, columns = grid_points(flow.shape[1]), grid_points(flow.shape[2])
        sampled = flow[:, rows[:, None], columns]
        return flow - camera_flow(sampled, height=flow.shape[1], width=flow.shape[2])
    middle = np.mean if camera == "mean" else np.median
    return (flow - middle(flow, axis=(1, 2), keepdims=True)).astype(np.float32)


def grid_points(size: int) -> NDArray[np.intp]:
    """The rows, or columns, of a picture of `size` at which the camera's motion is sought."""
    return np.linspace(0, size - 1, min(size, GRID)).round().astype(np.intp)


def camera_flow(sampled: NDArray[np.float32], *, height: int, width: int) -> NDArray[np.float32]:
    """Flow that the camera's motion alone would give, by a homography for each pair.

    Args:
        sampled: flow at the `grid_points` of a picture, (T - 1, rows, columns, 2), in pixels.
        height: of the picture.
        width: of the picture.

    Returns:
        (T - 1, H, W, 2), x then y, in pixels; 0 where no homography was found.
    """
    everywhere = _places(np.arange(height), np.arange(width))
    origins = _places(grid_points(height), grid_points(width)).reshape(-1, 2)
    flow = np.zeros((len(sampled), height, width, 2), np.float32)
    for pair, motion in enumerate(sampled):
        homography = _homography(origins, motion.reshape(-1, 2), height=height, width=width)
        if homography is not None:
            flow[pair] = cv2.perspectiveTransform(everywhere, homography) - everywhere
    return flow


def _places(rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[np.float64]:
    return np.stack(np.meshgrid(columns, rows), axis=-1).astype(np.float64)


def _homography(
    origins: NDArray[np.float64], motion: NDArray[np.float32], *, height: int, width: int
) -> NDArray[np.float64] | None:
    """Where points of the still scene go; None where nothing speaks for a camera that moves."""
    if len(origins) < _LEAST:
        return None
    homography, agree = cv2.findHomography(origins, origins + motion, cv2.RANSAC, _NEAR)
    if homography is None:
        return None
    still = np.linalg.norm(motion, axis=-1) < _NEAR
    if agree.sum() < max(_LEAST, still.sum() + _GAIN * len(origins)):
        return None
    right, bottom = width - 1, height - 1
    corners = np.array([[0, 0, 1], [right, 0, 1], [0, bottom, 1], [right, bottom, 1]])
    depths = corners @ homography[2]
    # No camera turns so far within a moment that the picture's corners come twice as near.
    return homography if depths.min() > 0.5 and depths.max() < 2 else None
