"""From the plan of a video to its file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2

from signflow.files import atomic_path
from signflow.synth.draw import Image
from signflow.synth.plan import Act, Take, VideoPlan, camera_of
from signflow.synth.signer import Signer, draw_signer
from signflow.synth.signs import Performance, sign_of
from signflow.synth.stage import Stage
from signflow.synth.video import Piece, Recorder

_DRAWN_HEIGHT, _DRAWN_WIDTH = 400, 720
"""Larger pictures are drawn at half their size and scaled up: nobody sees it, and it is fast."""


def film(plan: VideoPlan, path: Path) -> None:
    """Render a video to `path`, whole or not at all.

    The bytes depend on the plan only. Pictures are drawn where something moves; the idle loop
    between signs is encoded once for each take and its packets are copied.
    """
    # What a killed run left of this video; no other process works on it.
    for partial in path.parent.glob(f".{path.stem}.*.partial.mp4"):
        partial.unlink(missing_ok=True)
    with (
        _one_thread(),
        atomic_path(path) as beside,
        Recorder(beside, size=(plan.height, plan.width), rate=plan.rate) as recorder,
    ):
        for number, take in enumerate(plan.takes):
            _Shoot(plan, take, recorder, cut=number).run()


class _Shoot:
    """Records one take: signs are drawn, what lies between is copied from the idle loop."""

    def __init__(self, plan: VideoPlan, take: Take, recorder: Recorder, *, cut: int) -> None:
        self._take, self._recorder, self._period = take, recorder, plan.period
        self._fps = plan.fps
        self._signer: Signer = draw_signer(
            take.signer, seed=plan.signer_seed, left_handed_share=plan.left_handed_share
        )
        height, width = drawn_size(plan.height, plan.width)
        self._stage = Stage(
            self._signer,
            camera_of(take.framing, width, height),
            (height, width),
            period=plan.period,
            seed=plan.seed * 1000 + cut,
        )
        self._loop: list[Piece] = []

    def run(self) -> None:
        at = self._take.first
        for act in self._take.acts:
            self._wait(act.first - at)
            phase = (act.first - at) % self._period
            self._recorder.append(self._recorder.encode(self._sign(act, phase)))
            at = act.last
        self._wait(self._take.last - at)

    def _wait(self, frames: int) -> None:
        """Add idle frames, beginning with the loop's first."""
        needed = min(frames, self._period)
        if len(self._loop) < needed:
            pictures = (self._stage.idle(phase) for phase in range(needed))
            self._loop = self._recorder.encode(pictures)
        whole, rest = divmod(frames, self._period)
        for _ in range(whole):
            self._recorder.append(self._loop)
        self._recorder.append(self._loop[:rest])

    def _sign(self, act: Act, phase: int) -> Iterator[Image]:
        """Draw a sign; its body goes on at `phase` of the loop and arrives at the loop's start."""
        length = act.last - act.first
        performance = Performance(
            sign_of(act.label), self._signer, seconds=length / self._fps, seed=act.seed
        )
        turns = max(1, round((phase + length) / self._period))
        advance = turns * self._period - phase
        for number in range(length):
            body = (phase + round(advance * number / length)) % self._period
            yield self._stage.signing(body, performance, number / length)


def drawn_size(height: int, width: int) -> tuple[int, int]:
    """Return the size at which a video of that size is drawn, height and width, even."""
    if height <= _DRAWN_HEIGHT and width <= _DRAWN_WIDTH:
        return height, width
    return height // 4 * 2, width // 4 * 2


@contextmanager
def _one_thread() -> Iterator[None]:
    """Keep OpenCV to one core: there is a process for each, and pictures are small."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
