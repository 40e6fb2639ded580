"""The torso and the arms as sprites."""

from typing import Literal

import cv2
import numpy as np

from signflow.synth.cloth import cloth, light_up, skin
from signflow.synth.draw import Floats, Image, Points, Sprite, inflate, polygon, smooth, sprite
from signflow.synth.signer import Signer, random_source

PIXELS = 380.0
"""Pixels to a metre in the sprites of this module; they are shrunk for each video."""

_WIDTH, _HEIGHT = 0.62, 0.86
_NECK_TOP = 0.14
"""Metres from the sprite's upper edge to the line between the shoulders."""

_ORIGIN = np.array((_WIDTH / 2, _NECK_TOP))


def torso_sprite(signer: Signer, *, light: tuple[float, float]) -> Sprite:
    """Draw torso and neck; the origin is midway between the shoulder joints."""
    size = (int(_HEIGHT * PIXELS), int(_WIDTH * PIXELS))
    rng = random_source("torso", signer.texture_seed)
    trunk, neck, opening = _mask(size), _mask(size), _mask(size)
    polygon(trunk, _trunk(signer))
    polygon(neck, _neck(signer))
    polygon(opening, _opening(signer))
    colour = np.zeros((*size, 3), dtype=np.float32)
    flesh = light_up(skin(signer, size, pixels=PIXELS, rng=rng), _neck_shade(signer, neck, light))
    shade = inflate(trunk, 0.13 * PIXELS, light) * _folds(size, rng)
    garment = light_up(cloth(signer, size, pixels=PIXELS, rng=rng), shade)
    colour = _over(colour, flesh, cv2.max(neck, opening))
    colour = _over(colour, garment, cv2.subtract(trunk, opening))
    rim = cv2.morphologyEx(opening, cv2.MORPH_GRADIENT, np.ones((5, 5), np.uint8))
    rim = cv2.min(cv2.GaussianBlur(rim, (0, 0), 1.2), trunk)
    colour = _over(colour, garment * 0.72, np.asarray(rim, dtype=np.uint8))
    if signer.neckline == "collar":
        colour = _collar(signer, colour, garment)
    return sprite(colour, cv2.max(trunk, neck), (_WIDTH / 2 * PIXELS, _NECK_TOP * PIXELS))


def limb_sprites(
    signer: Signer, part: Literal["upper", "fore"], *, light: tuple[float, float]
) -> list[Sprite]:
    """Draw an arm's half at several lengths, shortest first, for when it points to the camera.

    The origin is the upper joint; the limb points down. Upper arm: shoulder to elbow; forearm:
    elbow to wrist.
    """
    length = signer.upper_arm if part == "upper" else signer.forearm
    return [_limb(signer, part, length * share, light) for share in LIMB_SHARES]


LIMB_SHARES = (0.2, 0.4, 0.6, 0.8, 1.0)
"""The lengths that `limb_sprites` draws, shares of the limb's full length."""


def _limb(
    signer: Signer, part: Literal["upper", "fore"], length: float, light: tuple[float, float]
) -> Sprite:
    rng = random_source("limb", signer.texture_seed, part)
    bulk = signer.arm_radius
    wide, narrow = (bulk, bulk * 0.8) if part == "upper" else (bulk * 0.82, bulk * 0.56)
    if part == "fore" and not signer.long_sleeves:
        wide, narrow = wide * 0.9, narrow * 0.95
    margin = wide * 1.35
    height = int((length + 2 * margin) * PIXELS)
    width = int(2 * margin * PIXELS)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / PIXELS
    y, x = y - margin, x - margin
    along = np.clip(y / max(length, 1e-3), 0, 1)
    # Muscles: the forearm is thickest a third down.
    swell = 1.0 + 0.1 * np.sin(np.pi * np.clip(along * 1.1, 0, 1))
    radius = (wide + (narrow - wide) * along) * swell
    beyond = np.where(y < 0, y, np.where(y > length, y - length, 0))
    across = np.sqrt(x**2 + beyond**2) / radius
    alpha = np.clip((1 - across) * radius * PIXELS + 0.5, 0, 1)
    bend = np.sqrt(np.clip(1 - across**2, 0, 1))
    side = np.clip(x / radius, -1, 1)
    shade = 0.5 + 0.46 * bend - 0.22 * light[0] * side
    if part == "upper":
        # The shoulder goes over into the torso, without an edge.
        joined = np.clip((y + 0.75 * wide) / (1.35 * wide), 0, 1)
        alpha = alpha * np.clip((y + 0.95 * wide) / (0.6 * wide), 0, 1)
        shade = 0.93 + (shade - 0.93) * joined
    size = (height, width)
    flesh = light_up(skin(signer, size, pixels=PIXELS, rng=rng), shade)
    wrinkles = 1.0 + 0.06 * np.sin(2 * np.pi * (y / 0.05 + 0.6 * side**2 + 0.3 * side)) * (
        np.exp(-(((along - (1.0 if part == "upper" else 0.0)) / 0.35) ** 2))
    )
    sleeve = light_up(cloth(signer, size, pixels=PIXELS, rng=rng), shade * wrinkles)
    cover = _sleeve_cover(signer, part, y, length, side)
    colour = flesh + (sleeve - flesh) * cover[..., None]
    return sprite(colour, np.asarray(alpha * 255, np.uint8), (margin * PIXELS, margin * PIXELS))


