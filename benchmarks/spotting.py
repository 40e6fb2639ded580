"""How well `signflow spot` finds the signs of rendered videos, whose annotations are known.

    signflow synth data/signers
    signflow build data/signers --videos data/signers/videos --protocol report --image-size 64 \
        --out stores/signers
    signflow train stores/signers --model temporal --lr 1e-4 --epochs 15 --out runs/spotting
    python benchmarks/spotting.py runs/spotting --split val      # to choose options by
    python benchmarks/spotting.py runs/spotting --split test     # the table in docs/results.md

Every video holds several signs of one signer, with rests between them. It is seen as it is, with
noise added to its pictures, and with the rests cut away, so that one sign follows the other without
a pause. A sign is found where intersection over union in time is at least a half.

Below each condition stands how long after the annotated end of a sign that was found its answer
comes: the provisional one that was confirmed, and the final one; and how many provisional answers
were confirmed. Times are those of the frames: what the computer needs is in `latency.py`.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import tyro
from numpy.typing import NDArray
from tyro.conf import OmitArgPrefixes, Positional

from signflow.annotations import Clip, Split
from signflow.progress import progress_bar
from signflow.recognition import (
    PROVISIONAL_AFTER,
    Interval,
    Recognizer,
    SpotOptions,
    Spotted,
    Spotter,
    SpottingQuality,
    spotting_quality,
)
from signflow.recognition.spotting_quality import LEAST_OVERLAP, overlap
from signflow.training import Run
from signflow.video import read_frames

Shown = tuple[float, NDArray[np.uint8]]
NOISE = 10.0
"""Standard deviation of what is added to each value of the videos' own pictures, of 255: a webcam's
by the light of a lamp."""

PROMPT = 0.15
"""Seconds after a sign's end within which somebody who signs wants an answer."""

Condition = Literal["as they are", "with noise", "rests cut away"]
CONDITIONS: tuple[Condition, ...] = get_args(Condition)


@dataclass(frozen=True)
class Options:
    """What is measured.

    Attributes:
        run: a run on a store of rendered signers.
        split: whose videos; options are chosen on val, and test is looked at once.
        conditions: how the videos are seen.
        provisional_after: seconds of rest before a provisional answer.
        spot: how signs are found.
    """

    run: Positional[Path]
    split: Split = "val"
    conditions: tuple[Condition, ...] = CONDITIONS
    provisional_after: float = PROVISIONAL_AFTER
    spot: OmitArgPrefixes[SpotOptions] = field(default_factory=SpotOptions)


@dataclass(frozen=True)
class Delays:
    """When answers came, in seconds after the annotated ends of the signs that were found.

    Attributes:
        provisional: of the provisional answers that were confirmed.
        final: of the final answers.
        said: how many provisional answers there were, of whatever.
        confirmed: how many of them were confirmed with the same sign.
    """

    provisional: tuple[float, ...] = ()
    final: tuple[float, ...] = ()
    said: int = 0
    confirmed: int = 0

    def __add__(self, other: "Delays") -> "Delays":
        return Delays(
            self.provisional + other.provisional,
            self.final + other.final,
            self.said + other.said,
            self.confirmed + other.confirmed,
        )

    def __str__(self) -> str:
        if not self.final:
            return "no answers"
        kinds = {"provisional": self.provisional, "final": self.final}
        figures = [
            f"{name} {np.median(seconds):+.2f} s (90 % within {np.quantile(seconds, 0.9):+.2f} s,"
            f" {np.mean(np.array(seconds) <= PROMPT):.0%} within {PROMPT} s)"
            for name, seconds in kinds.items()
            if seconds
        ]
        share = f", {self.confirmed / self.said:.1%}" if self.said else ""
        return (
            f"answers after the annotated end, median: {'; '.join(figures)}; provisional ones that"
            f" were confirmed: {self.confirmed} of {self.said}{share}"
        )


@dataclass(frozen=True)
class Outcome:
    """Of one video: found at all, named rightly of those, named rightly where sure; and delays."""

    found: SpottingQuality
    right: SpottingQuality
    sure: SpottingQuality
    delays: Delays


def main(options: Options) -> None:
    """Print a row for each condition and question."""
    store = Run.open(options.run).open_store()
    recognizer = Recognizer.load(options.run, device="cpu")
    videos: dict[str, list[Clip]] = defaultdict(list)
    for row in store.splits()[options.split]:
        videos[row.clip.source].append(row.clip)
    print(f"{len(videos)} {options.split} videos, {sum(map(len, videos.values()))} signs\n")
    print("| videos | a spotted sign counts | precision | recall | F1 |")
    print("|---|---|---:|---:|---:|")
    for condition in options.conditions:
        outcomes = []
        with progress_bar() as progress:
            task = progress.add_task(condition, total=len(videos), note="")
            for source, clips in videos.items():
                outcomes.append(look(recognizer, options, source, clips, condition))
                progress.advance(task)
        for name, column in (
            ("wherever it lies right", [outcome.found for outcome in outcomes]),
            ("and is the right sign, sure or not", [outcome.right for outcome in outcomes]),
            ("where it is sure, and right", [outcome.sure for outcome in outcomes]),
        ):
            print(row_of(condition, name, column))
        print(f"({sum((outcome.delays for outcome in outcomes), Delays())})", flush=True)


