"""Hands: a skeleton of five fingers, seen from a side, drawn once and kept."""

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from signflow.synth.draw import Floats, Image, Points, inflate, polygon

CANVAS = 176
UNIT = 118.0
"""Pixels of the canvas from the wrist to the middle finger's tip when it is straight."""

WRIST = (CANVAS / 2, CANVAS - 34.0)
"""The wrist on the canvas; fingers point up."""

_SUPERSAMPLE = 2
# Where each finger (index to little) leaves the palm, and how long and thick it is. Lengths are
# shares of the hand's; x points to the thumb, y to the fingertips, z out of the palm.
_KNUCKLES = ((0.165, 0.49), (0.055, 0.515), (-0.055, 0.50), (-0.155, 0.45))
_LENGTHS = (0.43, 0.475, 0.44, 0.35)
_RADII = (0.064, 0.066, 0.063, 0.055)
_PHALANGES = (0.46, 0.30, 0.24)
_FLEX = (1.35, 1.75, 1.1)
_FAN = (1.0, 0.3, -0.45, -1.2)


@dataclass(frozen=True, kw_only=True)
class HandShape:
    """How a hand is held and from where it is seen.

    Attributes:
        curl: of the index, middle, ring and little finger, 0 (straight) to 1 (fist).
        spread: angle between neighbouring fingers, in radians.
        thumb: angle of the thumb from the fingers' direction, in radians; negative lies across
            the palm.
        thumb_curl: 0 (straight) to 1.
        yaw: turn about the forearm's axis: 0 shows the palm, pi the back.
        pitch: tilt of the fingers towards the camera, in radians.
    """

    curl: tuple[float, float, float, float]
    spread: float
    thumb: float
    thumb_curl: float = 0.1
    yaw: float = 0.0
    pitch: float = 0.0

    def towards(self, other: "HandShape", share: float) -> "HandShape":
        """Return the shape that lies `share` of the way (0 to 1) to `other`."""

        def mix(a: float, b: float) -> float:
            return a + (b - a) * share

        first, second, third, fourth = map(mix, self.curl, other.curl)
        return HandShape(
            curl=(first, second, third, fourth),
            spread=mix(self.spread, other.spread),
            thumb=mix(self.thumb, other.thumb),
            thumb_curl=mix(self.thumb_curl, other.thumb_curl),
            yaw=mix(self.yaw, other.yaw),
            pitch=mix(self.pitch, other.pitch),
        )


@dataclass(frozen=True)
class _Part:
    outline: Points
    depth: float
    radius: float


@lru_cache(maxsize=512)
def hand_sprite(shape: HandShape) -> tuple[Floats, Image]:
    """Draw a hand.

    Returns:
        shade, float32 (CANVAS, CANVAS), about 0.4 to 1.2, to be multiplied by the skin's colour;
        alpha, uint8 of the same size.
    """
    size = CANVAS * _SUPERSAMPLE
    shade: Floats = np.full((size, size), 0.8, dtype=np.float32)
    alpha = np.zeros((size, size), dtype=np.uint8)
    for part in sorted(_parts(shape), key=lambda part: part.depth):
        _draw(part, shade, alpha)
    half = (CANVAS, CANVAS)
    _fade_wrist(alpha)
    # Outside the hand the shade goes on, or its edge would turn dark when the sprite is scaled.
    outside = cv2.GaussianBlur(shade, (0, 0), 6)
    extended = np.where(alpha > 8, shade, outside)
    return (
        np.asarray(cv2.resize(extended, half, interpolation=cv2.INTER_AREA), dtype=np.float32),
        np.asarray(cv2.resize(alpha, half, interpolation=cv2.INTER_AREA), dtype=np.uint8),
    )


def _fade_wrist(alpha: Image) -> None:
    """Let the hand's lower end vanish softly: the forearm below it has the same skin."""
    row = np.arange(alpha.shape[0], dtype=np.float32)[:, None] / _SUPERSAMPLE
    share = np.clip((WRIST[1] + 0.02 * UNIT - row) / (0.11 * UNIT), 0, 1)
    alpha[:] = (alpha * share).astype(np.uint8)


