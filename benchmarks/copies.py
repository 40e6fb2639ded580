"""Are copies told from other takes? Measured on real clips and on copies made of them.

    python benchmarks/copies.py --sources ../shared/data/egogestar ../shared/data/croatian_signs

makes copies of some clips of each set in a scratch folder (encoded anew, trimmed, cut, mirrored
...), compares each with what it was made from, and every clip of a set with every other, which are
other takes. It writes the tables in docs/audit.md.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import random
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import av
import cv2
import numpy as np
import tyro
from flow_bound import write_between_markers
from numpy.typing import NDArray

from signflow.annotations import Clip, read_clips
from signflow.audit.candidates import describe, find_candidates
from signflow.audit.matching import COPY_SCORE, match
from signflow.audit.sketches import Sketch, kept_times, make_sketch, sketch_videos
from signflow.processes import worker_pool
from signflow.progress import console, progress_bar
from signflow.store import ClipRow, Recipe, make_samples
from signflow.store.samples import Made

PAGE = Path(__file__).parents[1] / "docs" / "audit.md"
RECIPE = Recipe(image_size=112)

Frames = list[NDArray[np.uint8]]
Change = Callable[[Frames, random.Random], Frames]


def scaled(frames: Frames, width: int, height: int) -> Frames:
    """Shrink pictures."""
    return [cv2.resize(f, (width, height), interpolation=cv2.INTER_AREA) for f in frames]


def halved(frames: Frames) -> Frames:
    """Halve height and width."""
    height, width = frames[0].shape[:2]
    return scaled(frames, width // 2, height // 2)


def trimmed(frames: Frames, least: float, most: float, lot: random.Random) -> Frames:
    """Leave out a share, from `least` to `most`, at each end."""
    count = len(frames)
    start, end = (round(count * lot.uniform(least, most)) for _ in range(2))
    return frames[start : count - end]


def lit(frames: Frames, gain: float, offset: float, gamma: float) -> Frames:
    """Change brightness: gain and offset, then gamma."""
    table = 255 * (np.clip(np.arange(256) * gain + offset, 0, 255) / 255) ** gamma
    return [table.astype(np.uint8)[f] for f in frames]


def cut(frames: Frames, share: float, lot: random.Random) -> Frames:
    """Cut off `share` of each side on average, more of one side than of the other."""
    height, width = frames[0].shape[:2]
    rows, columns = int(height * share), int(width * share)
    y, x = (int(side * (1 + lot.uniform(-1, 1))) for side in (rows, columns))
    return [f[y : height - 2 * rows + y, x : width - 2 * columns + x] for f in frames]


def mirrored(frames: Frames) -> Frames:
    """Flip left to right."""
    return [f[:, ::-1] for f in frames]


def with_logo(frames: Frames) -> Frames:
    """Put a banner at the bottom and a disc at the upper right."""
    height, width = frames[0].shape[:2]
    marked = []
    for frame in frames:
        frame = frame.copy()
        cv2.rectangle(frame, (0, int(height * 0.86)), (width, height), (20, 30, 90), -1)
        at, size = (10, int(height * 0.95)), height / 600
        cv2.putText(frame, "signs.example.org", at, cv2.FONT_HERSHEY_SIMPLEX, size, (255,) * 3, 2)
        middle = int(width * 0.9), int(height * 0.12)
        cv2.circle(frame, middle, int(height * 0.07), (240, 200, 20), -1)
        marked.append(frame)
    return marked


def with_bars(frames: Frames) -> Frames:
    """Make 16:9 of it with black bars."""
    height, width = frames[0].shape[:2]
    side = (height * 16 // 9 - width) // 2
    return [cv2.copyMakeBorder(f, 0, 0, side, side, cv2.BORDER_CONSTANT) for f in frames]


@dataclass(frozen=True)
class Kind:
    """A way to make a copy: what is done to the pictures, and how they are encoded."""

    name: str
    change: Change
    fps: float | None = None
    codec: str = "libx264"
    crf: int = 26


KINDS = (
    Kind("half the size, H.264 at crf 36", lambda f, lot: halved(f), crf=36),
    Kind("3/4 the size, MPEG-4", lambda f, lot: scaled(f, 480, 360), codec="mpeg4"),
    Kind("squashed to 16:9", lambda f, lot: scaled(f, 640, 360)),
    Kind("at 25 frames per second", lambda f, lot: halved(f), fps=25),
    Kind("at 15 frames per second", lambda f, lot: halved(f), fps=15),
    Kind("trimmed by 2 to 8 % at each end", lambda f, lot: trimmed(halved(f), 0.02, 0.08, lot)),
    Kind("trimmed by 8 to 15 % at each end", lambda f, lot: trimmed(halved(f), 0.08, 0.15, lot)),
    Kind("brighter", lambda f, lot: lit(halved(f), 1.15, 20, 0.85)),
    Kind("darker", lambda f, lot: lit(halved(f), 0.7, 0, 1.2)),
    Kind("cut by 10 % of height and width", lambda f, lot: cut(halved(f), 0.05, lot)),
    Kind("cut by 20 % of height and width", lambda f, lot: cut(halved(f), 0.1, lot)),
    Kind("mirrored", lambda f, lot: mirrored(halved(f))),
    Kind("with a logo and a banner", lambda f, lot: with_logo(halved(f))),
    Kind("with black bars", lambda f, lot: with_bars(halved(f))),
    Kind(
        "mirrored, trimmed, cut, brighter, 25 fps, crf 33",
        lambda f, lot: mirrored(
            lit(cut(trimmed(halved(f), 0.02, 0.06, lot), 0.04, lot), 1.1, 10, 1)
        ),
        fps=25,
        crf=33,
    ),
)


def main(
    sources: tuple[Path, ...],
    copied: int = 48,
    workers: int = 2,
    seed: int = 0,
    page: Path = PAGE,
) -> None:
    """Measure, and write the tables between the page's markers.

    Args:
        sources: sets of clips in which no clip is a copy of another.
        copied: of how many clips of all sets together copies are made.
        workers: processes.
        seed: of the lot.
        page: the Markdown page to bring up to date.
    """
    lot = random.Random(seed)
    sets = {source.name: list(read_clips(source).clips) for source in sources}
    each = copied // len(sets)
    drawn = [clip for clips in sets.values() for clip in lot.sample(clips, each)]
    with tempfile.TemporaryDirectory() as scratch, worker_pool(workers) as pool:
        jobs = [pool.submit(look, clip, i, Path(scratch), seed) for i, clip in enumerate(drawn)]
        with progress_bar() as progress:
            task = progress.add_task("Copying", total=len(jobs), note="")
            copies: dict[str, list[list[float]]] = {kind.name: [] for kind in KINDS}
            found: dict[str, list[bool]] = {kind.name: [] for kind in KINDS}
            for job in jobs:
                for kind, scores, candidate in job.result():
                    copies[kind].append(scores)
                    found[kind].append(candidate)
                progress.advance(task)
        takes = {name: other_takes(pool, clips) for name, clips in sets.items()}
    write_between_markers(page, "\n".join([*copy_table(copies, found), "", *take_table(takes)]))
    console.print(f"The tables: {page}", highlight=False, soft_wrap=True)


def look(clip: Clip, number: int, scratch: Path, seed: int) -> list[tuple[str, list[float], bool]]:
    """Make every kind of copy of a clip; return its scores, and whether it is a candidate."""
    frames, fps = decode(Path(clip.source))
    original = sketched(clip)
    results = []
    for kind in KINDS:
        lot = random.Random(f"{seed} {number} {kind.name}")
        path = scratch / f"{number}.mp4"
        encode(path, kind, kind.change(frames, lot), fps)
        copy = sketched(Clip(clip_id="copy", source=str(path), label=0, gloss="", split="train"))
        scores = [match(*pair).score for pair in zip(original, copy, strict=True)]
        pair = np.stack([describe(original[0]), describe(copy[0])])
        seconds = np.array([original[0].times[-1], copy[0].times[-1]])
        results.append((kind.name, scores, bool(list(find_candidates(pair, seconds)))))
    return results


def sketched(clip: Clip) -> tuple[Sketch, Sketch]:
    """A clip as an audit of videos, and one of a store, sees it."""
    ((_, from_video),) = sketch_videos([clip])
    ((_, made),) = make_samples([clip], recipe=RECIPE)
    if from_video is None or not isinstance(made, Made):
        raise RuntimeError(f"{clip.source}: cannot be had")
    span = made.span
    row = ClipRow(clip=clip, status="built", video_frames=span.n_frames, fps=span.info.fps)
    return from_video, make_sketch(made.sample.frames, kept_times(row, RECIPE))


def decode(path: Path) -> tuple[Frames, float]:
    """All frames of a video, and its frame rate."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        rate = float(stream.average_rate or 25)
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)], rate


