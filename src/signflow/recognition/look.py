"""A stretch of a stream that is being recognised: its frames, and the flow so far."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from signflow.recognition.recognizer import Recognizer
from signflow.recognition.windows import Spotted
from signflow.store import pack_sample
from signflow.video import Span, VideoFault, choose_frames, compute_flow


@dataclass
class Look:
    """A stretch, as far as it has been looked at.

    Attributes:
        start, stop: the stretch, in seconds.
        kept: uint8 (T, H, W, 3), the frames that the recipe keeps of it.
        whole: whether the stretch is a sign from rest to rest; else a window of a longer one.
        last: whether it is the last window.
        flow: float32 (H, W, 2) each, of the first pairs.
        spotted: what it was taken for; None: not recognised yet.
    """

    start: float
    stop: float
    kept: NDArray[np.uint8]
    whole: bool
    last: bool = False
    flow: list[NDArray[np.float32]] = field(default_factory=list)
    spotted: Spotted | None = None

    def is_seen(self, recognizer: Recognizer) -> bool:
        """Whether all is there that the net looks at."""
        return not recognizer.sees_flow or len(self.flow) >= len(self.kept) - 1

    def see_next(self, recognizer: Recognizer) -> None:
        """Compute the flow of the next pair; where all is there, nothing."""
        if self.is_seen(recognizer):
            return
        recipe, pair = recognizer.recipe, len(self.flow)
        neighbours = self.kept[pair : pair + 2]
        flow = compute_flow(neighbours, method=recipe.flow, camera=recipe.camera)
        self.flow.append(flow[0])

    def recognise(self, recognizer: Recognizer, *, top: int) -> Spotted:
        """What it is taken for. The net looks at it once, however often this is asked."""
        if self.spotted is None:
            self.spotted = self._recognise(recognizer, top)
        return self.spotted

    def _recognise(self, recognizer: Recognizer, top: int) -> Spotted:
        count, height, width, _ = self.kept.shape
        flow = np.stack(self.flow) if self.flow else np.zeros((count - 1, height, width, 2))
        sample, _ = pack_sample(
            self.kept,
            flow.astype(np.float32, copy=False),
            recipe=recognizer.recipe,
            clip_id=f"{self.start:.3f}",
        )
        ranked = recognizer.rank(sample, top=top)
        return Spotted(
            start=self.start,
            stop=self.stop,
            predictions=tuple(ranked),
            sure=recognizer.is_sure(ranked),
        )


def look_at(
    recognizer: Recognizer,
    shown: Sequence[tuple[float, NDArray[np.uint8]]],
    start: float,
    stop: float,
    *,
    whole: bool,
) -> Look | None:
    """Choose the frames of a stretch as a store would have; None where there are too few.

    Args:
        recognizer: for the recipe.
        shown: times in seconds, ascending, and frames uint8 (H, W, 3) of the recipe's size.
        start: of the stretch, in seconds.
        stop: likewise, exclusive.
        whole: see `Look`.
    """
    recipe = recognizer.recipe
    times = np.array([time for time, _ in shown])
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
    return Look(start, stop, np.stack([shown[number][1] for number in pick.wanted]), whole)
