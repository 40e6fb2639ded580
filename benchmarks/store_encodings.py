"""What do a store's encodings save, cost and lose? Measured on real clips.

    python benchmarks/store_encodings.py --source ../shared/data/egogestar

takes some clips of a set, evenly spread, makes their samples once, writes them in every encoding,
and writes the table in docs/store.md. Rates are medians over rounds in which the encodings take
turns, so that whatever else the machine does meets all of them; what needs no disk is timed by the
processor's clock, which other processes do not move much.
"""

import os
import random
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import tyro
from flow_bound import write_between_markers
from numpy.typing import NDArray

from signflow.annotations import Clip, read_clips
from signflow.errors import UserError
from signflow.progress import console, progress_bar
from signflow.store import ENCODINGS, Made, Recipe, Sample, make_samples
from signflow.store.encodings import encode_images
from signflow.store.shard import Shard, ShardWriter

PAGE = Path(__file__).parents[1] / "docs" / "store.md"
QUALITIES = (80, 90, 95, 98)

READS: dict[str, Callable[[Sample], Sequence[NDArray[np.uint8]]]] = {
    "middle frame": lambda sample: [sample.middle_frame],
    "middle frame, flow": lambda sample: [sample.middle_frame, sample.flow],
    "all": lambda sample: [sample.frames, sample.flow],
}
COLD = "all, not in memory"


@dataclass(frozen=True)
class Variant:
    """An encoding with its options, and what it came to.

    Attributes:
        recipe: the recipe with this encoding.
        path: the shard.
        seconds: that encoding one sample took, the median.
        frame_errors: how often the frames' values are wrong by 0, 1, 2, .. 255.
        flow_errors: likewise of the flow's steps.
    """

    recipe: Recipe
    path: Path
    seconds: float
    frame_errors: NDArray[np.int64]
    flow_errors: NDArray[np.int64]

    @property
    def title(self) -> str:
        """What the table calls it."""
        quality = f" {self.recipe.jpeg_quality}" if self.recipe.encoding == "jpeg" else ""
        return self.recipe.encoding + quality


def main(
    source: Path,
    clips: int = 48,
    rounds: int = 7,
    image_size: int = 224,
    frames: int = 10,
    scratch: Path | None = None,
    page: Path = PAGE,
) -> None:
    """Measure, and write the table between the page's markers.

    Args:
        source: a table of clips, or a folder.
        clips: how many of them, evenly spread.
        rounds: how often everything is read.
        image_size: of the recipe, in pixels.
        frames: of the recipe.
        scratch: a folder on the disk to measure; the system's for temporary files by default.
        page: the Markdown page to bring up to date.
    """
    recipe = Recipe(image_size=image_size, frames=frames)
    samples = make(read_clips(source).clips, clips, recipe)
    recipes = [replace(recipe, encoding=name) for name in ENCODINGS if name != "jpeg"]
    recipes += [replace(recipe, encoding="jpeg", jpeg_quality=quality) for quality in QUALITIES]
    with tempfile.TemporaryDirectory(dir=scratch) as folder, progress_bar() as progress:
        task = progress.add_task("Measuring", total=len(recipes) + rounds, note="")
        variants = []
        for number, one in enumerate(recipes):
            variants.append(write(samples, one, Path(folder) / f"{number}.arrow"))
            progress.advance(task)
        rates: dict[tuple[str, str], list[float]] = defaultdict(list)
        for round_number in range(rounds):
            for variant in variants:
                for what, rate in read_all(variant, seed=round_number).items():
                    rates[variant.title, what].append(rate)
            progress.advance(task)
        lines = [
            f"{len(samples)} clips of {source.name}, {frames} frames of {image_size} x"
            f" {image_size}; medians of {rounds} rounds, one thread.",
            "",
            *table(variants, rates, clips=len(samples), bound=recipe.bound),
        ]
    write_between_markers(page, "\n".join(lines))
    console.print("\n".join(lines), soft_wrap=True)