def encode(path: Path, kind: Kind, frames: Frames, fps: float) -> None:
    """Write frames as a copy of that kind."""
    if kind.fps is not None:
        count = int(len(frames) * kind.fps / fps)
        frames = [frames[min(len(frames) - 1, int(i * fps / kind.fps))] for i in range(count)]
    height, width = (side - side % 2 for side in frames[0].shape[:2])
    with av.open(str(path), "w") as container:
        stream = container.add_stream(kind.codec, rate=round(kind.fps or fps))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        if kind.codec == "libx264":
            stream.options = {"preset": "veryfast", "crf": str(kind.crf)}
        else:
            stream.bit_rate = 400_000
        for frame in frames:
            picture = np.ascontiguousarray(frame[:height, :width])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


def other_takes(
    pool: Executor, clips: Sequence[Clip]
) -> tuple[int, float, list[tuple[list[float], bool]]]:
    """Compare every clip of a set with every other: (pairs, share of candidates, the scores)."""
    seen = list(pool.map(sketched, clips, chunksize=4))
    descriptions = np.stack([describe(each[0]) for each in seen])
    seconds = np.array([each[0].times[-1] for each in seen])
    candidates = set(find_candidates(descriptions, seconds))
    pairs = list(combinations(range(len(clips)), 2))
    ours, theirs = ([seen[pair[k]] for pair in pairs] for k in (0, 1))
    scores = list(pool.map(both_scores, ours, theirs, chunksize=256))
    alike = [clips[i].gloss == clips[j].gloss for i, j in pairs]
    return len(pairs), len(candidates) / len(pairs), list(zip(scores, alike, strict=True))


