"""When somebody signs and when they rest: motion, and a gate that it opens and closes."""

from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from signflow.video import Farneback

PICTURE_SIDE = 64
"""Pixels to which a picture is scaled down before its motion is measured."""

_FLOW = Farneback(levels=2, winsize=9, iterations=2)
_FASTEST = 0.05
"""Share of the picture that counts: hands are small."""

_FLOOR_SECONDS, _FLOOR_STEP, _FLOOR_QUANTILE = 20.0, 0.1, 0.1
_ASSUMED = 3
"""Steps of rest that are assumed before a stream: it may begin in the middle of a sign, and that
must not be taken for the rest. Whether it was one turns out in `MotionGate.is_sign`."""

_SMOOTHED = 3
"""Frames whose median speed counts: a single one (a flash, a cut) is no motion."""

_SETTLED_SECONDS = 3.0
"""After so long the resting motion is known, whatever was assumed."""


@dataclass(frozen=True, kw_only=True)
class GateOptions:
    """When a sign begins and when it has ended.

    Speeds are in sides of the picture per second, of its fastest twentieth: 1 crosses the picture
    in a second.

    Attributes:
        opens: how much faster than the resting motion a sign begins, as a factor, above 1.
        closes: likewise how fast it is still going on, at most `opens`.
        least_speed: speed below which nothing is a sign, however still the rest is.
        still_seconds: a sign has ended when it was slow for so long; a hold in a sign is shorter.
        pad_seconds: what is added before and after, at most half of `still_seconds`.
        shortest_seconds: what is shorter than this, without what is added, is no sign.
    """

    opens: float = 4.0
    closes: float = 2.0
    least_speed: float = 0.14
    still_seconds: float = 0.3
    pad_seconds: float = 0.0
    shortest_seconds: float = 0.3

    def __post_init__(self) -> None:
        """Check every value.

        Raises:
            ValueError: naming the value and what is allowed.
        """
        if not 1 <= self.closes <= self.opens < float("inf"):
            raise ValueError(
                f"closes is {self.closes} and opens {self.opens}; must be 1 <= closes <= opens"
            )
        for name in ("least_speed", "still_seconds", "pad_seconds", "shortest_seconds"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ValueError(f"{name} is {getattr(self, name)}; must be 0 or more")
        if self.pad_seconds > self.still_seconds / 2:  # else signs would overlap
            raise ValueError(
                f"pad_seconds is {self.pad_seconds}; must be at most half of still_seconds,"
                f" {self.still_seconds}"
            )


class MotionMeter:
    """Measures how fast something moves, from frame to frame: one small flow each."""

    def __init__(self) -> None:
        self._before: tuple[float, NDArray[np.uint8]] | None = None

    def speed(self, picture: NDArray[np.uint8], time: float) -> float:
        """The speed since the picture before, in sides of the picture per second; at first 0.

        Args:
            picture: uint8 (H, W, 3), RGB.
            time: when it is shown, in seconds, later than the one before.
        """
        grey: NDArray[np.uint8] = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        side = max(grey.shape)
        if side > PICTURE_SIDE:
            height, width = (max(8, round(n * PICTURE_SIDE / side)) for n in grey.shape)
            grey = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA)
        before, self._before = self._before, (time, grey)
        if before is None:
            return 0.0
        flow = _FLOW.between(before[1], grey)
        speeds = np.hypot(flow[..., 0], flow[..., 1]).ravel()
        count = max(1, round(len(speeds) * _FASTEST))
        fastest = np.partition(speeds, len(speeds) - count)[-count:]
        return float(fastest.mean() / max(grey.shape) / (time - before[0]))


class MotionGate:
    """Opens where motion rises out of the resting motion, closes where it is down for a while.

    The resting motion (breath, noise, flicker) is what nine tenths of the last twenty seconds
    exceed, so the gate adapts to each camera and each signer. Two levels (hysteresis) keep it from
    chattering.

    Attributes:
        speed: the motion now, smoothed.
        floor: the resting motion.
        start: when the sign that is going on began; None where the gate is closed.
        still_since: when it came to rest, if it has; None: it moves.
    """

    def __init__(self, options: GateOptions) -> None:
        self._options = options
        self._recent: deque[tuple[float, float]] = deque(maxlen=round(_FLOOR_SECONDS / _FLOOR_STEP))
        self._last: deque[float] = deque(maxlen=_SMOOTHED)
        self._time: float | None = None
        self._began = 0.0
        self._rising: float | None = None
        self._moved, self._moving_frames = 0.0, 0
        self.speed = 0.0
        self.floor = 0.0
        self.start: float | None = None
        self.still_since: float | None = None

    def push(self, speed: float, time: float) -> None:
        """Take the speed between the frame before and the one at `time`."""
        before, self._time = self._time, time
        if before is None:
            self._began = time
            return
        self._last.append(speed)
        self.speed = float(np.median(self._last))
        self._learn_floor(time)
        is_fast = self.speed >= self._level(self._options.opens)
        is_moving = self.speed >= self._level(self._options.closes)
        if not is_moving:
            self._rising = None
        elif self._rising is None:
            self._rising = before
        if self.start is None:
            if is_fast:
                self.start = self._rising
        elif is_moving:
            self.still_since = None
            self._moved, self._moving_frames = self._moved + self.speed, self._moving_frames + 1
        elif self.still_since is None:
            self.still_since = time

    @property
    def has_ended(self) -> bool:
        """Whether a sign has come to rest for good; then `close` the gate."""
        return (
            self.still_since is not None
            and self._time is not None
            and self._time - self.still_since >= self._options.still_seconds
        )

    @property
    def is_sign(self) -> bool:
        """Whether what goes on still stands out of the resting motion, as far as that is known now.

        In the first seconds of a stream the noise of a poor camera is not known to be noise.
        """
        mean = self._moved / max(1, self._moving_frames)
        return mean >= self._level(self._options.closes)

    @property
    def is_settled(self) -> bool:
        """Whether the resting motion is known."""
        return self._time is not None and self._time - self._began >= _SETTLED_SECONDS

    def close(self) -> None:
        """Wait for the next sign."""
        self.start = self.still_since = self._rising = None
        self._moved, self._moving_frames = 0.0, 0

    def _level(self, factor: float) -> float:
        least = self._options.least_speed * factor / self._options.opens
        return max(least, factor * self.floor)

    def _learn_floor(self, time: float) -> None:
        if not self._recent:
            rest = self._options.least_speed / self._options.opens
            self._recent += [(time - _FLOOR_STEP, rest)] * _ASSUMED
        elif time - self._recent[-1][0] < _FLOOR_STEP:
            return
        self._recent.append((time, self.speed))
        while time - self._recent[0][0] > _FLOOR_SECONDS:
            self._recent.popleft()
        self.floor = float(np.quantile([speed for _, speed in self._recent], _FLOOR_QUANTILE))
