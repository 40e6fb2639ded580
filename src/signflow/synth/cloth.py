"""Cloth and skin: what a surface looks like before light falls on it."""

import cv2
import numpy as np

from signflow.synth.draw import Floats, noise
from signflow.synth.signer import Signer


def cloth(
    signer: Signer, size: tuple[int, int], *, pixels: float, rng: np.random.Generator
) -> Floats:
    """Return the signer's cloth, (H, W, 3) float32, 0 to 255; `pixels` to a metre."""
    height, width = size
    main = np.asarray(signer.cloth, dtype=np.float32)
    second = np.asarray(signer.cloth_second, dtype=np.float32)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / pixels
    share = _pattern(signer, x, y)
    colour = main + (second - main) * share[..., None]
    weave = noise(rng, size, grain=(2.5, 2.5))
    if signer.pattern == "knit":
        weave = weave + 1.2 * np.sin(2 * np.pi * x / 0.012) * np.sin(2 * np.pi * y / 0.016)
    folds = noise(rng, size, grain=(pixels * 0.05, pixels * 0.09))
    factor = 1.0 + 0.045 * weave + 0.05 * folds
    return np.asarray(colour * factor[..., None], dtype=np.float32)


def skin(
    signer: Signer, size: tuple[int, int], *, pixels: float, rng: np.random.Generator
) -> Floats:
    """Return the signer's skin, (H, W, 3) float32, 0 to 255; `pixels` to a metre."""
    mottle = noise(rng, size, grain=(pixels * 0.02, pixels * 0.02))
    fine = noise(rng, size, grain=(2.0, 2.0))
    factor = 1.0 + 0.025 * mottle + 0.015 * fine
    return np.asarray(
        np.asarray(signer.skin, dtype=np.float32) * factor[..., None], dtype=np.float32
    )


def light_up(colour: Floats, shade: Floats) -> Floats:
    """Return `colour` (H, W, 3) in that light (H, W); shadows turn warm, as they do on skin."""
    warm = np.stack([shade**1.25, shade**1.1, shade], axis=2)
    return np.asarray(colour * warm, dtype=np.float32)


def _pattern(signer: Signer, x: Floats, y: Floats) -> Floats:
    """Return how much of the second colour is where, 0 to 1."""
    step = 0.035 + 0.03 * (signer.texture_seed % 97) / 97
    if signer.pattern == "stripes":
        share = np.sin(2 * np.pi * y / step) > 0.2
    elif signer.pattern == "checks":
        share = 0.35 * (np.sin(2 * np.pi * y / step) > 0) + 0.35 * (
            np.sin(2 * np.pi * x / step) > 0
        )
    elif signer.pattern == "dots":
        row = np.floor(y / step)
        across = (x / step + 0.5 * (row % 2)) % 1 - 0.5
        down = (y / step) % 1 - 0.5
        share = across**2 + down**2 < 0.05
    else:
        return np.zeros_like(x)
    return np.asarray(cv2.GaussianBlur(np.float32(share), (0, 0), 0.8), dtype=np.float32)
