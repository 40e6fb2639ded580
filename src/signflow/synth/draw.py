"""Drawing with light: soft shapes, sprites with transparency, and how they go into a picture."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Points = npt.NDArray[np.float64]
Colour = tuple[float, float, float]
"""Blue, green, red, 0 to 255 each (the order of OpenCV)."""

_SHIFT = 4


@dataclass(frozen=True)
class Sprite:
    """A small picture that is moved, turned and scaled into frames.

    Attributes:
        bgra: (H, W, 4) uint8, colours already multiplied by alpha.
        origin: the pixel (x, y) that is put at the given place, not rounded.
    """

    bgra: Image
    origin: tuple[float, float]


def polygon(mask: Image, points: Points, value: int = 255) -> None:
    """Fill a polygon, anti-aliased, corners (N, 2) in pixels with fractions."""
    corners = np.round(points * (1 << _SHIFT)).astype(np.int32)
    cv2.fillPoly(mask, [corners], (value,) * 4, cv2.LINE_AA, _SHIFT)


def smooth(points: Sequence[tuple[float, float]], *, steps: int = 8, closed: bool = True) -> Points:
    """Return a Catmull-Rom curve through `points`, (N, 2), `steps` points for each given one."""
    given = np.asarray(points, dtype=np.float64)
    if closed:
        padded = np.concatenate([given[-1:], given, given[:2]])
    else:
        padded = np.concatenate([given[:1], given, given[-1:]])
    t = np.linspace(0, 1, steps, endpoint=False)[None, :, None]
    a, b, c, d = (padded[i : len(padded) - 3 + i, None] for i in range(4))
    curve = 0.5 * (
        2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3
    )
    return np.asarray(curve.reshape(-1, 2))


def inflate(mask: Image, radius: float, light: tuple[float, float]) -> Floats:
    """Shade a flat shape as if it were blown up.

    The height over the shape rises from its edge like a quarter circle of `radius` pixels; the
    light falls from the front and from `light` (x, y; shares, positive is right and down).

    Returns:
        float32 of the mask's size, about 0.45 (turned away) to 1.1 (facing the light).
    """
    inside = (mask > 127).astype(np.uint8)
    depth = np.minimum(cv2.distanceTransform(inside, cv2.DIST_L2, 3) / radius, 1.0)
    height = np.sqrt(np.maximum(1.0 - (1.0 - depth) ** 2, 0.0)).astype(np.float32) * radius
    height = cv2.GaussianBlur(height, (0, 0), max(radius * 0.18, 0.6))
    slope_x = cv2.Sobel(height, cv2.CV_32F, 1, 0, scale=1 / 8)
    slope_y = cv2.Sobel(height, cv2.CV_32F, 0, 1, scale=1 / 8)
    facing = (1.0 - slope_x * light[0] - slope_y * light[1]) / np.sqrt(
        1.0 + slope_x**2 + slope_y**2
    )
    return np.asarray(0.42 + 0.6 * np.clip(facing, 0.0, 1.15), dtype=np.float32)


def noise(rng: np.random.Generator, size: tuple[int, int], *, grain: tuple[float, float]) -> Floats:
    """Return smooth noise, float32 (H, W), deviation 1; `grain` in pixels (x, y)."""
    height, width = size
    coarse = (max(2, int(height / grain[1]) + 2), max(2, int(width / grain[0]) + 2))
    field = rng.standard_normal(coarse).astype(np.float32)
    grown = cv2.resize(field, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(grown / (float(grown.std()) + 1e-6), dtype=np.float32)


def sprite(colour: Floats, alpha: Image, origin: tuple[float, float]) -> Sprite:
    """Join colours (H, W, 3), 0 to 255, and alpha (H, W) to a sprite."""
    bgra = np.empty((*alpha.shape, 4), dtype=np.uint8)
    share = alpha.astype(np.float32) * np.float32(1 / 255)
    bgra[..., :3] = np.clip(colour, 0, 255) * share[..., None] + 0.5
    bgra[..., 3] = alpha
    return Sprite(bgra, origin)


def shrink(source: Sprite, factor: float) -> Sprite:
    """Return the sprite at `factor` of its size, averaged over area (no aliasing)."""
    if factor >= 1:
        return source
    height, width = source.bgra.shape[:2]
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    small = cv2.resize(source.bgra, size, interpolation=cv2.INTER_AREA)
    x, y = source.origin
    return Sprite(np.asarray(small, dtype=np.uint8), (x * size[0] / width, y * size[1] / height))


def paste(
    frame: Image,
    source: Sprite,
    matrix: npt.NDArray[np.float64],
    *,
    shadow: float = 0.0,
    drop: tuple[float, float] = (0.0, 0.0),
) -> None:
    """Put a sprite into a BGR frame, in place.

    Args:
        frame: (H, W, 3) uint8.
        source: what to put.
        matrix: (2, 3), maps the sprite's pixels, counted from its origin, to the frame's.
        shadow: how dark a shadow it casts on what is there, 0 to 1.
        drop: where the shadow falls, in pixels of the frame.
    """
    (a, b, c), (d, e, f) = matrix.tolist()
    height, width = source.bgra.shape[:2]
    x, y = source.origin
    left, top = c - a * x - b * y, f - d * x - e * y
    reach = 4 if shadow else 1
    x0 = max(math.floor(left + min(0, a * width) + min(0, b * height)) - reach, 0)
    y0 = max(math.floor(top + min(0, d * width) + min(0, e * height)) - reach, 0)
    x1 = math.ceil(left + max(0, a * width) + max(0, b * height) + max(drop[0], 0)) + reach
    y1 = math.ceil(top + max(0, d * width) + max(0, e * height) + max(drop[1], 0)) + reach
    x1, y1 = min(x1, frame.shape[1]), min(y1, frame.shape[0])
    if x0 >= x1 or y0 >= y1:
        return
    region = frame[y0:y1, x0:x1]
    placed = np.array(((a, b, left - x0), (d, e, top - y0)))
    warped = cv2.warpAffine(source.bgra, placed, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR)
    alpha = cv2.extractChannel(warped, 3)
    if shadow:
        _cast(region, alpha, shadow, drop)
    uncovered = cv2.cvtColor(cv2.bitwise_not(alpha), cv2.COLOR_GRAY2BGR)
    below = cv2.multiply(region, uncovered, scale=1 / 255)
    cv2.add(below, cv2.cvtColor(warped, cv2.COLOR_BGRA2BGR), dst=region)


def _cast(region: Image, alpha: Image, strength: float, drop: tuple[float, float]) -> None:
    """Darken `region` where the blurred and moved `alpha` falls."""
    right, down = round(drop[0]), round(drop[1])
    height, width = alpha.shape
    y0, y1, x0, x1 = max(down, 0), height + min(down, 0), max(right, 0), width + min(right, 0)
    if y0 >= y1 or x0 >= x1:
        return
    moved = alpha[y0 - down : y1 - down, x0 - right : x1 - right]
    soft = cv2.blur(cv2.convertScaleAbs(moved, alpha=strength), (7, 7))
    lit = cv2.cvtColor(cv2.bitwise_not(soft), cv2.COLOR_GRAY2BGR)
    part = region[y0:y1, x0:x1]
    cv2.multiply(part, lit, dst=part, scale=1 / 255)


def place(
    at: tuple[float, float], *, turn: float = 0.0, scale: tuple[float, float] = (1.0, 1.0)
) -> npt.NDArray[np.float64]:
    """Return the matrix for `paste`: scale along x and y, turn by radians (clockwise), move."""
    cos, sin = math.cos(turn), math.sin(turn)
    across, down = scale
    return np.array(((cos * across, -sin * down, at[0]), (sin * across, cos * down, at[1])))
