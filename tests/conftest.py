"""Real, small videos for every test: a textured square that moves the way its gloss says."""

import contextlib
import csv
import io
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pytest

from signflow.cli.main import main

MOTIONS = {"down": (0, 2), "left": (-2, 0), "right": (2, 0)}
WIDTH, HEIGHT, FPS = 96, 80, 25


def write_square_video(
    path: Path,
    *,
    gloss: str,
    seed: int = 0,
    frames: int = 20,
    clips: int = 1,
    container_options: dict[str, str] | None = None,
) -> Path:
    """Write an H.264 video in which a square moves; `clips` times, with half a second between."""
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    background = random.integers(40, 90, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    square = random.integers(120, 255, (20, 20, 3), dtype=np.uint8)
    dx, dy = MOTIONS[gloss]
    x0, y0 = 38 - dx * frames // 2, 30 - dy * frames // 2
    with av.open(str(path), "w", container_options=container_options or {}) as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for _ in range(clips):
            for number in [*range(frames), *[None] * (FPS // 2 if clips > 1 else 0)]:
                picture = background.copy()
                if number is not None:
                    x, y = x0 + dx * number, y0 + dy * number
                    picture[y : y + 20, x : x + 20] = square
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.fixture(scope="session")
def square_table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of 36 clips of three glosses in 24 videos, with splits, groups, signers and folds."""
    folder = tmp_path_factory.mktemp("squares")
    rows: list[dict[str, object]] = []
    for number in range(8):
        for gloss in MOTIONS:
            name = f"videos/{gloss}{number}.mp4"
            twice = number % 2
            seed = len(rows)
            write_square_video(folder / name, gloss=gloss, seed=seed, clips=1 + twice)
            for clip in range(1 + twice):
                rows.append(
                    {
                        "source": name,
                        "gloss": gloss,
                        "split": ["train", "train", "val", "test"][number // 2],
                        "start": clip * 1.28 if twice else "",
                        "end": clip * 1.28 + 0.8 if twice else "",
                        "group": f"g{number}",
                        "signer": f"s{number}",
                        "fold": number // 2,
                    }
                )
    with (folder / "clips.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    return folder / "clips.csv"


@dataclass(frozen=True)
class Done:
    """What a command left: its exit status and what it printed."""

    returncode: int
    stdout: str
    stderr: str


Signflow = Callable[..., Done]


@pytest.fixture(scope="session")
def signflow(tmp_path_factory: pytest.TempPathFactory) -> Signflow:
    """Run the command line in a folder of its own; `check=False` lets it fail.

    It runs in this process: importing PyTorch anew for every command would take minutes. What
    needs a process of its own (kills, exit statuses) starts one.
    """
    folder = tmp_path_factory.mktemp("here")

    def run(*words: str | Path, check: bool = True) -> Done:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.chdir(folder), redirect_stdout(out), redirect_stderr(err):
            try:
                main(list(map(str, words)))
            except SystemExit as ended:
                status = int(ended.code or 0)
        if check:
            assert status == 0, err.getvalue()
        return Done(status, out.getvalue(), err.getvalue())

    return run


@pytest.fixture(scope="session")
def square_store(
    square_table: Path, tmp_path_factory: pytest.TempPathFactory, signflow: Signflow
) -> Path:
    """The store of `square_table`: 10 frames of 32 x 32."""
    out = tmp_path_factory.mktemp("stores") / "squares"
    signflow("build", square_table, "--out", out, "--image-size", "32", "--workers", "1")
    return out
