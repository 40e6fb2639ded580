"""What was spotted; and signing without rest: overlapping windows become signs."""

from dataclasses import dataclass, replace

from signflow.recognition.recognizer import Prediction


@dataclass(frozen=True, kw_only=True)
class Spotted:
    """A sign in a stream.

    Attributes:
        start: when it begins, in seconds from the first frame.
        stop: when it has ended (exclusive), likewise.
        predictions: what it may be, the likeliest first.
        sure: whether the likeliest is worth saying.
    """

    start: float
    stop: float
    predictions: tuple[Prediction, ...]
    sure: bool

    @property
    def gloss(self) -> str | None:
        """The likeliest sign; None: not sure."""
        return self.predictions[0].gloss if self.sure else None

    @property
    def score(self) -> float:
        """The likeliest sign's score, 0 to 1."""
        return self.predictions[0].score


class WindowMerger:
    """Makes signs of windows that follow and overlap each other.

    Neighbouring windows that are sure of the same sign are that sign once, as sure as the surest of
    them. It lies in their middle, and is as long as a window, or as the way from the first to the
    last: a window sees a sign as long as itself from half before it to half after it. One that is
    not sure separates, and is no sign itself: most windows lie across two signs. A sign begins no
    earlier than the one before ends.
    """

    def __init__(self) -> None:
        self._first: Spotted | None = None
        self._last: Spotted | None = None
        self._best: Spotted | None = None
        self._reached = 0.0

    def push(self, window: Spotted) -> list[Spotted]:
        """Take the next window; say which sign is known to be over."""
        if self._best is not None and window.gloss == self._best.gloss:
            self._last = window
            if window.score > self._best.score:
                self._best = window
            return []
        found = self._merged()
        self._first = self._last = self._best = window if window.sure else None
        return found

    def flush(self) -> list[Spotted]:
        """End a stretch of windows; say what is left."""
        found = self._merged()
        self._first = self._last = self._best = None
        self._reached = 0.0
        return found

    def _merged(self) -> list[Spotted]:
        if self._first is None or self._last is None or self._best is None:
            return []
        middle = (self._first.start + self._last.stop) / 2
        length = max(self._best.stop - self._best.start, self._last.start - self._first.start)
        start, stop = max(self._reached, middle - length / 2), middle + length / 2
        if stop <= start:
            return []
        self._reached = stop
        return [replace(self._best, start=start, stop=stop)]