def make(clips: Sequence[Clip], count: int, recipe: Recipe) -> list[Sample]:
    """Samples of evenly spread clips."""
    chosen = clips[:: max(1, len(clips) // count)][:count]
    samples = []
    with progress_bar() as progress:
        for clip in progress.track(chosen, description="Decoding"):
            ((_, made),) = make_samples([clip], recipe=recipe)
            if not isinstance(made, Made):
                raise UserError(str(made))
            samples.append(made.sample)
    return samples


def write(samples: Sequence[Sample], recipe: Recipe, path: Path) -> Variant:
    """Encode raw samples, write their shard, and count what was lost."""
    seconds = []
    errors = {name: np.zeros(256, dtype=np.int64) for name in ("frames", "flow")}
    with ShardWriter(path, recipe=recipe) as writer:
        for sample in samples:
            started = time.thread_time()
            frames, flow = (
                encode_images(images, encoding=recipe.encoding, quality=recipe.jpeg_quality)
                for images in (sample.frames, sample.flow)
            )
            seconds.append(time.thread_time() - started)
            kept = Sample(clip_id=sample.clip_id, label=sample.label, frames=frames, flow=flow)
            writer.append(kept)
            for name, counts in errors.items():
                before, after = (getattr(one, name).astype(np.int16) for one in (sample, kept))
                counts += np.bincount(np.abs(before - after).ravel(), minlength=256)
    with path.open("rb") as file:
        os.fsync(file.fileno())
    return Variant(recipe, path, statistics.median(seconds), errors["frames"], errors["flow"])


def read_all(variant: Variant, *, seed: int) -> dict[str, float]:
    """Samples per second by what is looked at, in random order, copied as a batch copies them.

    Of processor time; where the file is not in memory, of the clock on the wall.
    """
    rates = {}
    for what, look in ((COLD, READS["all"]), *READS.items()):
        clock = time.perf_counter if what == COLD else time.thread_time
        if what == COLD:
            forget(variant.path)
        shard = Shard(variant.path, recipe=variant.recipe)
        order = list(range(len(shard)))
        random.Random(seed).shuffle(order)
        started = clock()
        for row in order:
            for images in look(shard.sample(row)):
                np.stack([images])
        rates[what] = len(order) / (clock() - started)
    return rates


def forget(path: Path) -> None:
    """Ask the system to drop a file's pages from memory."""
    if hasattr(os, "posix_fadvise"):
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def table(
    variants: Sequence[Variant],
    rates: dict[tuple[str, str], list[float]],
    *,
    clips: int,
    bound: float,
) -> Iterator[str]:
    """One line per variant; errors of frames in grey values (0 to 255), of flow in pixels."""
    reads = [*READS, COLD]
    yield (
        "| encoding | MB per clip | ms to encode a clip | "
        + " | ".join(f"clips/s: {what}" for what in reads)
        + " | frames: mean error | 99.9 % within | flow: mean error | 99.9 % within |"
    )
    yield "|---|" + "---:|" * (6 + len(reads))
    for variant in variants:
        megabytes = variant.path.stat().st_size / clips / 1e6
        cells = [f"{megabytes:.3f}", f"{variant.seconds * 1e3:.1f}"]
        cells += [f"{statistics.median(rates[variant.title, what]):.0f}" for what in reads]
        cells += [f"{mean(variant.frame_errors):.2f}", f"{percentile(variant.frame_errors)}"]
        step = bound / 127
        cells += [
            f"{mean(variant.flow_errors) * step:.3f}",
            f"{percentile(variant.flow_errors) * step:.2f}",
        ]
        yield f"| {variant.title} | {' | '.join(cells)} |"


def mean(counts: NDArray[np.int64]) -> float:
    """The mean of what was counted at 0, 1, 2, ..."""
    return float((counts * np.arange(len(counts))).sum() / counts.sum())


def percentile(counts: NDArray[np.int64], p: float = 99.9) -> int:
    """The value that p percent do not exceed."""
    return int(np.argmax(np.cumsum(counts) >= p / 100 * counts.sum()))


if __name__ == "__main__":
    tyro.cli(main)
