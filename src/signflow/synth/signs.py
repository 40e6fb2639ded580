"""The signs: what hands do, and how one performance of it goes.

The ten signs come in three groups. Within a group, hand shape, orientation and place are the same,
and every motion has the middle of the place as its own middle: up or down, out or in, towards or
away, or there and back. So the same poses are seen in each, and the frame in the middle of a clip
tells (at best) the group. What tells the signs apart is where the hand moves, and when.
"""

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from signflow.errors import UserError
from signflow.synth.hand import HandShape
from signflow.synth.pose import Vector
from signflow.synth.signer import Signer, random_source

GLOSSES = (
    "hello", "nice", "teacher", "eat", "no", "happy", "like", "orange", "want", "deaf"
)  # fmt: skip
"""The first ten classes of MS-ASL; the position is the label."""

Axis = Literal["across", "down", "near"]
Course = Literal["there", "back", "there-and-back", "back-and-there", "circle", "counter-circle"]


@dataclass(frozen=True)
class Place:
    """Where a sign is made and how the hand is held there.

    Attributes:
        centre: metres from the middle between the shoulders; x counts outwards on the side of the
            signing hand, y down, z to the camera.
        reach: half the length of a movement, metres.
        angle: where the fingers point in the picture, radians; 0 is outwards, pi/2 is up.
        yaw: which side of the hand is seen, as in `HandShape`.
    """

    centre: tuple[float, float, float]
    reach: float
    angle: float
    yaw: float


@dataclass(frozen=True)
class Sign:
    """A sign: place, hand shape and movement.

    Attributes:
        place: where.
        shape: how the fingers are held.
        axis: along which the hand moves (the plane of a circle holds it).
        course: how it moves along it.
        both_hands: the other hand mirrors.
        strokes: how often.
    """

    place: Place
    shape: HandShape
    axis: Axis
    course: Course
    both_hands: bool = False
    strokes: int = 1


_FLAT = HandShape(curl=(0.04, 0.0, 0.03, 0.06), spread=0.08, thumb=0.5)
_FIVE = HandShape(curl=(0.06, 0.03, 0.05, 0.08), spread=0.2, thumb=0.9)
_CLAW = HandShape(curl=(0.42, 0.4, 0.43, 0.48), spread=0.17, thumb=0.8, thumb_curl=0.5)
_ROUND = HandShape(curl=(0.33, 0.33, 0.34, 0.36), spread=0.03, thumb=0.7, thumb_curl=0.7)
_FIST = HandShape(curl=(1, 1, 1, 1), spread=0.0, thumb=-0.5, thumb_curl=0.6)
_INDEX = HandShape(curl=(0.02, 0.95, 1, 1), spread=0.05, thumb=-0.4, thumb_curl=0.6)
RELAXED = HandShape(
    curl=(0.24, 0.3, 0.35, 0.42), spread=0.05, thumb=0.35, thumb_curl=0.3, yaw=2.5, pitch=0.0
)
"""The hand between signs."""

_BESIDE_HEAD = Place((0.27, -0.14, 0.2), 0.14, 1.75, 0.15)
_CHEST = Place((0.05, 0.17, 0.27), 0.14, 2.5, math.pi - 0.35)
_BOTH_CHEST = Place((0.165, 0.15, 0.22), 0.14, 1.95, 0.9)

_SIGNS = {
    "hello": Sign(_BESIDE_HEAD, _FIVE, "across", "there"),
    "deaf": Sign(_BESIDE_HEAD, _FIVE, "across", "back"),
    "no": Sign(_BESIDE_HEAD, _FIVE, "across", "there-and-back"),
    "orange": Sign(_CHEST, _ROUND, "down", "there"),
    "happy": Sign(_CHEST, _ROUND, "down", "back"),
    "eat": Sign(_CHEST, _ROUND, "down", "back-and-there"),
    "teacher": Sign(_BOTH_CHEST, _CLAW, "near", "there", both_hands=True),
    "want": Sign(_BOTH_CHEST, _CLAW, "near", "back", both_hands=True),
    "nice": Sign(_BOTH_CHEST, _CLAW, "across", "there", both_hands=True),
    "like": Sign(_BOTH_CHEST, _CLAW, "across", "back", both_hands=True),
}
_PLACES = (
    Place((0.27, -0.14, 0.2), 0.14, 1.75, 0.15),
    Place((0.12, -0.02, 0.24), 0.11, 2.0, 0.5),
    Place((0.05, 0.17, 0.27), 0.13, 2.5, math.pi - 0.35),
    Place((0.18, 0.14, 0.24), 0.14, 1.95, 0.9),
    Place((0.22, 0.26, 0.24), 0.12, 1.7, 1.2),
)
_SHAPES = (_FLAT, _FIVE, _CLAW, _ROUND, _FIST, _INDEX)
_MOVEMENTS: tuple[tuple[Axis, Course], ...] = tuple(
    (axis, course)
    for axis in ("across", "down", "near")
    for course in ("there", "back", "there-and-back", "back-and-there", "circle", "counter-circle")
)
_COMBINATIONS = len(_PLACES) * len(_SHAPES) * len(_MOVEMENTS) * 2
MAX_CLASSES = len(GLOSSES) + _COMBINATIONS
"""How many classes there are signs for."""