def _draw(part: _Part, shade: Floats, alpha: Image) -> None:
    size = shade.shape[0]
    margin = 10
    x0, y0 = np.clip(np.floor(part.outline.min(axis=0)).astype(int) - margin, 0, size - 1)
    x1, y1 = np.clip(np.ceil(part.outline.max(axis=0)).astype(int) + margin, 1, size)
    mask = np.zeros((y1 - y0, x1 - x0), dtype=np.uint8)
    polygon(mask, part.outline - (x0, y0))
    region = shade[y0:y1, x0:x1]
    below = alpha[y0:y1, x0:x1]
    # A finger darkens what lies right behind it: without this, fingers melt into each other.
    contact = cv2.GaussianBlur(mask, (0, 0), 4.0).astype(np.float32) / 255
    region *= 1.0 - 0.2 * contact
    lit = inflate(mask, part.radius, (-0.25, -0.45))
    cover = mask.astype(np.float32) / 255
    region[:] = region * (1 - cover) + lit * cover
    np.maximum(below, mask, out=below)


def _parts(shape: HandShape) -> list[_Part]:
    view = _view(shape)
    parts = [*_palm(view), *_thumb(shape, view)]
    for finger in range(4):
        parts += _finger(shape, finger, view)
    return parts


def _view(shape: HandShape) -> Points:
    """Return the rotation from the hand's axes to the picture's: right, up, to the camera."""
    cos, sin = math.cos(shape.yaw), math.sin(shape.yaw)
    about_y = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
    cos, sin = math.cos(shape.pitch), math.sin(shape.pitch)
    about_x = np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])
    return np.asarray(about_x @ about_y)


def _finger(shape: HandShape, finger: int, view: Points) -> list[_Part]:
    fan = shape.spread * _FAN[finger] * 1.5
    ahead = np.array([math.sin(fan), math.cos(fan), 0.0])
    joint = np.array([*_KNUCKLES[finger], 0.0])
    angle, parts = 0.04, []
    for number, (share, flex) in enumerate(zip(_PHALANGES, _FLEX, strict=True)):
        angle += shape.curl[finger] * flex
        length = _LENGTHS[finger] * share
        direction = ahead * math.cos(angle) + np.array([0, 0, math.sin(angle)])
        tip = joint + direction * length
        taper = 1.0 - 0.1 * number
        parts.append(
            _capsule(view, joint, tip, _RADII[finger] * taper, _RADII[finger] * (taper - 0.07))
        )
        joint = tip
    return parts


def _thumb(shape: HandShape, view: Points) -> list[_Part]:
    joint = np.array([0.12, 0.10, 0.03])
    across = math.sin(shape.thumb)
    ahead = np.array([across, math.cos(shape.thumb), 0.25 + 0.25 * (across < 0.3)])
    ahead /= np.linalg.norm(ahead)
    parts = []
    for length, radius, bend in ((0.20, 0.10, 0.0), (0.19, 0.068, 0.7), (0.145, 0.058, 0.8)):
        angle = bend * shape.thumb_curl
        turned = math.cos(angle) * ahead + math.sin(angle) * np.array([-0.75, 0.1, 0.65])
        ahead = turned / np.linalg.norm(turned)
        tip = joint + ahead * length
        parts.append(_capsule(view, joint, tip, radius, radius * 0.86))
        joint = tip
    return parts


def _palm(view: Points) -> list[_Part]:
    corners = np.array(
        [[0.085, 0.0, 0], [-0.085, 0.0, 0], [0.15, 0.44, 0], [-0.145, 0.40, 0], [0.02, 0.47, 0]]
    )
    radii = (0.072, 0.072, 0.072, 0.066, 0.07)
    rings = [_ring(view @ corner, radius) for corner, radius in zip(corners, radii, strict=True)]
    hull = cv2.convexHull(np.concatenate(rings).astype(np.float32))[:, 0]
    depth = float((view @ np.array([0, 0.25, -0.02]))[2])
    return [_Part(np.asarray(hull, dtype=np.float64), depth, _pixels(0.12))]


def _capsule(view: Points, start: Points, end: Points, wide: float, narrow: float) -> _Part:
    a, b = view @ start, view @ end
    hull = cv2.convexHull(np.concatenate([_ring(a, wide), _ring(b, narrow)]).astype(np.float32))
    depth = float(max(a[2], b[2]) + 0.5 * (a[2] + b[2])) / 2
    return _Part(np.asarray(hull[:, 0], dtype=np.float64), depth, _pixels(wide))


def _ring(centre: Points, radius: float) -> Points:
    angles = np.linspace(0, 2 * math.pi, 20, endpoint=False)
    x = WRIST[0] + UNIT * (centre[0] + radius * np.cos(angles))
    y = WRIST[1] - UNIT * (centre[1] + radius * np.sin(angles))
    return np.stack([x, y], axis=1) * _SUPERSAMPLE


def _pixels(length: float) -> float:
    return length * UNIT * _SUPERSAMPLE
