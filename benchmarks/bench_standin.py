"""Stage Stand-in: clips deep inside long videos, as MS-ASL has them, plainly and into a store."""

import json
import shutil
import tempfile
from pathlib import Path

import cv2
import numpy as np
import plain
from bench_building import ratios
from side_by_side import take_turns

from signflow.annotations import Clip, ClipList
from signflow.store import Recipe, build_store
from signflow.synth import render_annotations
from signflow.video import (
    DecodedSpan,
    Dis,
    FarnebackFast,
    FlowMethod,
    Span,
    compute_flow,
    decode_spans,
)

TITLE = "Building from long videos"
CLIP_SECONDS = 2.8
"""MS-ASL's clips are so long on average."""
SIZES = ((480, 360), (640, 360), (1280, 720))
RATE = 25.0


def measure(data: Path, *, quick: bool) -> str:
    """The stage's part of the page; needs no data but what it renders."""
    cv2.setNumThreads(1)
    minutes, each, rounds = (2, 2, 3) if quick else (10, 4, 5)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        clips = _render(place, minutes=minutes, each=each)
        turns = take_turns(
            {
                "plain, Farneback": lambda: _plain(clips, place, plain.farneback),
                "plain, DIS": lambda: _plain(clips, place, plain.dis),
                "plain, Farneback, reading up to the clip": lambda: _plain(
                    clips, place, plain.farneback, seek=False
                ),
                "store, farneback-fast": lambda: _store(clips, place, FarnebackFast()),
                "store, dis": lambda: _store(clips, place, Dis()),
                "decode + flow alone, farneback-fast": lambda: _bare(clips, FarnebackFast()),
                "decode alone": lambda: _bare(clips, None),
            },
            rounds=rounds,
        )
        seek = _seek(clips, rounds=rounds)
    beyond = turns.ratio("store, farneback-fast", "decode + flow alone, farneback-fast")
    return "\n\n".join(
        [
            f"{len(clips)} clips of {CLIP_SECONDS} s, {each} in each of {len(SIZES)} rendered"
            f" videos of {minutes} minutes ({', '.join(f'{w} x {h}' for w, h in SIZES)}), spread"
            " over all of it, to ten frames of 224 x 224 and their flow. Both ways seek to where a"
            " clip begins, but where it says that the plain way reads up to it.",
            ratios(turns, clips=len(clips)),
            f"**The limit.** Decoding and flow alone; the store takes {beyond:.2f} times as long.",
            f"**Seeking.** The last clip of a video takes {seek:.2f} times as long to decode as its"
            " first; 1 would mean that it costs nothing where a clip lies.",
        ]
    )


def _render(place: Path, *, minutes: float, each: int) -> list[Clip]:
    """Render a long video of each size; clips lie evenly over it, off the keyframes."""
    entries, clips = [], []
    seconds = minutes * 60
    for number, (width, height) in enumerate(SIZES):
        name = f"standin---{number}"  # eleven characters, as those of YouTube
        for start in np.linspace(0.031, 0.97, each) * (seconds - CLIP_SECONDS):
            begin, end = round(start, 2), round(start + CLIP_SECONDS, 2)
            entries.append(
                {
                    "url": f"https://www.youtube.com/watch?v={name}",
                    "label": len(clips) % 2,
                    "start_time": begin,
                    "end_time": end,
                    "fps": RATE,
                    "width": float(width),
                    "height": float(height),
                    "signer_id": number,
                    "box": [0.05, 0.2, 1.0, 0.8],
                }
            )
            clips.append(
                Clip(
                    clip_id=str(len(clips)),
                    source=str(place / "rendered" / "videos" / f"{name}.mp4"),
                    start=begin,
                    end=end,
                    label=len(clips) % 2,
                    gloss=("one", "two")[len(clips) % 2],
                    split="train",
                )
            )
    annotations = place / "annotations"
    annotations.mkdir()
    (annotations / "MSASL_train.json").write_text(json.dumps(entries), encoding="utf-8")
    render_annotations(annotations, place / "rendered", classes=10, workers=1, seed=0)
    return clips


def _plain(clips: list[Clip], place: Path, flow: plain.Flow, *, seek: bool = True) -> None:
    for clip in clips:
        folder = place / "plain"
        given = plain.PlainClip(Path(clip.source), clip.start, clip.end)
        plain.prepare(given, folder, flow=flow, seek=seek)
        plain.read_frames(folder)
        plain.read_flow(folder)
        shutil.rmtree(folder)


def _store(clips: list[Clip], place: Path, flow: FlowMethod) -> None:
    listed = ClipList(clips=tuple(clips), classes=("one", "two"), origin="benchmark")
    summary = build_store(listed, out=place / "store", recipe=Recipe(flow=flow), workers=0)
    assert all(row.built for row in summary.rows), "a clip was not built"
    shutil.rmtree(place / "store")


def _bare(clips: list[Clip], flow: FlowMethod | None) -> None:
    for source in dict.fromkeys(clip.source for clip in clips):
        spans = [Span(clip.start, clip.end) for clip in clips if clip.source == source]
        for _, found in decode_spans(source, spans=spans, count=10, size=(plain.SIZE, plain.SIZE)):
            assert isinstance(found, DecodedSpan)
            if flow is not None:
                compute_flow(found.frames, method=flow)


def _seek(clips: list[Clip], *, rounds: int) -> float:
    """How many times as long a video's last clip takes to decode as its first."""
    sources = list(dict.fromkeys(clip.source for clip in clips))
    first = [next(clip for clip in clips if clip.source == source) for source in sources]
    last = [next(clip for clip in clips[::-1] if clip.source == source) for source in sources]

    def one_by_one(chosen: list[Clip]) -> None:
        for clip in chosen:
            _bare([clip], None)

    turns = take_turns(
        {"first": lambda: one_by_one(first), "last": lambda: one_by_one(last)}, rounds=rounds
    )
    return turns.ratio("last", "first")
