"""What is behind the signer."""

from collections.abc import Callable

import cv2
import numpy as np

from signflow.synth.draw import Floats, Image, noise

_WALLS = (
    (205, 214, 222), (186, 190, 176), (170, 186, 204), (150, 160, 170), (196, 184, 168),
    (120, 128, 120), (150, 120, 92), (104, 84, 76), (176, 200, 190), (60, 58, 66), (88, 120, 78),
)  # fmt: skip


def backdrop(size: tuple[int, int], rng: np.random.Generator, *, light: float) -> Image:
    """Draw a background, (H, W, 3) uint8: a wall, a curtain, a bookshelf, a window, pictures.

    Args:
        size: height and width, pixels.
        rng: decides which and how.
        light: from where light falls, -1 (left) to 1 (right).
    """
    height, width = size
    kinds = (_plain, _plain, _curtain, _shelf, _window, _pictures, _screen)
    draw: Callable[[tuple[int, int], np.random.Generator], Floats] = kinds[
        int(rng.integers(len(kinds)))
    ]
    scene = draw(size, rng)
    # Cameras focus on the signer.
    scene = cv2.GaussianBlur(scene, (0, 0), max(height / 240 * rng.uniform(0.5, 1.6), 0.4))
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = x / width - 0.5, y / height - 0.5
    falloff = 1 + 0.3 * light * x - 0.12 * y - 0.45 * (x**2 + y**2)
    scene = scene * falloff[..., None] + noise(rng, size, grain=(1.6, 1.6))[..., None] * 1.8
    return np.asarray(np.clip(scene, 0, 255), dtype=np.uint8)


def _plain(size: tuple[int, int], rng: np.random.Generator) -> Floats:
    wall = np.array(_WALLS[int(rng.integers(len(_WALLS)))], np.float32) + rng.normal(0, 8, 3)
    plaster = noise(rng, size, grain=(size[1] / 5, size[0] / 4)) * 4
    rough = noise(rng, size, grain=(3, 3)) * 2.5
    return np.asarray(wall + (plaster + rough)[..., None], dtype=np.float32)


def _curtain(size: tuple[int, int], rng: np.random.Generator) -> Floats:
    base = np.array(_WALLS[int(rng.integers(len(_WALLS)))], np.float32)
    x = np.arange(size[1], dtype=np.float32) / size[0]
    y = np.linspace(0, 1, size[0], dtype=np.float32)[:, None]
    sway = 0.05 * np.sin(3 * y + rng.uniform(0, 6))
    folds = np.sin(2 * np.pi * (x + sway) * rng.uniform(4, 8) + 2 * np.sin(9 * x))
    folds = folds + 0.5 * np.sin(2 * np.pi * (x + sway) * 13 + 1)
    grain = noise(rng, size, grain=(2, 6)) * 0.03
    return np.asarray(base * (0.8 + 0.15 * folds + grain)[..., None], dtype=np.float32)


