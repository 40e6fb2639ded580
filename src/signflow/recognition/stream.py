"""Signs in a stream of frames: a frame goes in, and what was recognised comes out.

The same code serves files and live video. Memory is constant, and so is the work: a frame costs
one flow of a small picture, and at most one flow as the recipe has it. Only where provisional
answers are asked for, the frame that brings one costs all flows of the sign at once.
"""

from collections import deque
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from signflow.annotations import Box
from signflow.recognition.gate import GateOptions, MotionGate, MotionMeter
from signflow.recognition.look import Look, look_at
from signflow.recognition.recognizer import Recognizer
from signflow.recognition.windows import Spotted, WindowMerger
from signflow.video import View

SIGN_SECONDS = 1.5
"""How long a sign is taken to be where the run does not say."""

PROVISIONAL_AFTER = 0.0
"""Seconds of rest before a provisional answer, where somebody waits for it (`docs/results.md`)."""

_USUAL_SHARE, _USUAL_OF = 0.6, 9
"""Motion has lasted for such a share of the last so many signs' median length before there is a
provisional answer: holds within a sign come earlier, and would be answered in vain."""

_LEAD_SECONDS = 1.0
"""What is kept while nothing happens: a sign begins before the gate notices."""


@dataclass(frozen=True, kw_only=True)
class SpotOptions:
    """How signs are found in a stream.

    Attributes:
        gate: when a sign begins and when it has ended.
        sign_seconds: how long a sign takes, about; None: as the run's validation clips do.
        longest: signing without rest for longer than so many signs is looked at through windows, as
            long as one sign and overlapping by three quarters.
        top: how many predictions a spotted sign has.
    """

    gate: GateOptions = field(default_factory=GateOptions)
    sign_seconds: float | None = None
    longest: float = 2.0
    top: int = 5

    def __post_init__(self) -> None:
        """Check every value.

        Raises:
            ValueError: naming the value and what is allowed.
        """
        if self.sign_seconds is not None and not 0 < self.sign_seconds <= 60:
            raise ValueError(f"sign_seconds is {self.sign_seconds}; must be above 0, up to 60")
        if not 1 <= self.longest <= 10:
            raise ValueError(f"longest is {self.longest}; must be 1 to 10 signs")
        if self.top < 1:
            raise ValueError(f"top is {self.top}; must be 1 or more")