def _sleeve_cover(
    signer: Signer, part: Literal["upper", "fore"], y: Floats, length: float, side: Floats
) -> Floats:
    if signer.long_sleeves:
        hem = np.inf if part == "upper" else length - 0.004
    else:
        hem = 0.68 * length if part == "upper" else -np.inf
    curved = y + 0.012 * side**2
    return np.asarray(np.clip((hem - curved) * PIXELS / 2, 0, 1), dtype=np.float32)


def _trunk(signer: Signer) -> Points:
    s, waist, bulk = signer.shoulder, signer.shoulder * signer.torso, signer.arm_radius
    half = [
        (0.055, -0.045),
        (0.085, -0.035),
        (s * 0.72, -0.014),
        (s + bulk * 0.4, 0.01),
        (s + bulk - 0.006, 0.05),
        (s + 0.01, 0.16),
        (waist + 0.018, 0.33),
        (waist + 0.012, 0.48),
        (waist + 0.03, 0.72),
    ]
    return _at([*half, *((-x, y) for x, y in reversed(half))])


def _neck(signer: Signer) -> Points:
    w = 0.052 + 0.12 * (signer.arm_radius - 0.046)
    half = [(w * 0.92, -0.13), (w * 0.95, -0.07), (w * 1.2, -0.02), (w * 1.7, 0.03), (0.03, 0.1)]
    return _at([*half, *((-x, y) for x, y in reversed(half))])


def _opening(signer: Signer) -> Points:
    deep = {"crew": 0.012, "v": 0.085, "collar": 0.06}[signer.neckline]
    wide = 0.07 if signer.neckline == "crew" else 0.066
    half = [(wide, -0.05), (wide * 0.85, -0.02), (wide * 0.5, deep * 0.6), (0.008, deep)]
    return _at([(0.0, -0.06), *half, *((-x, y) for x, y in reversed(half))])


def _collar(signer: Signer, colour: Floats, garment: Floats) -> Floats:
    for side in (-1, 1):
        flap = _mask(colour.shape[:2])
        corners = [(0.062, -0.062), (0.082, -0.03), (0.062, 0.055), (0.014, 0.058), (0.045, -0.01)]
        points = np.array([(side * x, y) for x, y in corners])
        polygon(flap, (points + _ORIGIN) * PIXELS)
        dark = cv2.GaussianBlur(flap, (0, 0), 4)
        colour = colour * (1 - 0.3 * dark.astype(np.float32)[..., None] / 255)
        colour = _over(np.asarray(colour, np.float32), garment * 1.1 + 5, flap)
    return colour


def _neck_shade(signer: Signer, neck: Image, light: tuple[float, float]) -> Floats:
    shade = inflate(neck, 0.05 * PIXELS, light)
    y = np.arange(neck.shape[0], dtype=np.float32)[:, None] / PIXELS - _NECK_TOP
    # The chin's shadow.
    return np.asarray(shade * (1 - 0.34 * np.exp(-(((y + 0.1) / 0.06) ** 2))), dtype=np.float32)


def _folds(size: tuple[int, int], rng: np.random.Generator) -> Floats:
    """Return soft creases that run from the armpits, as factors around 1."""
    y, x = np.mgrid[0 : size[0], 0 : size[1]].astype(np.float32) / PIXELS
    x, y = x - _WIDTH / 2, y - _NECK_TOP
    total = np.ones(size, dtype=np.float32)
    for _ in range(7):
        side = rng.choice([-1.0, 1.0])
        slope = rng.uniform(0.2, 1.3)
        level = rng.uniform(0.1, 0.5)
        distance = y - level - slope * (0.17 - side * x) + rng.uniform(0.5, 3) * x**2
        reach = np.clip((side * x + 0.06) / 0.15, 0, 1)
        crease = np.exp(-((distance / 0.012) ** 2)) - np.exp(-(((distance - 0.018) / 0.014) ** 2))
        total -= np.float32(rng.uniform(0.03, 0.1)) * reach * crease
    return total


def _mask(size: tuple[int, ...]) -> Image:
    return np.zeros(size[:2], dtype=np.uint8)


def _at(points: list[tuple[float, float]]) -> Points:
    return np.asarray((smooth(points) + _ORIGIN) * PIXELS)


def _over(below: Floats, above: Floats, alpha: Image) -> Floats:
    share = alpha.astype(np.float32)[..., None] / 255
    return np.asarray(below + (above - below) * share, dtype=np.float32)
