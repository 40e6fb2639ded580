"""Does augmented flow agree with the flow of augmented frames, and what does augmenting cost?

    python benchmarks/augment_agreement.py --data ../shared/data

takes clips of egogestar and croatian_signs under the given folder and a rendered moving texture, 16
frames of 112 x 112 of each, and writes the tables in docs/augmentation.md. Some three minutes on
one core.
"""

import statistics
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import torch
import tyro
from flow_bound import croatian_signs, egogestar, write_between_markers
from numpy.typing import NDArray

from signflow.annotations import Clip
from signflow.progress import console, progress_bar
from signflow.store import ClipRow
from signflow.training import Batch
from signflow.training.augment import PRESETS, Augmentation, Draws, augment, timing
from signflow.training.steps import parts_of
from signflow.video import Farneback, VideoFault, compute_flow, quantise_flow

# How agreement is measured lies with the tests, which hold it to limits.
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from agreement import (
    BOUND,
    FRAMES,
    Agreement,
    in_place,
    in_time,
    moving_texture,
    real_frames,
)

PAGE = Path(__file__).parents[1] / "docs" / "augmentation.md"
Frames = NDArray[np.uint8]


def main(data: Path, clips: int = 12, page: Path = PAGE) -> None:
    """Measure, and write the tables between the page's markers.

    Args:
        data: the folder that holds egogestar and croatian_signs.
        clips: about how many of each set, evenly over its list, less those that are too short.
        page: the Markdown page to bring up to date.
    """
    torch.set_num_threads(1)
    # Every other frame is stored: between two of them there is a truth to compare with.
    halves = 2 * FRAMES - 1
    films = {"texture": [moving_texture(np.arange(halves) / 2)]}
    for name, videos in (("EgoGestAR", egogestar(data)), ("Croatian signs", croatian_signs(data))):
        films[name] = []
        for video in videos[:: max(1, len(videos) // clips)]:
            with suppress(VideoFault):  # too short
                films[name].append(real_frames(video, count=halves))
    with progress_bar() as progress:
        task = progress.add_task("Measuring", total=len(PLACES) + len(_times()), note="")
        tables: dict[str, list[str]] = {"place": [], "time": []}
        for name, change in PLACES.items():
            cells = [_cell([in_place(film[::2], **change) for film in of]) for of in films.values()]
            tables["place"].append(f"| {name} | {' | '.join(cells)} |")
            progress.advance(task)
        for name, (times, truth) in _times().items():
            cells = [_times_cell(of, times, truth) for of in films.values()]
            tables["time"].append(f"| {name} | {' | '.join(cells)} |")
            progress.advance(task)
    head = [f"| | {' | '.join(films)} |", "|---|" + "---:|" * len(films)]
    tables["cost"] = _cost(films["EgoGestAR"][:8])
    for name, lines in tables.items():
        lines = lines if name == "cost" else [*head, *lines]
        write_between_markers(page, "\n".join(lines), name=name)
        console.print("\n".join(lines), soft_wrap=True)


PLACES: dict[str, dict[str, float]] = {
    "as it is": {},
    "shift by 10 %": {"shift": 0.1},
    "flip": {"mirrored": True},
    "rotation by 10 degrees": {"rotation": 10.0},
    "rotation by 30 degrees": {"rotation": 30.0},
    "aspect 1.2": {"aspect": 1.2},
    "scale 1.2": {"scale": 1.2},
    "scale 1 / 1.2": {"scale": 1 / 1.2},
}


def _times() -> dict[str, tuple[list[float], bool]]:
    """Times, and whether the truth at them is decoded: where they fall between stored frames."""
    last = FRAMES - 1
    return {
        "every third frame lost": ([float(n - (n % 3 == 1)) for n in range(FRAMES)], False),
        "2 times as fast": ([min(2.0 * n, last) for n in range(FRAMES)], False),
        "3 times as fast": ([min(3.0 * n, last) for n in range(FRAMES)], False),
        "1.5 times as fast": ([min(1.5 * n, last) for n in range(FRAMES)], True),
        "half as fast": ([4 + n / 2 for n in range(FRAMES)], True),
    }


def _cell(found: Sequence[Agreement]) -> str:
    error, naive = (
        statistics.median(getattr(each, name) for each in found) for name in ("error", "naive")
    )
    return f"{error:.3f} ({naive:.3f})"


def _times_cell(films: Sequence[Frames], times: list[float], truth: bool) -> str:
    def measured() -> list[Agreement]:
        seen = [round(2 * at) for at in times]
        return [in_time(film[::2], times, truth=film[seen] if truth else None) for film in films]

    followed = measured()
    with mock.patch.object(timing, "_look_up", lambda images, where: images):
        added = measured()
    error, of_sum, naive = (
        statistics.median(getattr(each, name) for each in found)
        for found, name in ((followed, "error"), (added, "error"), (followed, "naive"))
    )
    return f"{error:.3f} / {of_sum:.3f} ({naive:.3f})"


def _cost(films: Sequence[Frames]) -> list[str]:
    """Processor time per clip, median of 9 batches; of several threads the sum."""
    frames = np.stack([film[::2] for film in films])
    flow = [quantise_flow(compute_flow(f, method=Farneback()), bound=BOUND)[0] for f in frames]
    clips = [
        Clip(clip_id=str(n), source="", label=0, gloss="", split="train") for n in range(len(films))
    ]
    (part,) = parts_of([ClipRow(clip=clip, status="built") for clip in clips], batch_size=99)
    batch = Batch(
        rgb=torch.from_numpy(frames),
        flow=torch.from_numpy(np.stack(flow)),
        labels=torch.zeros(len(films), dtype=torch.int64),
        clip_ids=tuple(clip.clip_id for clip in clips),
    )
    strengths = {
        "light": PRESETS["light"],
        "standard": PRESETS["standard"],
        "standard, mixup and cutmix": replace(PRESETS["standard"], mixup=0.4, cutmix=1.0),
        "place alone": Augmentation(scale=0.2, rotation=10.0),
        "time alone": Augmentation(speed=0.25),
        "colour alone": Augmentation(brightness=0.3, hue=0.05),
        "noise alone": Augmentation(noise=4.0),
    }
    spent: dict[str, list[float]] = {name: [] for name in strengths}
    for repeat in range(9):
        for name, strength in strengths.items():
            begin = time.process_time()
            augment(batch, strength, Draws(repeat, part), bound=BOUND, classes=10)
            spent[name].append((time.process_time() - begin) / len(films) * 1000)
    lines = [f"| {name} | {statistics.median(each):.0f} |" for name, each in spent.items()]
    return ["| | ms per clip |", "|---|---:|", *lines]


if __name__ == "__main__":
    tyro.cli(main)
