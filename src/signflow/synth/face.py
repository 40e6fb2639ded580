"""Heads: face, ears, hair, glasses, with eyes and mouth that move."""

import cv2
import numpy as np

from signflow.synth.canvas import PIXELS, Canvas, Outline, oval, pixel, pixels
from signflow.synth.cloth import skin
from signflow.synth.draw import Colour, Floats, Sprite, noise, polygon, sprite
from signflow.synth.signer import Signer, random_source

_LONG_HAIR = {"long": 0.95, "bob": 0.38, "curly": 0.12, "scarf": 0.75}


class Head:
    """One signer's head; `draw` gives it with eyes and mouth as wanted.

    Heads are drawn in shares of their height: x to the right, y down from the middle of the face,
    the chin at y = 0.5.
    """

    def __init__(self, signer: Signer, *, light: tuple[float, float]) -> None:
        self._signer = signer
        self._canvas = Canvas(light)
        self._rng = random_source("head", signer.texture_seed)
        self._hair = self._hair_colour()
        self._behind = self._canvas
        if signer.hair_style in ("long", "bob"):
            # Hair falls behind the neck: it is a sprite of its own, put in before the torso.
            self._behind = Canvas(light)
        self._back_hair()
        self._flesh()
        self._features()

    def draw(self, *, eyes: float = 1.0, mouth: float = 0.0) -> Sprite:
        """Draw the head; the origin is the chin.

        Args:
            eyes: 0 (closed) to 1 (open).
            mouth: 0 (closed) to 1 (open).
        """
        canvas = self._canvas
        kept = canvas.colour.copy(), canvas.alpha.copy()
        self._mouth(mouth)
        for side in (-1, 1):
            self._eye(side, eyes)
        if self._signer.glasses:
            self._glasses()
        self._front_hair()
        made = sprite(canvas.colour, canvas.alpha, pixel(0.0, 0.5))
        canvas.colour, canvas.alpha = kept
        return made

    def back(self) -> Sprite | None:
        """Draw the hair that falls behind neck and shoulders, where there is any."""
        if self._behind is self._canvas:
            return None
        return sprite(self._behind.colour, self._behind.alpha, pixel(0.0, 0.5))

    def _back_hair(self) -> None:
        fall = _LONG_HAIR.get(self._signer.hair_style)
        if fall is None:
            return
        w = self._signer.head_width / 2
        top = [(0.0, -0.56), (w * 0.75, -0.47), (w * 1.18, -0.2)]
        low = [(w * 1.28, 0.15), (w * 1.32, min(fall, 0.5)), (w * 1.15, fall + 0.02)]
        half = [*top, *low]
        outline = [*half, (0.0, fall), *((-x, y) for x, y in reversed(half[1:]))]
        self._behind.paint(outline, self._hair * 0.72, radius=0.2)

    def _flesh(self) -> None:
        signer, w = self._signer, self._signer.head_width / 2
        tone = skin(signer, self._canvas.size, pixels=PIXELS / 0.23, rng=self._rng)
        for side in (-1, 1):
            ear = [(w * 0.95, -0.06), (w * 1.13, -0.09), (w * 1.15, 0.03), (w * 1.0, 0.13)]
            self._canvas.paint([(side * x, y) for x, y in ear], tone * 0.92, radius=0.05)
            inner = [(w * 1.02, -0.03), (w * 1.09, -0.05), (w * 1.09, 0.02), (w * 1.01, 0.07)]
            self._canvas.shadow([(side * x, y) for x, y in inner], 0.25, blur=2.2)
        chin = 0.16 + 0.1 * signer.jaw
        half = [
            (0.0, -0.5),
            (w * 0.62, -0.45),
            (w * 0.95, -0.25),
            (w * 1.0, 0.0),
            (w * 0.93, 0.2),
            (w * (0.62 + 0.14 * signer.jaw), 0.37),
            (w * chin * 1.9, 0.475),
        ]
        outline = [*half, (0.0, 0.5), *((-x, y) for x, y in reversed(half[1:]))]
        self._canvas.paint(outline, tone, radius=0.26)
        if signer.beard:
            self._beard(outline)

    def _features(self) -> None:
        signer, w = self._signer, self._signer.head_width / 2
        for side in (-1, 1):
            socket = [(side * x, y) for x, y in oval(w * 0.45, -0.03, 0.105, 0.062)]
            self._canvas.shadow(socket, 0.24, blur=6.5)
            self._canvas.glow(oval(side * w * 0.55, 0.15, 0.07, 0.05), (-6, -2, 12), blur=9)
            thick = 0.014 + 0.018 * signer.brow
            brow = [
                (side * w * 0.16, -0.124),
                (side * w * 0.45, -0.15 - thick * 0.3),
                (side * w * 0.78, -0.112),
                (side * w * 0.74, -0.101),
                (side * w * 0.45, -0.15 + thick),
                (side * w * 0.18, -0.121 + thick),
            ]
            self._canvas.fill(brow, self._brow_colour(), 0.85)
        dark = 1.0 if self._canvas.light[0] >= 0 else -1.0
        self._canvas.shadow(
            [(-dark * 0.012, -0.1), (-dark * 0.062, 0.13), (-dark * 0.01, 0.15)], 0.26, blur=4.5
        )
        self._canvas.glow([(0.0, -0.08), (0.022, 0.1), (-0.022, 0.1)], (22, 24, 26), blur=4.5)
        self._canvas.shadow(oval(0, 0.158, 0.062, 0.016), 0.38, blur=2.6)
        for side in (-1, 1):
            self._canvas.shadow(oval(side * 0.03, 0.152, 0.014, 0.008), 0.5, blur=1.1)
        self._canvas.shadow(oval(0, 0.375, 0.09, 0.018), 0.17, blur=3.6)

    def _mouth(self, opened: float) -> None:
        skin_tone = np.asarray(self._signer.skin, dtype=np.float32)
        lips = skin_tone * (0.72, 0.66, 0.86)
        wide, gap = 0.088 - 0.012 * opened, 0.032 * opened
        if opened > 0.05:
            self._canvas.fill(oval(0, 0.27 + gap * 0.6, wide * 0.9, 0.012 + gap), (28, 24, 52), 1.0)
            self._canvas.fill(
                oval(0, 0.262, wide * 0.62, 0.01), (215, 225, 230), 0.8 * min(1, 2 * opened)
            )
        upper = [
            (-wide, 0.268),
            (-0.035, 0.245),
            (0, 0.251),
            (0.035, 0.245),
            (wide, 0.268),
            (0, 0.266),
        ]
        lower = [(-wide, 0.27), (0, 0.272), (wide, 0.27), (0.05, 0.302), (0, 0.31), (-0.05, 0.302)]
        self._canvas.fill([(x, y - gap * 0.2) for x, y in upper], lips * 0.86, 0.85)
        self._canvas.fill([(x, y + gap * 1.5) for x, y in lower], lips, 0.8)
        if opened <= 0.05:
            line = [(-wide, 0.266), (0, 0.264), (wide, 0.266), (0, 0.275)]
            self._canvas.fill(line, lips * 0.45, 0.9)

    def _eye(self, side: int, opened: float) -> None:
        x, y = side * self._signer.head_width * 0.225, -0.025
        lid = np.asarray(self._signer.skin, dtype=np.float32)
        if opened > 0.15:
            tall = 0.029 * opened
            self._canvas.fill(oval(x, y, 0.064, tall), (226, 228, 230), 0.95)
            white = self._canvas.mask()
            polygon(white, pixels(oval(x, y, 0.064, tall)))
            self._canvas.fill(
                oval(x, y - 0.002, 0.031, 0.034), self._signer.iris, 1.0, within=white
            )
            self._canvas.fill(oval(x, y - 0.002, 0.015, 0.016), (18, 16, 16), 1.0, within=white)
            self._canvas.fill(oval(x - 0.01, y - 0.013, 0.007, 0.007), (250, 250, 250), 0.9)
            upper = [
                (x - 0.068, y + 0.004),
                (x, y - tall - 0.012),
                (x + 0.068, y + 0.004),
                (x, y - tall),
            ]
            self._canvas.fill(upper, (30, 28, 36), 0.9)
            self._canvas.shadow(oval(x, y + tall + 0.006, 0.055, 0.006), 0.15, blur=1.5)
        else:
            self._canvas.fill(oval(x, y, 0.066, 0.034), lid * 0.88, 0.9)
            lash = [(x - 0.066, y + 0.008), (x, y + 0.03), (x + 0.066, y + 0.008), (x, y + 0.018)]
            self._canvas.fill(lash, (30, 28, 36), 0.9)

    def _glasses(self) -> None:
        for side in (-1, 1):
            x = side * self._signer.head_width * 0.235
            rim = self._canvas.mask()
            centre = np.round(np.array(pixel(x, -0.015)) * 16).astype(int)
            axes = (int(0.105 * PIXELS * 16), int(0.088 * PIXELS * 16))
            ring = (int(centre[0]), int(centre[1]))
            cv2.ellipse(rim, ring, axes, 0, 0, 360, 255, 4, cv2.LINE_AA, 4)
            self._canvas.blend(rim, np.array([34.0, 30.0, 32.0]), 0.9)
            arm = [
                (x + side * 0.1, -0.035),
                (x + side * 0.17, -0.045),
                (x + side * 0.17, -0.03),
                (x + side * 0.1, -0.02),
            ]
            self._canvas.fill(arm, (34, 30, 32), 0.9)
        self._canvas.fill(
            [(-0.065, -0.04), (0, -0.055), (0.065, -0.04), (0, -0.04)], (34, 30, 32), 0.9
        )

    def _front_hair(self) -> None:
        style, w = self._signer.hair_style, self._signer.head_width / 2
        colour = self._hair
        if style == "bald":
            return
        if style == "curly":
            self._curls(w, colour)
            return
        if style == "bun":
            self._canvas.paint(oval(0, -0.6, 0.17, 0.14), colour * 0.9, radius=0.12)
        if style == "scarf":
            self._scarf(w, colour)
            return
        self._canvas.paint(_fringe(style, w), colour, radius=0.13)

    def _scarf(self, w: float, colour: Floats) -> None:
        outer = [
            (0.0, -0.58),
            (w * 0.8, -0.5),
            (w * 1.24, -0.15),
            (w * 1.2, 0.25),
            (w * 0.95, 0.55),
        ]
        inner = [
            (w * 0.5, 0.52),
            (w * 0.86, 0.24),
            (w * 0.92, -0.08),
            (w * 0.7, -0.32),
            (0.0, -0.38),
        ]
        half = [*outer, *inner]
        ring = [*half, *((-x, y) for x, y in reversed(half[1:-1]))]
        self._canvas.paint(ring, colour, radius=0.1, curved=False)
        self._canvas.paint(
            [(w, 0.36), (w * 1.15, 0.6), (0, 0.82), (-w * 1.15, 0.6), (-w, 0.36), (0, 0.55)],
            colour,
            radius=0.12,
        )

    def _curls(self, w: float, colour: Floats) -> None:
        rng = random_source("curls", self._signer.texture_seed)
        for angle in np.linspace(-2.75, -0.39, 15):
            for ring, size in ((1.2, 0.1), (0.98, 0.095)):
                x = w * ring * 1.06 * np.cos(angle) + rng.normal(0, 0.012)
                y = -0.08 + 0.5 * ring * np.sin(angle) * 0.88 + rng.normal(0, 0.012)
                if abs(x) < w * 0.75 and y > -0.36:
                    continue
                shade = float(rng.uniform(0.85, 1.1))
                self._canvas.paint(oval(x, y, size, size * 0.95), colour * shade, radius=0.06)

    def _beard(self, outline: Outline) -> None:
        face, hair = self._canvas.mask(), self._canvas.mask()
        polygon(face, pixels(outline))
        w = self._signer.head_width / 2
        ring = [
            (w, 0.02),
            (w * 0.8, 0.19),
            (0.11, 0.225),
            (0, 0.2),
            (-0.11, 0.225),
            (-w * 0.8, 0.19),
        ]
        around = [(-w, 0.02), (-w * 1.1, 0.4), (0, 0.62), (w * 1.1, 0.4)]
        polygon(hair, pixels([*ring, *around]))
        soft = cv2.min(cv2.GaussianBlur(hair, (0, 0), 6), face)
        self._canvas.blend(np.asarray(soft, np.uint8), self._hair * 0.8, 0.72)

    def _hair_colour(self) -> Floats:
        base = (
            self._signer.cloth_second if self._signer.hair_style == "scarf" else self._signer.hair
        )
        return np.asarray(
            np.asarray(base, dtype=np.float32) * self._strands()[..., None], dtype=np.float32
        )

    def _brow_colour(self) -> Colour:
        b, g, r = np.asarray(self._signer.hair) * 0.55 + np.asarray(self._signer.skin) * 0.12
        return float(b), float(g), float(r)

    def _strands(self) -> Floats:
        grain = (30.0, 30.0) if self._signer.hair_style == "scarf" else (2.5, 26.0)
        field = noise(self._rng, self._canvas.size, grain=grain)
        return np.asarray(1.0 + 0.11 * field, dtype=np.float32)


