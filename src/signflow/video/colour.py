"""Flow as colour: the hue says where to, the strength how far."""

import numpy as np
from numpy.typing import NDArray

# Red to yellow, yellow to green, .. magenta to red: how many hues, which channel holds 255
# throughout, and whether the other one rises. Steps of the wheel by Baker et al., "A Database and
# Evaluation Methodology for Optical Flow" (ICCV 2007).
_SECTORS = (
    (15, 0, 1, True),
    (6, 1, 0, False),
    (4, 1, 2, True),
    (11, 2, 1, False),
    (13, 2, 0, True),
    (6, 0, 2, False),
)


def flow_to_colour(
    flow: NDArray[np.floating], *, max_motion: float | None = None
) -> NDArray[np.uint8]:
    """Paint flow by the convention of Baker et al. (2007), as `torchvision.utils.flow_to_image`.

    White stands still; red moves right, yellow-green down, cyan left, violet up.

    Args:
        flow: (..., H, W, 2), x then y, in pixels, any number of pictures.
        max_motion: pixels that full colour stands for, above 0; what is faster looks the same.
            None: the fastest motion in `flow`. (torchvision knows only the latter, so pictures
            made one by one cannot be compared.)

    Returns:
        uint8 (..., H, W, 3), RGB.

    Raises:
        ValueError: the last axis is not 2, or max_motion is not above 0.

    Example:
        >>> flow_to_colour(np.zeros((1, 1, 2))).tolist()
        [[[255, 255, 255]]]
    """
    if flow.ndim < 3 or flow.shape[-1] != 2:
        raise ValueError(f"flow has the shape {flow.shape}, but must have (..., H, W, 2)")
    if max_motion is not None and not max_motion > 0:
        raise ValueError(f"max_motion is {max_motion}, but must be a number of pixels above 0")
    wheel = _colour_wheel()
    x, y = flow[..., 0].astype(np.float32), flow[..., 1].astype(np.float32)
    speed = np.hypot(x, y)
    full = max_motion or (float(speed.max()) if speed.size else 0.0)
    strength = np.minimum(speed / (full + np.finfo(np.float32).eps), 1)[..., None]
    position = (np.arctan2(-y, -x) / np.pi + 1) / 2 * (len(wheel) - 1)
    below = np.floor(position).astype(np.intp)
    above = (below + 1) % len(wheel)
    share = (position - below)[..., None]
    hue = (1 - share) * wheel[below] + share * wheel[above]
    return np.floor(255 * (1 - strength * (1 - hue))).astype(np.uint8)


def _colour_wheel() -> NDArray[np.float32]:
    """All hues (55, 3), 0 to 1, from red through yellow, green, cyan, blue and magenta."""
    sectors = []
    for hues, full, changing, rises in _SECTORS:
        sector = np.zeros((hues, 3))
        ramp = np.floor(255 * np.arange(hues) / hues)
        sector[:, full] = 255
        sector[:, changing] = ramp if rises else 255 - ramp
        sectors.append(sector)
    return (np.concatenate(sectors) / 255).astype(np.float32)
