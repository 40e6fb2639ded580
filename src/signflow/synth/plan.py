"""Who signs what, when and where in the picture: everything that is fixed before drawing."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from signflow.annotations.clip import Box
from signflow.synth.pose import Camera
from signflow.synth.signer import random_source

LOOP_SECONDS = 2.4
"""How long the idle loop is, about: a breath."""

CROWN = 0.345
"""Metres from the middle between the shoulders up to the hair's top."""

_HEM = 0.70
"""Metres down to where the drawn body ends: it must lie below the picture."""

_ARMS = 0.37
"""Metres to each side that a box drawn around a signer holds, about."""

_REACH = 0.46
"""Metres to each side that hands come to."""


@dataclass(frozen=True, kw_only=True)
class Act:
    """One sign in a video, from rest to rest: frames `first` to `last`, exclusive."""

    first: int
    last: int
    label: int
    seed: int


@dataclass(frozen=True, kw_only=True)
class Take:
    """A stretch of a video with one signer: frames `first` to `last`, exclusive.

    Attributes:
        signer: the signer's key.
        framing: the signer in the picture: column and row of the middle between the shoulders,
            shares of width and height; share of the height that is one metre.
        acts: in order, not overlapping.
    """

    first: int
    last: int
    signer: str
    framing: tuple[float, float, float]
    acts: tuple[Act, ...]


@dataclass(frozen=True, kw_only=True)
class VideoPlan:
    """One source video.

    Attributes:
        name: the video's id, eleven characters.
        width: in pixels, even.
        height: in pixels, even.
        fps: frames a second.
        seed: for the background and the light.
        signer_seed: for what signers look like.
        left_handed_share: of the signers.
        takes: in order; each begins where the one before ends.
    """

    name: str
    width: int
    height: int
    fps: float
    seed: int
    signer_seed: int
    left_handed_share: float
    takes: tuple[Take, ...]

    @property
    def frames(self) -> int:
        """Length in frames."""
        return self.takes[-1].last

    @property
    def rate(self) -> Fraction:
        """Frames a second, exactly the decimal number that `fps` shows."""
        return Fraction(str(self.fps))

    @property
    def period(self) -> int:
        """Frames of the idle loop."""
        return max(8, round(LOOP_SECONDS * self.fps / 2) * 2)


@dataclass(frozen=True, kw_only=True)
class Request:
    """A sign that shall be seen in about these frames, by a signer, in a box of the picture."""

    first: int
    last: int
    label: int
    signer: str
    box: Box
    seed: int


def camera_of(framing: tuple[float, float, float], width: int, height: int) -> Camera:
    """Return the camera for a picture of that size."""
    return Camera(framing[0] * width, framing[1] * height, framing[2] * height)


def framing_of_box(box: Box, *, aspect: float) -> tuple[float, float, float]:
    """Return the framing that puts a signer into `box`; `aspect` is width by height."""
    y0, x0, y1, x1 = box
    by_height = (y1 - y0) / (CROWN + 0.55)
    by_width = (x1 - x0) * aspect / (2 * _ARMS)
    scale = float(np.sqrt(max(by_height, 0.05) * max(by_width, 0.05)))
    # The body has to reach the picture's lower edge, and the head has to stay inside.
    scale = min(max(scale, (1 - y0) / (CROWN + _HEM), 0.35), 1.9)
    row = min(y0 + CROWN * scale, 1 - 0.25 * scale)
    return (x0 + x1) / 2, row, scale


def box_of_framing(framing: tuple[float, float, float], *, aspect: float) -> Box:
    """Return the box that a signer fills when signing, cut at the picture's edges."""
    column, row, scale = framing
    reach = _REACH * scale / aspect
    return (
        max(0.0, row - CROWN * scale),
        max(0.0, column - reach),
        min(1.0, row + 0.6 * scale),
        min(1.0, column + reach),
    )


def takes_of(
    requests: Sequence[Request], *, frames: int, fps: float, aspect: float
) -> tuple[Take, ...]:
    """Lay requests out in time.

    Neighbours that overlap share what both want; where the same moment is asked for twice (two
    annotations of one clip), the first has it. A clip too short for a sign gets one that begins
    before and ends after it, as far as its neighbours leave room.
    """
    ordered = sorted(requests, key=lambda request: (request.first, request.last))
    chosen: list[Request] = []
    for request in ordered:
        if not chosen or _middle(request) - _middle(chosen[-1]) >= max(4, 0.3 * fps):
            chosen.append(request)
    acts, cuts = [], [0]
    for number, request in enumerate(chosen):
        following = chosen[number + 1] if number + 1 < len(chosen) else None
        end = (max(request.last, request.first) + following.first) // 2 if following else frames
        end = int(np.clip(end, cuts[-1] + 3, max(frames, cuts[-1] + 3)))
        acts.append(_act(request, cuts[-1], end, fps))
        cuts.append(end)
    cuts[-1] = frames
    return _group(chosen, acts, cuts, aspect)


def _act(request: Request, low: int, high: int, fps: float) -> Act:
    """Place one sign between frames `low` and `high`."""
    rng = random_source("act", request.seed)
    wanted = (request.last - request.first) * float(rng.uniform(0.9, 1.0))
    length = round(min(max(wanted, 0.8 * fps), 4.5 * fps))
    middle = _middle(request) + float(rng.normal(0, 0.03)) * length
    first = int(np.clip(round(middle - length / 2), low, max(high - 3, low)))
    last = int(np.clip(first + length, first + 3, max(high, first + 3)))
    return Act(first=first, last=last, label=request.label, seed=request.seed)


def _group(
    requests: Sequence[Request], acts: Sequence[Act], cuts: Sequence[int], aspect: float
) -> tuple[Take, ...]:
    takes, begin = [], 0
    for number, request in enumerate(requests):
        is_last = number + 1 == len(requests)
        if not is_last and requests[number + 1].signer == request.signer:
            continue
        takes.append(
            Take(
                first=cuts[begin],
                last=cuts[number + 1],
                signer=request.signer,
                framing=framing_of_box(requests[begin].box, aspect=aspect),
                acts=tuple(acts[begin : number + 1]),
            )
        )
        begin = number + 1
    return tuple(takes)


def _middle(request: Request) -> float:
    return (request.first + request.last) / 2
