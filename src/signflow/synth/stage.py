"""A signer before a camera: draws any moment of a video."""

import math
from dataclasses import dataclass

import numpy as np

from signflow.synth import body, canvas, face, hand
from signflow.synth.draw import Image, Sprite, paste, place, shrink, sprite
from signflow.synth.hand import HandShape, hand_sprite
from signflow.synth.pose import Camera, Vector, elbow
from signflow.synth.scenery import backdrop
from signflow.synth.signer import Signer, random_source
from signflow.synth.signs import RELAXED, HandState, Performance, rest_wrist

_NECK = 0.062
"""Metres from the chin down to the line between the shoulders."""

_STILL = 3
"""Frames for which the body stands still."""


@dataclass(frozen=True)
class _Arm:
    shoulder: Vector
    elbow: Vector
    wrist: Vector
    state: HandState
    side: float


class Stage:
    """One signer in one picture.

    Between signs the signer breathes, sways and blinks in a loop of `period` frames that is its
    own mirror image in time: frame 0 and frame `period` are the same.

    Args:
        signer: who.
        camera: where in the picture.
        size: height and width, pixels.
        period: frames of the loop.
        seed: for the background and the light.
    """

    def __init__(
        self, signer: Signer, camera: Camera, size: tuple[int, int], *, period: int, seed: int
    ) -> None:
        rng = random_source("stage", seed)
        side = float(rng.choice([-1, 1]) * rng.uniform(0.2, 0.6))
        self._signer, self._camera, self._period = signer, camera, period
        self._light = (side, -0.35)
        tint = np.asarray(rng.normal(1, 0.025, 3) * rng.uniform(0.86, 1.06), dtype=np.float32)
        self._tint = tint
        wall = backdrop(size, random_source("wall", seed), light=side)
        self._wall = np.asarray(np.clip(wall * tint, 0, 255), dtype=np.uint8)
        self._main_side = 1.0 if signer.left_handed else -1.0
        self._build()
        self._kept: dict[tuple[int, bool], Image] = {}
        self._hands: dict[HandShape, Sprite] = {}

    def idle(self, phase: int) -> Image:
        """Return the frame (H, W, 3) BGR at `phase` of the loop, hands at rest."""
        phase = self._settle(phase)
        frame = self._base(phase, both=False).copy()
        self._draw_arm(frame, self._arm(self._rest_state(), self._main_side, phase), moving=True)
        return frame

    def signing(self, phase: int, performance: Performance, moment: float) -> Image:
        """Return the frame at `moment` (0 to 1) of a performance, the body at `phase`."""
        state, phase = performance.at(moment), self._settle(phase)
        frame = self._base(phase, both=performance.both_hands).copy()
        mouth = min(max(math.sin(math.pi * moment) * 1.6 - 0.5, 0.0), 1.0)
        if mouth > 0.05 and self._signer.texture_seed % 3:
            self._move_mouth(frame, phase, mouth)
        if performance.both_hands:
            self._draw_arm(frame, self._arm(state, -self._main_side, phase), moving=True)
        self._draw_arm(frame, self._arm(state, self._main_side, phase), moving=True)
        return frame

    def _build(self) -> None:
        signer, pixels = self._signer, self._camera.pixels

        def lit(source: Sprite, factor: float) -> Sprite:
            small = shrink(source, factor)
            colours = small.bgra.astype(np.float32)
            colours[..., :3] *= self._tint
            return Sprite(np.asarray(np.clip(colours, 0, 255), dtype=np.uint8), small.origin)

        self._torso = lit(body.torso_sprite(signer, light=self._light), pixels / body.PIXELS)
        head = face.Head(signer, light=self._light)
        factor = pixels * signer.head / canvas.PIXELS
        back = head.back()
        self._back = lit(back, factor) if back else None
        self._heads = {opened: lit(head.draw(eyes=opened), factor) for opened in (1.0, 0.0)}
        self._mouths = [lit(head.draw(mouth=opened), factor) for opened in (0.4, 1.0)]
        factor = pixels * 1.25 / body.PIXELS
        self._upper = [
            lit(s, factor) for s in body.limb_sprites(signer, "upper", light=self._light)
        ]
        self._fore = [lit(s, factor) for s in body.limb_sprites(signer, "fore", light=self._light)]

    def _settle(self, phase: int) -> int:
        """Return the phase that is drawn for `phase`.

        The second half of the loop is the first one backwards. The body moves at every third frame
        only, by a fraction of a pixel: the others cost (almost) no bytes, in hours of waiting.
        """
        phase %= self._period
        return min(phase, self._period - phase) // _STILL * _STILL

    def _base(self, phase: int, *, both: bool) -> Image:
        """Return everything that does not depend on the signing hands, drawn once a phase."""
        key = (phase, both)
        if key not in self._kept:
            frame = self._wall.copy()
            x, y, lean = self._sway(phase)
            if self._back is not None:
                paste(frame, self._back, self._head_at(phase))
            paste(frame, self._torso, self._at(x, y, 1.0, self._torso_scale, lean * 0.4))
            paste(
                frame, self._heads[self._eyes(phase)], self._head_at(phase), shadow=0.35,
                drop=(0.0, 0.02 * self._camera.pixels),
            )  # fmt: skip
            if not both:
                arm = self._arm(self._rest_state(), -self._main_side, phase)
                self._draw_arm(frame, arm, moving=False)
            self._kept[key] = frame
        return self._kept[key]

    @property
    def _torso_scale(self) -> float:
        return self._camera.pixels / body.PIXELS / min(1.0, self._camera.pixels / body.PIXELS)

    def _at(
        self, x: float, y: float, stretch: float, scale: float, turn: float
    ) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        at = (self._camera.x + x, self._camera.y + y)
        return place(at, turn=turn, scale=(scale, scale * stretch))

    def _head_at(self, phase: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        x, y, lean = self._sway(phase)
        wanted = self._camera.pixels * self._signer.head / canvas.PIXELS
        scale = wanted / min(1.0, wanted)
        nod = 0.25 * y - _NECK * self._camera.pixels
        return self._at(x * 1.7, y + nod, 1.0, scale, lean)

    def _move_mouth(self, frame: Image, phase: int, opened: float) -> None:
        """Put the lower middle of a head with an open mouth over the one that is there."""
        chosen = self._mouths[int(opened > 0.7)]
        x, y = chosen.origin
        unit = chosen.bgra.shape[0] / 2.0
        x0, x1 = round(x - 0.13 * unit), round(x + 0.13 * unit)
        y0, y1 = round(y - 0.29 * unit), round(y - 0.1 * unit)
        patch = Sprite(np.ascontiguousarray(chosen.bgra[y0:y1, x0:x1]), (x - x0, y - y0))
        paste(frame, patch, self._head_at(phase))

    def _sway(self, phase: int) -> tuple[float, float, float]:
        """Return shift right and down in pixels, and lean in radians."""
        angle = 2 * math.pi * phase / self._period
        size = self._signer.sway * self._camera.pixels
        breath = 0.0035 * self._camera.pixels * (1 - math.cos(angle)) / 2
        return size * math.cos(angle), breath, 0.012 * math.cos(angle) * self._main_side

    def _eyes(self, phase: int) -> float:
        return 0.0 if phase > self._period // 2 - _STILL else 1.0

    def _rest_state(self) -> HandState:
        return HandState(rest_wrist(self._signer), RELAXED, 0.0, 0.0)

    def _arm(self, state: HandState, side: float, phase: int) -> _Arm:
        x, y, _ = self._sway(phase)
        shift = np.array([x, y, 0.0]) / self._camera.pixels
        signer = self._signer
        shoulder = np.array([side * (signer.shoulder - 0.004), 0.048, 0.0]) + shift
        wrist = state.wrist * (side, 1, 1) + shift
        bent, wrist = elbow(shoulder, wrist, (signer.upper_arm, signer.forearm))
        return _Arm(shoulder, bent, wrist, state, side)

    def _draw_arm(self, frame: Image, arm: _Arm, *, moving: bool) -> None:
        self._draw_limb(frame, self._upper, arm.shoulder, arm.elbow, self._signer.upper_arm, 0.15)
        self._draw_limb(frame, self._fore, arm.elbow, arm.wrist, self._signer.forearm, 0.3)
        self._draw_hand(frame, arm)

    def _draw_limb(
        self, frame: Image, sprites: list[Sprite], start: Vector, end: Vector, length: float,
        shadow: float,
    ) -> None:  # fmt: skip
        x0, y0, scale0 = self._camera.project(start)
        x1, y1, scale1 = self._camera.project(end)
        pixels = (scale0 + scale1) / 2
        seen = math.hypot(x1 - x0, y1 - y0) / pixels / length
        number = min(range(len(sprites)), key=lambda n: abs(seen - body.LIMB_SHARES[n]))
        drawn = min(self._camera.pixels * 1.25, body.PIXELS)
        wide = pixels / drawn
        stretch = wide * max(seen, 0.05) / body.LIMB_SHARES[number]
        turn = math.atan2(y1 - y0, x1 - x0) - math.pi / 2
        away = 0.012 * self._camera.pixels
        paste(
            frame, sprites[number], place((x0, y0), turn=turn, scale=(wide, stretch)),
            shadow=shadow, drop=(-self._light[0] * away, away),
        )  # fmt: skip

    def _draw_hand(self, frame: Image, arm: _Arm) -> None:
        x, y, pixels = self._camera.project(arm.wrist)
        ex, ey, _ = self._camera.project(arm.elbow)
        along = math.atan2(y - ey, x - ex)
        target = -arm.state.angle if arm.side > 0 else math.pi + arm.state.angle
        bend = (target - along + math.pi) % (2 * math.pi) - math.pi
        turn = along + min(max(bend, -1.0), 1.0) * arm.state.engaged
        size = pixels * self._signer.hand / self._hand_unit
        # A right hand that shows its palm has its thumb on the picture's left.
        mirror = arm.side
        away = 0.018 * self._camera.pixels
        paste(
            frame, self._hand(arm.state.shape),
            place((x, y), turn=turn + math.pi / 2, scale=(mirror * size, size)),
            shadow=0.3, drop=(-self._light[0] * away, away),
        )  # fmt: skip

    @property
    def _hand_factor(self) -> float:
        return min(1.0, 1.3 * self._camera.pixels * self._signer.hand / hand.UNIT)

    @property
    def _hand_unit(self) -> float:
        return hand.UNIT * self._hand_factor

    def _hand(self, shape: HandShape) -> Sprite:
        if shape not in self._hands:
            shade, alpha = hand_sprite(shape)
            warm = np.stack([shade**1.25, shade**1.1, shade], axis=2)
            colour = warm * np.asarray(self._signer.skin, np.float32) * self._tint
            full = sprite(np.asarray(colour, np.float32), alpha, hand.WRIST)
            self._hands[shape] = shrink(full, self._hand_factor)
        return self._hands[shape]