def sign_of(label: int) -> Sign:
    """Return the sign of a class.

    Labels 0 to 9 are the ten signs of `GLOSSES`; those above are combinations of place, hand
    shape, movement and one or two hands, each another, always the same for a label.

    Raises:
        UserError: the label is negative or not below `MAX_CLASSES`.
    """
    if 0 <= label < len(GLOSSES):
        return _SIGNS[GLOSSES[label]]
    if not 0 <= label < MAX_CLASSES:
        raise UserError(
            f"label {label}: there are rendered signs for labels 0 to {MAX_CLASSES - 1} only;"
            f" choose at most {MAX_CLASSES} classes"
        )
    # The step has no common divisor with the count: neighbours differ, and none comes twice.
    rest = (label - len(GLOSSES)) * 617 % _COMBINATIONS
    rest, hands = divmod(rest, 2)
    rest, place = divmod(rest, len(_PLACES))
    movement, shape = divmod(rest, len(_SHAPES))
    axis, course = _MOVEMENTS[movement]
    return Sign(_PLACES[place], _SHAPES[shape], axis, course, both_hands=hands == 1)


@dataclass(frozen=True)
class HandState:
    """Where a hand is at one moment.

    Attributes:
        wrist: where it shall be; x counts outwards on the hand's own side.
        shape: how it is held.
        engaged: 0 at rest, 1 when signing.
        angle: where the fingers point when engaged, as in `Place`.
    """

    wrist: Vector
    shape: HandShape
    engaged: float
    angle: float


class Performance:
    """One signer making one sign once, with what varies each time.

    Args:
        sign: what is signed.
        signer: by whom.
        seconds: from rest to rest.
        seed: for what varies.
    """

    def __init__(self, sign: Sign, signer: Signer, *, seconds: float, seed: int) -> None:
        rng = random_source("performance", seed)
        self._sign, self.both_hands = sign, sign.both_hands
        self._signer = signer
        size = signer.shoulder / 0.178
        shift = np.asarray(signer.lift) + rng.normal(0, 0.018, 3)
        self._centre = np.asarray(sign.place.centre) * size + shift
        self._reach = sign.place.reach * signer.amplitude * float(rng.normal(1, 0.07))
        self._angle = sign.place.angle + float(rng.normal(0, 0.1))
        spread = sign.shape.spread * signer.spread
        self._shape = replace(sign.shape, spread=round(spread, 2), yaw=sign.place.yaw)
        raised = float(np.clip(0.20 + rng.normal(0, 0.015), 0.15, 0.26))
        lowered = 1 - float(np.clip(0.20 + rng.normal(0, 0.015), 0.15, 0.26))
        hold = min(0.09 / seconds, 0.06)
        self._times = (raised, raised + hold, lowered - hold, lowered)

    def at(self, moment: float) -> HandState:
        """Return the signing hand at `moment`, 0 (start) to 1 (end); at both it rests."""
        raised, begin, end, lowered = self._times
        stroke = self._centre + self._offset(min(max((moment - begin) / (end - begin), 0), 1))
        if moment < raised:
            share = ease(moment / raised)
        elif moment > lowered:
            share = ease((1 - moment) / (1 - lowered))
        else:
            share = 1.0
        rest = rest_wrist(self._signer)
        wrist = rest + (stroke - rest) * share
        wrist[2] += 0.05 * math.sin(math.pi * share)
        # Eight steps are enough to look smooth, and few enough for their pictures to be kept.
        shape = RELAXED.towards(self._shape, round(ease(min(1.0, share * 1.15)) * 8) / 8)
        return HandState(wrist, shape, share, self._angle)

    def _offset(self, progress: float) -> Vector:
        main, aside = _course(self._sign.course, progress)
        axis: Axis = self._sign.axis
        across, down, near = 0.0, 0.0, 0.0
        if axis == "across":
            across, down = main, aside
        elif axis == "down":
            across, down = aside, main
        else:
            # Going to the camera, a hand also sinks a little.
            near, down, across = main * 1.1, 0.35 * main, aside
        return np.array([across, down, near]) * self._reach


def rest_wrist(signer: Signer) -> Vector:
    """Return where a signer's hands rest; x counts outwards."""
    size = signer.shoulder / 0.178
    return {
        "clasped": np.array([0.075, 0.41, 0.14]) * size,
        "lap": np.array([0.13, 0.46, 0.16]) * size,
        "dropped": np.array([0.225, 0.51, 0.03]) * size,
    }[signer.rest]


def ease(share: float) -> float:
    """Return the way covered of a minimum-jerk movement (Flash and Hogan 1985), 0 to 1."""
    t = min(max(share, 0.0), 1.0)
    return t * t * t * (10 - 15 * t + 6 * t * t)


def _course(course: Course, progress: float) -> tuple[float, float]:
    """Return the way along the axis and beside it, -1 to 1, at `progress` 0 to 1."""
    eased = ease(progress)
    if course == "there":
        return 2 * eased - 1, 0.0
    if course == "back":
        return 1 - 2 * eased, 0.0
    # Once around in an eased time: starts and ends still, and is in the middle at half time.
    turn = 2 * math.pi * (0.35 * eased + 0.65 * progress)
    if course == "there-and-back":
        return math.sin(turn), 0.0
    if course == "back-and-there":
        return -math.sin(turn), 0.0
    side = 1.0 if course == "circle" else -1.0
    return 0.7 * math.sin(turn) * side, 0.7 * math.cos(turn)
