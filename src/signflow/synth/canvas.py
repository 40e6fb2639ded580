"""What heads are drawn on."""

import cv2
import numpy as np

from signflow.synth.cloth import light_up
from signflow.synth.draw import Colour, Floats, Image, Points, inflate, polygon, smooth

PIXELS = 190.0
"""Pixels of the canvas to the head's height, chin to crown."""

_WIDTH, _HEIGHT = 1.5, 2.0
_CENTRE = (0.75, 0.82)

Outline = list[tuple[float, float]]
"""Corners in shares of the head's height: x to the right, y down from the face's middle."""


class Canvas:
    """Colours (H, W, 3) float32, 0 to 255, and alpha (H, W) uint8, to add shapes to.

    Args:
        light: from where it falls, as in `inflate`.
    """

    def __init__(self, light: tuple[float, float]) -> None:
        self.size = (int(_HEIGHT * PIXELS), int(_WIDTH * PIXELS))
        self.light = light
        self.alpha = np.zeros(self.size, dtype=np.uint8)
        self.colour = np.zeros((*self.size, 3), dtype=np.float32)

    def mask(self) -> Image:
        """Return an empty mask of the canvas's size."""
        return np.zeros(self.size, dtype=np.uint8)

    def paint(
        self,
        outline: Outline,
        colour: Floats,
        *,
        radius: float,
        curved: bool = True,
    ) -> None:
        """Add a shaded shape, also where nothing was yet."""
        mask = self.mask()
        polygon(mask, pixels(outline, curved=curved))
        x0, y0, width, height = cv2.boundingRect(mask)
        x0, y0 = max(x0 - 6, 0), max(y0 - 6, 0)
        area = np.s_[y0 : y0 + height + 12, x0 : x0 + width + 12]
        around = cv2.GaussianBlur(mask[area], (0, 0), 5).astype(np.float32) / 255
        self.colour[area] *= 1 - 0.3 * around[..., None]
        lit = light_up(colour[area], inflate(mask[area], radius * PIXELS, self.light))
        share = mask[area].astype(np.float32)[..., None] / 255
        self.colour[area] += (lit - self.colour[area]) * share
        self.alpha[area] = np.maximum(self.alpha[area], mask[area])

    def fill(
        self,
        outline: Outline,
        colour: Colour | Floats,
        strength: float,
        *,
        within: Image | None = None,
    ) -> None:
        """Lay a flat shape over what is there; `strength` 0 to 1."""
        mask = self.mask()
        polygon(mask, pixels(outline))
        if within is not None:
            mask = cv2.min(mask, within)
        self.blend(mask, np.asarray(colour, dtype=np.float32), strength)

    def shadow(self, outline: Outline, strength: float, *, blur: float) -> None:
        """Darken softly; `strength` 0 to 1, `blur` in pixels."""
        area, soft = self._soft(outline, blur)
        self.colour[area] *= 1 - strength * soft * np.array([1.1, 1.05, 0.9], np.float32)

    def glow(self, outline: Outline, add: Colour, *, blur: float) -> None:
        """Add a colour softly; `blur` in pixels."""
        area, soft = self._soft(outline, blur)
        self.colour[area] += soft * np.asarray(add, dtype=np.float32)

    def _soft(self, outline: Outline, blur: float) -> tuple[tuple[slice, slice], Floats]:
        """Return a blurred shape, (h, w, 1) from 0 to 1, and where it lies; `blur` in pixels."""
        mask = self.mask()
        polygon(mask, pixels(outline))
        x, y, width, height = cv2.boundingRect(mask)
        margin = int(3 * blur) + 2
        x0, y0 = max(x - margin, 0), max(y - margin, 0)
        area = (slice(y0, y + height + margin), slice(x0, x + width + margin))
        soft = cv2.GaussianBlur(mask[area], (0, 0), blur).astype(np.float32) / 255
        return area, np.asarray(soft[..., None], dtype=np.float32)

    def blend(self, mask: Image, colour: Floats, strength: float) -> None:
        """Mix a colour in where `mask` is; `strength` 0 to 1."""
        x0, y0, width, height = cv2.boundingRect(mask)
        area = np.s_[y0 : y0 + height, x0 : x0 + width]
        value = colour[area] if colour.ndim == 3 else colour
        share = mask[area].astype(np.float32)[..., None] * np.float32(strength / 255)
        self.colour[area] += (value - self.colour[area]) * share


def oval(x: float, y: float, wide: float, tall: float) -> Outline:
    """Return an ellipse around (x, y)."""
    angles = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    return [(x + wide * float(np.cos(a)), y + tall * float(np.sin(a))) for a in angles]


def pixel(x: float, y: float) -> tuple[float, float]:
    """Return the pixel (column, row) of a place on the head."""
    return (x + _CENTRE[0]) * PIXELS, (y + _CENTRE[1]) * PIXELS


def pixels(outline: Outline, *, curved: bool = True) -> Points:
    """Return an outline in pixels, (N, 2), rounded to a curve or not."""
    points = smooth(outline) if curved else np.asarray(outline)
    return np.asarray((points + _CENTRE) * PIXELS)