class Spotter:
    """Finds and recognises signs, a frame at a time.

    A sign lies between two rests (`MotionGate`) and is recognised as `Recognizer.predict` would
    recognise that stretch of the video. Its flow is computed one pair a frame, from the moment it
    seems to have ended, so that no frame takes long and the answer is there soon after.

    That a rest is one is known only after `still_seconds`. Who cannot wait so long asks for
    provisional answers: as soon as motion is down, `provisional` says what the sign is if this is
    its end, unless it is far shorter than those before. That is confirmed (`push` returns the same
    sign) or withdrawn (motion goes on). What `push` returns is the same with and without.

    Attributes:
        options: how.
        window_seconds: how long a sign is taken to be.

    Example:
        >>> spotter = Spotter(Recognizer.load(Path("runs/mine")))
        >>> for time, frame in webcam:
        ...     for sign in spotter.push(frame, time):
        ...         print(sign.start, sign.stop, sign.gloss or "not sure")
        ...     if spotter.provisional:  # only with Spotter(..., provisional_after=0.0)
        ...         print(spotter.provisional.gloss, "...")
    """

    def __init__(
        self,
        recognizer: Recognizer,
        *,
        options: SpotOptions | None = None,
        box: Box | None = None,
        provisional_after: float | None = None,
    ) -> None:
        """Begin a stream.

        Args:
            recognizer: who recognises.
            options: None: the defaults.
            box: where the signer is, for recipes that crop.
            provisional_after: seconds of rest, less than `still_seconds`, after which there is a
                provisional answer; with padding, after `pad_seconds` at the earliest. None: never.

        Raises:
            ValueError: provisional_after is out of range.
        """
        self.options = options or SpotOptions()
        still = self.options.gate.still_seconds
        if provisional_after is not None and not 0 <= provisional_after < still:
            raise ValueError(
                f"provisional_after is {provisional_after}; must be 0 or more, and less than"
                f" still_seconds, {still}"
            )
        self._provisional_after = provisional_after
        self._recognizer = recognizer
        recipe = recognizer.recipe
        self._view = View(
            (recipe.image_size, recipe.image_size),
            box if recipe.crop == "box" else None,
            recipe.crop_margin,
            recipe.fit,
        )
        self.window_seconds = (
            self.options.sign_seconds or recognizer.calibration.clip_seconds or SIGN_SECONDS
        )
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._gate, self._meter = MotionGate(self.options.gate), MotionMeter()
        self._merger = WindowMerger()
        self._ring: deque[tuple[float, NDArray[np.uint8]]] = deque()
        self._looks: deque[Look] = deque()
        self._guess: Look | None = None
        self._known: list[Spotted] = []
        self._lengths: deque[float] = deque(maxlen=_USUAL_OF)
        self._next_window: float | None = None

    @property
    def signing(self) -> bool:
        """Whether a sign is going on."""
        return self._gate.start is not None

    @property
    def speed(self) -> float:
        """How fast something moves, in sides of the picture per second."""
        return self._gate.speed

    @property
    def provisional(self) -> Spotted | None:
        """The sign that seems to have just ended, as it will be if it has; None: there is none.

        It stays until `push` returns it or motion goes on.
        """
        waiting = (look.spotted for look in (*self._looks, self._guess) if look is not None)
        return next((sign for sign in waiting if sign is not None), None)

    def push(self, frame: NDArray[np.uint8], time: float) -> list[Spotted]:
        """Take the next frame; say which signs are known now that were not before.

        Args:
            frame: uint8 (H, W, 3), RGB, any size.
            time: when it is shown, in seconds from 0 on, later than the one before.

        Returns:
            Signs in the order of their ends, usually none.

        Raises:
            ValueError: the frame has another shape or type, or its time does not ascend.
        """
        if frame.ndim != 3 or frame.shape[-1] != 3 or frame.dtype != np.uint8 or not frame.size:
            raise ValueError(
                f"the frame is {frame.dtype} {frame.shape}, but must be uint8 (H, W, 3)"
            )
        return self.push_picture(self._view.apply(frame), time)

    def push_picture(self, picture: NDArray[np.uint8], time: float) -> list[Spotted]:
        """Take the next frame where it is already as the recipe has it; see `push`."""
        if not 0 <= time < float("inf") or (self._ring and time <= self._ring[-1][0]):
            before = f" and above {self._ring[-1][0]}" if self._ring else ""
            raise ValueError(f"the frame's time is {time}; must be 0 or more{before}")
        self._gate.push(self._meter.speed(picture, time), time)
        self._ring.append((time, picture))
        if self.signing:
            self._follow(time)
        self._answer_early(time)
        self._work()
        self._forget(time)
        return self._take_known()

    def flush(self) -> list[Spotted]:
        """End the stream; say what is still known of it. Then it may begin anew, at any time."""
        if self.signing and self._ring:
            after = self._ring[-1][0] + self._frame_seconds()
            self._end(self._gate.still_since or after, limit=after)
        while self._looks:
            self._work()
        found = self._take_known()
        self._begin_anew()
        return found

    def _follow(self, time: float) -> None:
        """See whether the sign that is going on has ended, or is too long to be one."""
        gate, pad = self._gate, self.options.gate.pad_seconds
        begin = self._first()
        lasted = (gate.still_since or time) - begin
        if self._next_window is None and lasted > self.options.longest * self.window_seconds:
            self._next_window, self._guess = begin, None
        if gate.has_ended:
            self._end(gate.still_since or time, limit=time)
        elif self._next_window is not None:
            # A window is left out where the one before is not done: the work of a frame is bounded.
            if not self._looks and time >= self._next_window + self.window_seconds:
                if gate.is_sign and gate.is_settled:
                    stop = self._next_window + self.window_seconds
                    self._look(self._next_window, stop, whole=False)
                self._next_window = max(
                    self._next_window + self.window_seconds / 4,
                    time - self.window_seconds,
                )
        elif gate.still_since is None:
            self._guess = None
        elif self._guess is None and time >= gate.still_since + pad:
            self._guess = self._make(begin, gate.still_since + pad, whole=True)

    def _first(self) -> float:
        """When the sign that is going on begins, with what is added before it."""
        assert self._gate.start is not None
        return max(self._ring[0][0], self._gate.start - self.options.gate.pad_seconds)

    def _end(self, still: float, *, limit: float) -> None:
        """Close the gate on a sign that came to rest at `still`, seen up to `limit`."""
        begin, stop = self._first(), min(still + self.options.gate.pad_seconds, limit)
        is_sign = self._is_sign(still)
        if self._next_window is not None:
            if is_sign:
                self._look(max(self._ring[0][0], stop - self.window_seconds), stop, whole=False)
            self._end_windows()
        elif is_sign:
            self._lengths.append(self._lasted(still))
            guess = self._guess or self._make(begin, stop, whole=True)
            if guess is not None:
                self._looks.append(guess)
        self._gate.close()
        self._guess = self._next_window = None

    def _is_sign(self, still: float) -> bool:
        """Whether what came to rest at `still` is a sign, as far as that is known now."""
        return self._gate.is_sign and self._lasted(still) >= self.options.gate.shortest_seconds

    def _lasted(self, still: float) -> float:
        return still - (self._gate.start or 0.0)

    def _answer_early(self, time: float) -> None:
        """Recognise the sign that seems to have ended, from the frames that are there."""
        guess, still = self._guess, self._gate.still_since
        if guess is None or still is None or self._provisional_after is None:
            return
        usual = float(np.median(self._lengths)) if self._lengths else 0.0
        is_due = time - still >= self._provisional_after
        if is_due and self._is_sign(still) and self._lasted(still) >= _USUAL_SHARE * usual:
            while not guess.is_seen(self._recognizer):
                guess.see_next(self._recognizer)
            guess.recognise(self._recognizer, top=self.options.top)

    def _end_windows(self) -> None:
        """See to it that the merger is emptied once the windows so far are recognised."""
        if self._looks and not self._looks[-1].whole:
            self._looks[-1].last = True
        else:
            self._known += self._merger.flush()

    def _look(self, start: float, stop: float, *, whole: bool) -> None:
        look = self._make(start, stop, whole=whole)
        if look is not None:
            self._looks.append(look)

    def _make(self, start: float, stop: float, *, whole: bool) -> Look | None:
        return look_at(self._recognizer, self._ring, start, stop, whole=whole)

    def _take_known(self) -> list[Spotted]:
        known, self._known = self._known, []
        return known

    def _work(self) -> None:
        """Compute one flow of what is to be recognised first; recognise it if that was the last."""
        look = self._looks[0] if self._looks else self._guess
        if look is None:
            return
        look.see_next(self._recognizer)
        if not self._looks or not look.is_seen(self._recognizer):
            return
        self._looks.popleft()
        spotted = look.recognise(self._recognizer, top=self.options.top)
        self._known += [spotted] if look.whole else self._merger.push(spotted)
        if look.last:
            self._known += self._merger.flush()

    def _forget(self, time: float) -> None:
        """Let go of the frames that no sign can need any more."""
        oldest = time - _LEAD_SECONDS
        if self._next_window is not None:
            oldest = min(oldest, self._next_window)
        elif self.signing:
            oldest = min(oldest, self._first())
        while self._ring[0][0] < oldest:
            self._ring.popleft()

    def _frame_seconds(self) -> float:
        """How long the last frame is shown, as far as the ones before it tell."""
        times = [time for time, _ in self._ring]
        return float(np.median(np.diff(times))) if len(times) > 1 else 0.0
