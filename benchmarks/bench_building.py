"""Stage Building: from a video to samples, one process each, the plain way beside a store."""

import shutil
import tempfile
from pathlib import Path

import cv2
import plain
from side_by_side import Turns, table, take_turns

from signflow.annotations import Clip, ClipList
from signflow.store import Recipe, build_store
from signflow.video import (
    DecodedSpan,
    Dis,
    Farneback,
    FarnebackFast,
    FlowMethod,
    Span,
    compute_flow,
    decode_spans,
)

TITLE = "Building"
SIZE = (plain.SIZE, plain.SIZE)


def measure(data: Path, *, quick: bool) -> str:
    """The stage's part of the page."""
    cv2.setNumThreads(1)
    count, rounds = (6, 3) if quick else (24, 5)
    videos = [Path(clip.source) for clip in clips_of(data / "egogestar", count).clips]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        turns = take_turns(
            {
                "plain, Farneback": lambda: _plain(videos, place, plain.farneback),
                "plain, DIS": lambda: _plain(videos, place, plain.dis),
                "store, farneback": lambda: _store(videos, place, Farneback()),
                "store, farneback-fast": lambda: _store(videos, place, FarnebackFast()),
                "store, dis": lambda: _store(videos, place, Dis()),
                "store, dis, preset fast": lambda: _store(videos, place, Dis(preset="fast")),
                "decode + flow alone, farneback-fast": lambda: _bare(videos, FarnebackFast()),
                "decode alone": lambda: _bare(videos, None),
                "every frame decoded, none converted": lambda: _pure(videos),
            },
            rounds=rounds,
        )
    beyond = turns.ratio("store, farneback-fast", "decode + flow alone, farneback-fast")
    return "\n\n".join(
        [
            f"{count} clips of EgoGestAR (640 x 480, whole videos) to ten frames of 224 x 224 and"
            " their flow. The plain way ends with frames and flow in RAM, read from its files.",
            ratios(turns, clips=count),
            f"**The limit.** Decoding and flow alone; the store takes {beyond:.2f} times as long."
            " Below that lies pure decoding, up to the last frame kept and without those"
            " that nothing builds on.",
        ]
    )


def clips_of(folder: Path, count: int) -> ClipList:
    """So many videos of a folder, evenly chosen, each a clip that is named by its number."""
    paths = sorted(folder.rglob("*.mp4"))
    return _listed(paths[:: max(1, len(paths) // count)][:count])


def _listed(videos: list[Path]) -> ClipList:
    clips = tuple(
        Clip(
            clip_id=str(number),
            source=str(video),
            label=number % 2,
            gloss=("one", "two")[number % 2],
            split="val" if number == 0 else "train",
        )
        for number, video in enumerate(videos)
    )
    return ClipList(clips=clips, classes=("one", "two"), origin="benchmark")


def ratios(turns: Turns, *, clips: int) -> str:
    """A table of what a clip takes, beside the plain way and beside it with DIS."""
    return table(
        ["what", "ms a clip", "clips/s", "x plain", "x plain, DIS", "all rounds (ms a clip)"],
        [
            [
                way,
                f"{turns.median(way) / clips * 1e3:.1f}",
                f"{clips / turns.median(way):.1f}",
                f"{turns.ratio('plain, Farneback', way):.2f}",
                f"{turns.ratio('plain, DIS', way):.2f}" if "dis" in way.lower() else "",
                turns.raw(way, unit=clips * 1e-3),
            ]
            for way in turns.seconds
        ],
    )


def _plain(videos: list[Path], place: Path, flow: plain.Flow) -> None:
    for number, video in enumerate(videos):
        folder = place / f"plain-{number}"
        plain.prepare(plain.PlainClip(video), folder, flow=flow)
        plain.read_frames(folder)
        plain.read_flow(folder)
        shutil.rmtree(folder)


def _store(videos: list[Path], place: Path, flow: FlowMethod) -> None:
    build_store(_listed(videos), out=place / "store", recipe=Recipe(flow=flow), workers=0)
    shutil.rmtree(place / "store")


def _bare(videos: list[Path], flow: FlowMethod | None) -> None:
    for video in videos:
        for _, result in decode_spans(video, spans=[Span()], count=10, size=SIZE):
            assert isinstance(result, DecodedSpan)
            if flow is not None:
                compute_flow(result.frames, method=flow)


def _pure(videos: list[Path]) -> None:
    for video in videos:
        capture = cv2.VideoCapture(str(video))
        while capture.grab():
            pass
        capture.release()