def both_scores(ours: tuple[Sketch, Sketch], theirs: tuple[Sketch, Sketch]) -> list[float]:
    """The score of what is seen of videos, and that of what a store keeps."""
    return [match(*pair).score for pair in zip(ours, theirs, strict=True)]


def copy_table(copies: dict[str, list[list[float]]], found: dict[str, list[bool]]) -> list[str]:
    """How many copies of each kind are found."""
    lines = [
        "| copy | found in videos | score: lowest, median | found in a store |",
        "|---|---:|---:|---:|",
    ]
    totals = [0, 0, 0]
    for name, scores in copies.items():
        videos, store = np.array(scores).T
        hits = (videos >= COPY_SCORE) & np.array(found[name])
        kept = (store >= COPY_SCORE) & np.array(found[name])
        for place, value in enumerate((len(scores), hits.sum(), kept.sum())):
            totals[place] += int(value)
        lines.append(
            f"| {name} | {hits.sum()} of {len(scores)} | {videos.min():.2f},"
            f" {np.median(videos):.2f} | {kept.sum()} of {len(scores)} |"
        )
    count, hits, kept = totals
    return [*lines, f"| **all** | {hits / count:.1%} | | {kept / count:.1%} |"]


def take_table(takes: dict[str, tuple[int, float, list[tuple[list[float], bool]]]]) -> list[str]:
    """How far other takes stay below the threshold."""
    lines = [
        "| other takes | pairs | worth a closer look | of one gloss | called copies: videos, store"
        " | highest scores: videos | store |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name, (pairs, share, scores) in takes.items():
        values = np.array([each for each, _ in scores])
        wrong = (values >= COPY_SCORE).sum(axis=0)
        top = [", ".join(f"{x:.3f}" for x in np.sort(column)[:-4:-1]) for column in values.T]
        alike = sum(same for _, same in scores)
        lines.append(
            f"| {name} | {pairs:,} | {share:.1%} | {alike:,} | {wrong[0]}, {wrong[1]}"
            f" | {top[0]} | {top[1]} |"
        )
    return lines


if __name__ == "__main__":
    tyro.cli(main)
