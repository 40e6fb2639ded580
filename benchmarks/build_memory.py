"""How much memory does a build take, and does it grow with the clips? Measured on 1280 x 720.

    python benchmarks/build_memory.py

renders videos of 1280 x 720 (a minute each, H.264), asks for 2,000 clips that lie all over them,
runs `signflow build`, watches the peak resident memory of every process by /proc while it goes on,
and writes the table in docs/building.md. Linux only.
"""

import csv
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import tyro
from flow_bound import write_between_markers

from signflow.progress import console, progress_bar
from signflow.store.layout import building_folder
from signflow.store.rows import read_rows

PAGE = Path(__file__).parents[1] / "docs" / "building.md"
WIDTH, HEIGHT, RATE, SECONDS = 1280, 720, 30, 60
CLIP_SECONDS = 2.0
DIFFERENT = 4


@dataclass(frozen=True)
class Moment:
    """What was seen while a build went on.

    Attributes:
        clips: dealt with so far.
        workers: peak resident memory of every worker so far, in MB.
        main: that of the process that was started.
    """

    clips: int
    workers: tuple[float, ...]
    main: float


def main(*, clips: int = 2000, videos: int = 40, workers: int = 2, write: bool = True) -> None:
    """Render, build, watch, and write the table.

    Args:
        clips: how many in all.
        videos: how many sources they lie in.
        workers: processes.
        write: whether the table goes into docs/building.md.
    """
    with tempfile.TemporaryDirectory() as folder:
        table = _make_source(Path(folder), clips=clips, videos=videos)
        moments = list(_watch_build(table, Path(folder) / "store", workers=workers))
    text = _table(moments, clips=clips, videos=videos, workers=workers)
    console.print(text, markup=False, highlight=False, soft_wrap=True)
    if write:
        write_between_markers(PAGE, text)


def _make_source(folder: Path, *, clips: int, videos: int) -> Path:
    random = np.random.default_rng(0)
    with progress_bar() as progress, (folder / "clips.csv").open("w", newline="") as file:
        task = progress.add_task("Rendering", total=videos, note="")
        rows = csv.writer(file)
        rows.writerow(["source", "gloss", "split", "start", "end"])
        for number in range(videos):
            path = folder / f"{number}.mp4"
            if number < DIFFERENT:
                render(path, phase=number)
            else:  # what a picture shows plays no part in memory
                path.hardlink_to(folder / f"{number % DIFFERENT}.mp4")
            for start in sorted(random.uniform(0, SECONDS - CLIP_SECONDS, clips // videos)):
                end = start + CLIP_SECONDS
                rows.writerow([path.name, "moves", "train", f"{start:.3f}", f"{end:.3f}"])
            progress.advance(task)
    return folder


def render(
    path: Path, *, phase: int, width: int = WIDTH, height: int = HEIGHT, seconds: int = SECONDS
) -> None:
    """Write an H.264 video in which a textured picture drifts and a lighter square goes round."""
    texture = np.random.default_rng(0).integers(
        0, 256, (height // 8, width // 8, 3), dtype=np.uint8
    )
    big = np.kron(texture, np.ones((8, 8, 1), dtype=np.uint8))
    middle, side = (height // 2, width // 2), height // 6
    with av.open(str(path), "w") as container:
        options = {"preset": "veryfast", "crf": "28"}
        stream: Any = container.add_stream("libx264", rate=Fraction(RATE), options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(RATE * seconds):
            picture = np.roll(big, number // 4, axis=1)
            angle = phase + number / 20
            y = int(middle[0] - side / 2 + height / 4 * np.sin(angle))
            x = int(middle[1] - side / 2 + width / 4 * np.cos(angle))
            picture[y : y + side, x : x + side] = 240
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def _watch_build(table: Path, store: Path, *, workers: int) -> Iterator[Moment]:
    words = ["build", str(table), "--protocol", "report", "--out", str(store)]
    words += ["--workers", str(workers)]
    process = subprocess.Popen([sys.executable, "-m", "signflow.cli.main", *words])
    done: dict[Path, int] = {}
    while process.poll() is None:
        for path in building_folder(store).glob("[0-9]*.parquet"):
            if path not in done:
                done[path] = len(read_rows(path))
        peaks = tuple(
            peak for child in _children(process.pid) if (peak := _peak_megabytes(child)) > 60
        )
        if peaks:
            yield Moment(sum(done.values()), peaks, _peak_megabytes(process.pid))
        time.sleep(0.5)
    if process.returncode:
        raise SystemExit(process.returncode)


def _children(parent: int) -> list[int]:
    """Of a process, by /proc."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent:
            found.append(int(stat.parent.name))
    return found


def _peak_megabytes(process: int) -> float:
    """The most memory that was resident at once, libraries included, in millions of bytes."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0.0
    lines = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    return int(lines.get("VmHWM", "0 kB").split()[0]) * 1024 / 1e6


def _table(moments: list[Moment], *, clips: int, videos: int, workers: int) -> str:
    lines = [
        f"{clips:,} clips of {CLIP_SECONDS:g} s in {videos} videos of {WIDTH} x {HEIGHT}, a minute"
        f" each; 10 frames of 224 x 224 per clip; {workers} workers.",
        "",
        "| clips dealt with | peak memory of a worker (MB) | of the main process (MB) |",
        "|---:|---:|---:|",
    ]
    for share in (0.05, 0.1, 0.25, 0.5, 0.75, 1.0):
        seen = [moment for moment in moments if moment.clips <= share * clips]
        last = seen[-1]
        lines.append(f"| {last.clips:,} | {max(last.workers):.0f} | {last.main:.0f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    tyro.cli(main)
