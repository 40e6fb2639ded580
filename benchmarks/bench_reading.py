"""Stage Reading: samples a second in random order, stores beside loose JPEGs and a RAM copy."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import plain
import torch
from bench_building import clips_of
from side_by_side import Turns, table, take_turns

from signflow.models import Inputs
from signflow.store import Recipe, Store, build_store
from signflow.training.batches import read_batch
from signflow.video import Dis

TITLE = "Reading"
BATCH = 16
LONG = 16
"""Frames of what a video net sees."""


def measure(data: Path, *, quick: bool) -> str:
    """The stage's part of the page."""
    count, rounds = (16, 3) if quick else (64, 7)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        listed = clips_of(data / "egogestar", count)
        videos = [Path(clip.source) for clip in listed.clips]
        loose = [place / f"loose-{number}" for number in range(len(videos))]
        for video, files in zip(videos, loose, strict=True):
            plain.prepare(plain.PlainClip(video), files, flow=plain.dis)
        stores: dict[tuple[str, int], Store] = {}
        for encoding in ("raw", "jpeg"):
            for frames in (plain.FRAMES, LONG):
                recipe = Recipe(frames=frames, flow=Dis(), encoding=encoding)  # type: ignore[arg-type]
                out = place / f"{encoding}-{frames}"
                build_store(listed, out=out, recipe=recipe, workers=0)
                stores[encoding, frames] = Store.open(out)
        cases = {
            "(a) middle frame": (Inputs(rgb="middle", flow=False), plain.FRAMES),
            "(b) middle frame and 18 flow channels": (
                Inputs(rgb="middle", flow=True),
                plain.FRAMES,
            ),
            f"(c) {LONG} frames": (Inputs(rgb="all", flow=False), LONG),
        }
        rows = []
        for name, (inputs, frames) in cases.items():
            turns = take_turns(_ways(loose, stores, inputs, frames), rounds=rounds)
            rows += [_row(name, way, turns, len(videos)) for way in turns.seconds]
        sizes = [
            [
                encoding,
                f"{_bytes(stores[encoding, plain.FRAMES]) / count / 1e6:.3f}",
                f"{_grown(stores[encoding, plain.FRAMES]):.0f}",
            ]
            for encoding in ("raw", "jpeg")
        ]
    return "\n\n".join(
        [
            f"{count} clips of EgoGestAR in random order, in batches of {BATCH} as uint8, all in"
            " the system's cache; one reading thread, by processor time.",
            table(["what", "samples/s", "x loose JPEGs", "share of the RAM copy"], rows),
            "What a store needs; resident memory is what a process grows by that reads everything"
            " ten times over, (b), after its first batch:",
            table(["encoding", "MB a clip", "resident memory grows by (MB)"], sizes),
            "**The limit.** The RAM copy moves every byte once, from an array into the batch. The"
            " raw store does the same from mapped files, and has the clip to find; JPEG is bounded"
            " by its decoder.",
        ]
    )


def _ways(
    loose: list[Path], stores: dict[tuple[str, int], Store], inputs: Inputs, frames: int
) -> dict[str, Callable[[], object]]:
    raw, jpeg = stores["raw", frames], stores["jpeg", frames]
    order = np.random.default_rng(0).permutation(len(loose)).tolist()
    batches = [order[start : start + BATCH] for start in range(0, len(order), BATCH)]
    kept = [raw.sample(str(number)) for number in range(len(loose))]
    if inputs.rgb == "middle":
        pictures = [sample.middle_frame.copy() for sample in kept]
    else:
        pictures = [sample.frames.copy() for sample in kept]
    flows = [sample.flow.copy() for sample in kept] if inputs.flow else []

    def from_ram() -> None:
        for batch in batches:
            torch.from_numpy(np.stack([pictures[number] for number in batch]))
            if inputs.flow:
                torch.from_numpy(np.stack([flows[number] for number in batch]))

    def from_store(store: Store) -> None:
        rows = [store.row(str(number)) for number in range(len(loose))]
        for batch in batches:
            read_batch(store, [rows[number] for number in batch], inputs=inputs)

    def from_files() -> None:
        for batch in batches:
            if inputs.rgb == "middle":
                np.stack([plain.read_middle_frame(loose[number]) for number in batch])
            else:
                np.stack([plain.read_frames(loose[number], count=frames) for number in batch])
            if inputs.flow:
                np.stack([plain.read_flow(loose[number]) for number in batch])

    return {
        "loose JPEGs": from_files,
        "RAM copy": from_ram,
        "raw store": lambda: from_store(raw),
        "jpeg store": lambda: from_store(jpeg),
    }


def _row(name: str, way: str, turns: Turns, count: int) -> list[str]:
    return [
        f"{name}: {way}",
        f"{count / turns.median(way):,.0f}",
        f"{turns.ratio('loose JPEGs', way):.1f}",
        f"{turns.ratio('RAM copy', way):.2f}",
    ]


def _bytes(store: Store) -> int:
    return sum(path.stat().st_size for path in store.path.rglob("*") if path.is_file())


def _grown(store: Store) -> float:
    inputs = Inputs(rgb="middle", flow=True)
    before = None
    for _ in range(10):
        for start in range(0, len(store.rows), BATCH):
            read_batch(store, store.rows[start : start + BATCH], inputs=inputs)
            before = _resident() if before is None else before
    assert before is not None
    return (_resident() - before) / 1e6


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
