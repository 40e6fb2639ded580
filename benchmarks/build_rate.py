"""How long does a large build take, and what bounds it? Measured clip by clip, then multiplied.

    python benchmarks/build_rate.py

renders videos of the two sizes that nearly all of MS-ASL's have, builds clips of MS-ASL's length
from them in this process, decodes the same clips again without flow, and computes their flow again
without decoding. Processor time is counted, so that it matters little what else the machine does.
Writes the table in docs/building.md.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from build_memory import PAGE, render
from flow_bound import write_between_markers

from signflow.annotations import Clip, ClipList
from signflow.progress import console, progress_bar
from signflow.store import Recipe, build_store
from signflow.video import DecodedSpan, Span, compute_flow, decode_spans

# Of the 13,113 clips in the annotations' complete validation and test files and the first hundred
# classes of training: 38 % are 720 pixels high and nearly all others 360, 2.77 s long on average,
# 3.2 to a video. All of MS-ASL-1000 are 25,513 (Joze and Koller 2019, table 2).
CLIPS, SHARE_OF_720 = 25_513, 0.38
CLIP_SECONDS, CLIPS_PER_VIDEO = 2.77, 3
VIDEO_SECONDS = 120
MEGABYTES = {"raw": 2.41, "jpeg": 0.21}  # a clip; docs/store.md


@dataclass(frozen=True)
class Cost:
    """Milliseconds of one core for a clip.

    Attributes:
        all: everything that a build does.
        decode: finding, decoding and shrinking its frames.
        flow: the flow between them.
    """

    all: float
    decode: float
    flow: float

    @property
    def rest(self) -> float:
        """Bytes of the flow, the shards, the table."""
        return self.all - self.decode - self.flow


def main(*, videos: int = 8, repeats: int = 3, write: bool = True) -> None:
    """Measure both sizes and write the table.

    Args:
        videos: of each size, 3 clips in each.
        repeats: times that everything is measured, in turn; medians count.
        write: whether the table goes into docs/building.md.
    """
    sizes = ((640, 360), (1280, 720))
    found: dict[tuple[int, int], list[Cost]] = {size: [] for size in sizes}
    with tempfile.TemporaryDirectory() as folder, progress_bar() as progress:
        task = progress.add_task("Rendering", total=len(sizes) + repeats, note="")
        sources = {}
        for width, height in sizes:
            sources[width, height] = _clips(Path(folder), width, height, videos=videos)
            progress.advance(task)
        for number in range(repeats):
            progress.update(task, description="Building")
            for size, clips in sources.items():
                found[size].append(_measure(clips, Path(folder) / f"store-{size[0]}-{number}"))
            progress.advance(task)
    costs = {size: _median(each) for size, each in found.items()}
    text = _table(costs)
    console.print(text, markup=False, highlight=False, soft_wrap=True)
    if write:
        write_between_markers(PAGE, text, name="rate")


def _clips(folder: Path, width: int, height: int, *, videos: int) -> list[Clip]:
    random = np.random.default_rng(height)
    clips = []
    for number in range(videos):
        path = folder / f"{height}-{number}.mp4"
        if number == 0:
            render(path, phase=number, width=width, height=height, seconds=VIDEO_SECONDS)
        else:
            path.hardlink_to(folder / f"{height}-0.mp4")
        starts = random.uniform(0, VIDEO_SECONDS - CLIP_SECONDS, CLIPS_PER_VIDEO)
        clips += [
            Clip(
                clip_id=f"{height}-{number}-{index}",
                source=str(path),
                start=float(start),
                end=float(start) + CLIP_SECONDS,
                gloss="moves",
                label=0,
                split="train",
            )
            for index, start in enumerate(sorted(starts))
        ]
    return clips


def _measure(clips: list[Clip], store: Path) -> Cost:
    recipe = Recipe()
    listed = ClipList(clips=tuple(clips), classes=("moves",), origin={"reader": "benchmark"})
    built = _milliseconds(lambda: build_store(listed, out=store, recipe=recipe, workers=0), clips)
    decoded: list[DecodedSpan] = []

    def decode() -> None:
        for source in dict.fromkeys(clip.source for clip in clips):
            spans = [Span(clip.start, clip.end) for clip in clips if clip.source == source]
            side = recipe.image_size
            for _, span in decode_spans(
                Path(source), spans=spans, count=recipe.frames, size=(side, side)
            ):
                assert isinstance(span, DecodedSpan), span
                decoded.append(span)

    def flow() -> None:
        for span in decoded:
            compute_flow(span.frames, method=recipe.flow)

    return Cost(built, _milliseconds(decode, clips), _milliseconds(flow, clips))


def _milliseconds(work: Callable[[], object], clips: list[Clip]) -> float:
    before = time.process_time()
    work()
    return (time.process_time() - before) * 1e3 / len(clips)


def _median(costs: list[Cost]) -> Cost:
    names = ("all", "decode", "flow")
    return Cost(*(statistics.median(getattr(cost, name) for cost in costs) for name in names))


def _table(costs: dict[tuple[int, int], Cost]) -> str:
    small, large = costs[640, 360], costs[1280, 720]
    mean = small.all * (1 - SHARE_OF_720) + large.all * SHARE_OF_720
    hours = mean * CLIPS / 3.6e6
    lines = [
        f"{CLIPS_PER_VIDEO} clips of {CLIP_SECONDS} s in each H.264 video of"
        f" {VIDEO_SECONDS // 60} minutes; 10 frames of 224 x 224 and their Farneback flow."
        " Milliseconds of one core for a clip:",
        "",
        "| source | decoding | flow | bytes, shards, table | all |",
        "|---|---:|---:|---:|---:|",
    ]
    for (width, height), cost in costs.items():
        lines.append(
            f"| {width} x {height} | {cost.decode:.0f} | {cost.flow:.0f} | {cost.rest:.0f} |"
            f" **{cost.all:.0f}** |"
        )
    lines += [
        "",
        f"With {SHARE_OF_720 * 100:.0f} % of the clips at 720 pixels, as in MS-ASL, and the others"
        f" at 360: {mean:.0f} ms a clip, so for the {CLIPS:,} clips of MS-ASL-1000",
        "",
        "| | |",
        "|---|---|",
        f"| on 1 core | {hours:.1f} hours |",
        *(
            f"| on {cores} cores, if they do not disturb each other | {_duration(hours / cores)} |"
            for cores in (2, 16)
        ),
        *(
            f"| size of the store, `--encoding {name}` | {size * CLIPS / 1e3:.0f} GB |"
            for name, size in MEGABYTES.items()
        ),
        f"| written a second by 16 cores, `--encoding raw` |"
        f" {16 * MEGABYTES['raw'] * 1e3 / mean:.0f} MB |",
    ]
    return "\n".join(lines)


def _duration(hours: float) -> str:
    return f"{hours:.1f} hours" if hours >= 1 else f"{hours * 60:.0f} minutes"


if __name__ == "__main__":
    tyro.cli(main)