def look(
    recognizer: Recognizer, options: Options, source: str, clips: list[Clip], condition: str
) -> Outcome:
    """Spot the signs of one video."""
    side = recognizer.recipe.image_size
    size = None if condition == CONDITIONS[1] else (side, side)
    truth = [Interval(clip.start or 0.0, clip.end or 0.0, clip.gloss) for clip in clips]
    frames: Iterable[Shown] = read_frames(source, size=size)
    if condition == CONDITIONS[1]:
        frames = with_noise(frames)
    elif condition == CONDITIONS[2]:
        truth, frames = without_rests(sorted(truth, key=lambda sign: sign.start), frames)
    spotter = Spotter(recognizer, options=options.spot, provisional_after=options.provisional_after)
    spotted: list[Spotted] = []
    said: dict[tuple[float, float], tuple[float, Spotted]] = {}
    final: dict[tuple[float, float], float] = {}
    for time, picture in frames:
        for sign in spotter.push(picture, time):
            spotted.append(sign)
            final[sign.start, sign.stop] = time
        if (sign_so_far := spotter.provisional) is not None:
            said.setdefault((sign_so_far.start, sign_so_far.stop), (time, sign_so_far))
    spotted += spotter.flush()
    guesses = [Interval(s.start, s.stop, s.predictions[0].gloss) for s in spotted]
    sure = [Interval(s.start, s.stop, s.gloss) for s in spotted]
    return Outcome(
        found=spotting_quality(guesses, truth, with_gloss=False),
        right=spotting_quality(guesses, truth, with_gloss=True),
        sure=spotting_quality(sure, truth, with_gloss=True),
        delays=delays_of(spotted, truth, said, final),
    )


def delays_of(
    spotted: Sequence[Spotted],
    truth: Sequence[Interval],
    said: dict[tuple[float, float], tuple[float, Spotted]],
    final: dict[tuple[float, float], float],
) -> Delays:
    """When the signs that were found were answered.

    Args:
        spotted: all signs that were spotted.
        truth: the annotated ones.
        said: by start and stop, each provisional answer and when it was first said.
        final: by start and stop, when each sign was said for good.
    """
    provisional, last, confirmed = [], [], 0
    for sign in spotted:
        key = (sign.start, sign.stop)
        is_same = key in said and said[key][1].predictions[0].gloss == sign.predictions[0].gloss
        confirmed += is_same
        for there in truth:
            if overlap(Interval(*key), there) >= LEAST_OVERLAP:
                provisional += [said[key][0] - there.stop] if is_same else []
                last += [final[key] - there.stop] if key in final else []
    return Delays(tuple(provisional), tuple(last), len(said), confirmed)


def with_noise(frames: Iterable[Shown]) -> Iterator[Shown]:
    """Add noise that is another in every frame, drawn from sixteen pictures of it."""
    random = np.random.default_rng(0)
    noise: NDArray[np.float32] | None = None
    for time, picture in frames:
        if noise is None:
            noise = random.normal(0, NOISE, (16, *picture.shape)).astype(np.float32)
        noisy = picture + noise[random.integers(16)]
        yield time, np.clip(noisy, 0, 255).astype(np.uint8)


def without_rests(
    truth: Sequence[Interval], frames: Iterable[Shown]
) -> tuple[list[Interval], list[Shown]]:
    """Keep only what lies in annotated signs, one after the other without a pause."""
    shown = list(frames)
    gap = float(np.median(np.diff([time for time, _ in shown])))
    kept: list[Shown] = []
    moved = []
    last = -1.0
    for sign in truth:
        inside = [picture for time, picture in shown if max(sign.start, last) <= time < sign.stop]
        start = len(kept)
        kept += [((start + number) * gap, picture) for number, picture in enumerate(inside)]
        moved.append(Interval(start * gap, len(kept) * gap, sign.gloss))
        last = sign.stop
    return moved, kept


def row_of(condition: str, name: str, videos: Sequence[SpottingQuality]) -> str:
    """A row with the 95 % interval of F1: a bootstrap over videos, each with all its signs."""
    whole = sum(videos, SpottingQuality())
    random = np.random.default_rng(0)
    counts = np.array([(video.spotted, video.annotated, video.found) for video in videos])
    drawn = counts[random.integers(0, len(videos), (10_000, len(videos)))].sum(axis=1)
    low, high = np.quantile(2 * drawn[:, 2] / (drawn[:, 0] + drawn[:, 1]), [0.025, 0.975])
    return (
        f"| {condition} | {name} | {whole.precision:.1%} ({whole.found} of {whole.spotted})"
        f" | {whole.recall:.1%} ({whole.found} of {whole.annotated})"
        f" | {whole.f1:.1%} [{low:.1%}-{high:.1%}] |"
    )


if __name__ == "__main__":
    main(tyro.cli(Options))
