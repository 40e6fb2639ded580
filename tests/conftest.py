"""What every test may use: a set of small real videos, its store, and the command line."""

import contextlib
import csv
import io
import os
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from squares import MOTIONS, Done, Signflow, write_square_video

from signflow.cli.main import main

# Tests run side by side: PyTorch's threads would wait for each other's cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")


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
    words = ["--protocol", "report", "--image-size", "32", "--workers", "0"]
    signflow("build", square_table, "--out", out, *words)
    return out