def _fringe(style: str, w: float) -> Outline:
    """Return the outline of the hair above the face."""
    if style == "short":
        inner = [(w * 0.94, -0.12), (w * 0.84, -0.27), (w * 0.4, -0.35), (-w * 0.4, -0.35)]
        inner += [(-w * 0.84, -0.27), (-w * 0.94, -0.12)]
    elif style == "side":
        inner = [(w * 0.95, -0.1), (w * 0.86, -0.22), (w * 0.3, -0.3), (-w * 0.35, -0.4)]
        inner += [(-w * 0.82, -0.28), (-w * 0.95, -0.1)]
    elif style == "bob":
        inner = [(w * 0.98, 0.2), (w * 0.9, -0.1), (w * 0.8, -0.2), (w * 0.3, -0.19)]
        inner += [(-w * 0.3, -0.19), (-w * 0.8, -0.2), (-w * 0.9, -0.1), (-w * 0.98, 0.2)]
    elif style == "long":
        inner = [(w * 1.0, 0.3), (w * 0.9, -0.1), (w * 0.55, -0.3), (0.02, -0.42)]
        inner += [(-w * 0.55, -0.3), (-w * 0.9, -0.1), (-w * 1.0, 0.3)]
    else:
        inner = [
            (w * 0.96, -0.08),
            (w * 0.8, -0.3),
            (0.0, -0.38),
            (-w * 0.8, -0.3),
            (-w * 0.96, -0.08),
        ]
    outer = [(-w * 1.1, -0.1), (-w * 1.04, -0.32), (-w * 0.65, -0.51), (0.0, -0.565)]
    outer += [(w * 0.65, -0.51), (w * 1.04, -0.32), (w * 1.1, -0.1)]
    if style in ("bob", "long"):
        low = 0.36 if style == "bob" else 0.7
        outer = [(-w * 1.16, low), (-w * 1.2, 0.1), *outer[1:-1], (w * 1.2, 0.1), (w * 1.16, low)]
    return [*inner, *outer]