def _shelf(size: tuple[int, int], rng: np.random.Generator) -> Floats:
    height, width = size
    scene = np.empty((height, width, 3), np.float32)
    scene[:] = np.array((48, 62, 84)) * rng.uniform(0.5, 1.1)
    wood = np.array((70, 104, 150)) * rng.uniform(0.6, 1.2)
    step = int(height * rng.uniform(0.26, 0.36))
    board = max(3, height // 45)
    for floor in range(int(step * rng.uniform(0.5, 1)), height + step, step):
        x = 0
        while x < width:
            wide = int(height * rng.uniform(0.018, 0.06)) + 2
            tall = int(step * rng.uniform(0.55, 0.86))
            if rng.random() < 0.1:
                x += wide * 2
                continue
            colour = rng.uniform(25, 190, 3) * rng.uniform(0.5, 1)
            top, bottom = max(floor - tall, 0), max(min(floor, height), 0)
            spine = scene[top:bottom, x : x + wide]
            across = np.linspace(-1, 1, spine.shape[1], dtype=np.float32)[None, :, None]
            spine[:] = colour * (1 - 0.3 * across**2)
            scene[top + tall // 6 : top + tall // 5, x : x + wide] *= 1.4
            x += wide + 1
        scene[floor : floor + board] = wood
        scene[floor + board : floor + 2 * board] *= 0.6
    return scene


def _window(size: tuple[int, int], rng: np.random.Generator) -> Floats:
    height, width = size
    scene = _plain(size, rng) * 0.8
    left = width * rng.uniform(-0.1, 0.65)
    right = left + width * rng.uniform(0.35, 0.7)
    top, bottom = height * rng.uniform(-0.1, 0.15), height * rng.uniform(0.55, 0.8)
    x0, x1 = int(max(left, 0)), int(min(right, width))
    y0, y1 = int(max(top, 0)), int(bottom)
    sky = np.linspace(1, 0.75, y1 - y0, dtype=np.float32)[:, None, None]
    outside = np.broadcast_to(sky * np.array([242, 226, 206], np.float32), (y1 - y0, x1 - x0, 3))
    outside = outside.copy()
    for _ in range(14):
        centre = (int(rng.uniform(0, x1 - x0)), int((y1 - y0) * rng.uniform(0.45, 1.1)))
        green = (rng.uniform(50, 90), rng.uniform(95, 160), rng.uniform(70, 120))
        cv2.circle(outside, centre, int(height * rng.uniform(0.05, 0.16)), green, -1, cv2.LINE_AA)
    scene[y0:y1, x0:x1] = cv2.GaussianBlur(outside, (0, 0), height / 60)
    bar = max(2, height // 50)
    frame = (216, 220, 224)
    cv2.rectangle(scene, (x0, y0), (x1, y1), frame, bar * 2)
    cv2.line(scene, ((x0 + x1) // 2, y0), ((x0 + x1) // 2, y1), frame, bar)
    cv2.line(scene, (x0, (y0 + y1) // 2), (x1, (y0 + y1) // 2), frame, bar)
    return np.asarray(scene, dtype=np.float32)


def _pictures(size: tuple[int, int], rng: np.random.Generator) -> Floats:
    height, width = size
    scene = _plain(size, rng)
    for column in rng.permutation(4)[: int(rng.integers(1, 4))]:
        wide, tall = (int(height * rng.uniform(0.2, 0.34)) for _ in range(2))
        x = int(width * (0.02 + 0.25 * column) + rng.uniform(-0.03, 0.03) * width)
        y = int(height * rng.uniform(0.02, 0.3))
        cv2.rectangle(scene, (x + 3, y + 4), (x + wide + 3, y + tall + 4), (90, 95, 100), -1)
        cv2.rectangle(scene, (x, y), (x + wide, y + tall), rng.uniform(20, 80, 3).tolist(), -1)
        inner = scene[max(y + 6, 0) : y + tall - 6, max(x + 6, 0) : x + wide - 6]
        if inner.size:
            inner[:] = _painting((inner.shape[0], inner.shape[1]), rng)
    return scene


def _painting(size: tuple[int, int], rng: np.random.Generator) -> Floats:
    layers = [noise(rng, size, grain=(size[1] / 3, size[0] / 3)) * 22 for _ in range(3)]
    return np.asarray(rng.uniform(80, 190, 3) + np.stack(layers, axis=2), dtype=np.float32)


def _screen(size: tuple[int, int], rng: np.random.Generator) -> Floats:
    """Return the even studio backdrop of a teaching video: blue, green, grey or black."""
    tones = ((150, 96, 40), (90, 130, 60), (140, 140, 140), (40, 36, 34), (160, 130, 120))
    tone = np.array(tones[int(rng.integers(len(tones)))], np.float32) + rng.normal(0, 6, 3)
    y, x = np.mgrid[0 : size[0], 0 : size[1]].astype(np.float32)
    centre = rng.uniform(0.3, 0.7)
    glow = np.exp(-(((x / size[1] - centre) / 0.5) ** 2) - ((y / size[0] - 0.4) / 0.6) ** 2)
    return np.asarray(tone * (0.7 + 0.5 * glow)[..., None], dtype=np.float32)
