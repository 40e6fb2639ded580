"""Signs in a stream of frames: a frame goes in, and what was recognised comes out.

The same code serves files and live video. Memory is constant, and so is the work: a frame costs one
flow of a small picture, and at most one flow as the recipe has it.
"""

from collections import deque
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from signflow.annotations import Box
from signflow.recognition.gate import GateOptions, MotionGate, MotionMeter
from signflow.recognition.recognizer import Prediction, Recognizer
from signflow.recognition.windows import Spotted, WindowMerger
from signflow.store import pack_sample
from signflow.video import Span, VideoFault, View, choose_frames, compute_flow

SIGN_SECONDS = 1.5
"""How long a sign is taken to be where the run does not say."""

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


@dataclass
class _Look:
    """A stretch that is being recognised: its frames, and the flow so far.

    Attributes:
        start, stop: the stretch, in seconds.
        kept: uint8 (T, H, W, 3).
        flow: float32 (H, W, 2) each, of the first pairs.
        whole: whether the stretch is a sign from rest to rest; else a window of a longer one.
        last: whether it is the last window.
    """

    start: float
    stop: float
    kept: NDArray[np.uint8]
    whole: bool
    last: bool = False
    flow: list[NDArray[np.float32]] = field(default_factory=list)


class Spotter:
    """Finds and recognises signs, a frame at a time.

    A sign lies between two rests (`MotionGate`) and is recognised as `Recognizer.predict` would
    recognise that stretch of the video. Its flow is computed one pair a frame, from the moment it
    seems to have ended, so that no frame takes long and the answer is there soon after.

    Attributes:
        options: how.
        window_seconds: how long a sign is taken to be.

    Example:
        >>> spotter = Spotter(Recognizer.load(Path("runs/mine")))
        >>> for time, frame in webcam:
        ...     for sign in spotter.push(frame, time):
        ...         print(sign.start, sign.stop, sign.gloss or "not sure")
    """

    def __init__(
        self,
        recognizer: Recognizer,
        *,
        options: SpotOptions | None = None,
        box: Box | None = None,
    ) -> None:
        """Begin a stream.

        Args:
            recognizer: who recognises.
            options: None: the defaults.
            box: where the signer is, for recipes that crop.
        """
        self.options = options or SpotOptions()
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
        self._looks: deque[_Look] = deque()
        self._guess: _Look | None = None
        self._known: list[Spotted] = []
        self._next_window: float | None = None

    @property
    def signing(self) -> bool:
        """Whether a sign is going on."""
        return self._gate.start is not None

    @property
    def speed(self) -> float:
        """How fast something moves, in sides of the picture per second."""
        return self._gate.speed

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
        lasted = still - (self._gate.start or 0.0)
        is_sign = self._gate.is_sign and lasted >= self.options.gate.shortest_seconds
        if self._next_window is not None:
            if is_sign:
                self._look(max(self._ring[0][0], stop - self.window_seconds), stop, whole=False)
            self._end_windows()
        elif is_sign:
            guess = self._guess or self._make(begin, stop, whole=True)
            if guess is not None:
                self._looks.append(guess)
        self._gate.close()
        self._guess = self._next_window = None

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

    def _make(self, start: float, stop: float, *, whole: bool) -> _Look | None:
        """Choose the frames of a stretch as a store would have; None where there are too few."""
        recipe = self._recognizer.recipe
        times = np.array([time for time, _ in self._ring])
        inside = times[(times >= start) & (times < stop)]
        if not len(inside):
            return None
        # From the first frame inside to the one that follows: so a video's span is said exactly.
        following = times[times >= stop]
        start, stop = float(inside[0]), float(following[0]) if len(following) else stop
        pick = choose_frames(
            "stream",
            times,
            span=Span(start, stop),
            count=recipe.frames,
            choose=recipe.choose,
            fps=recipe.fps,
            fewest=recipe.fewest,
        )
        if isinstance(pick, VideoFault):
            return None
        kept = np.stack([self._ring[number][1] for number in pick.wanted])
        return _Look(start, stop, kept, whole)

    def _take_known(self) -> list[Spotted]:
        known, self._known = self._known, []
        return known

    def _work(self) -> None:
        """Compute one flow of what is to be recognised first; recognise it if that was the last."""
        look = self._looks[0] if self._looks else self._guess
        if look is None:
            return
        pair = len(look.flow)
        if self._recognizer.sees_flow and pair < len(look.kept) - 1:
            recipe, neighbours = self._recognizer.recipe, look.kept[pair : pair + 2]
            flow = compute_flow(neighbours, method=recipe.flow, camera=recipe.camera)
            look.flow.append(flow[0])
            pair += 1
        if not self._looks or (self._recognizer.sees_flow and pair < len(look.kept) - 1):
            return
        self._looks.popleft()
        spotted = self._recognise(look)
        self._known += [spotted] if look.whole else self._merger.push(spotted)
        if look.last:
            self._known += self._merger.flush()

    def _recognise(self, look: _Look) -> Spotted:
        count, height, width, _ = look.kept.shape
        flow = np.stack(look.flow) if look.flow else np.zeros((count - 1, height, width, 2))
        sample, _ = pack_sample(
            look.kept,
            flow.astype(np.float32, copy=False),
            recipe=self._recognizer.recipe,
            clip_id=f"{look.start:.3f}",
        )
        ranked: list[Prediction] = self._recognizer.rank(sample, top=self.options.top)
        return Spotted(
            start=look.start,
            stop=look.stop,
            predictions=tuple(ranked),
            sure=self._recognizer.is_sure(ranked),
        )

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
