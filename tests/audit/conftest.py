"""A small set in which all is wrong that an audit looks for."""

import csv
import shutil
from pathlib import Path

import pytest

from audit.films import circle, late_circle, mirrored, pictures, resized, wave, write
from signflow.annotations import read_clips
from signflow.store import Recipe, Store, build_store

FIELDS = ("source", "gloss", "split", "start", "end", "signer", "fold")

ROWS = (
    # An original in test; copies in validation (smaller) and training (mirrored).
    ("a/original.mp4", "circle", "test", "", "", "anna", 0),
    ("b/smaller.mp4", "circle", "val", "", "", "ben", 1),
    ("c/mirrored.mp4", "wave", "train", "", "", "cleo", 2),
    # Another take of it is no copy.
    ("c/take.mp4", "circle", "train", "", "", "cleo", 2),
    # The same file under two names, in one split but two folds.
    ("d/wave.mp4", "wave", "train", "", "", "anna", 0),
    ("d/wave-again.mp4", "wave", "train", "", "", "dora", 1),
    # One video with stretches that overlap by three quarters, and by a tenth.
    ("e/long.mp4", "wave", "test", 0, 2, "eve", 0),
    ("e/long.mp4", "circle", "val", 0.5, 2.5, "eve", 0),
    ("e/long.mp4", "wave", "train", 2.3, 4.3, "", 0),
    ("f/gone.mp4", "circle", "train", "", "", "", 2),
)


@pytest.fixture(scope="session")
def leaky(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of clips with copies, repeats, shared signers and a video that is gone."""
    folder = tmp_path_factory.mktemp("leaky")
    original = pictures(circle)
    write(folder / "a/original.mp4", original)
    write(folder / "b/smaller.mp4", resized(original, 96, 72), crf=26)
    write(folder / "c/mirrored.mp4", mirrored(original))
    write(folder / "c/take.mp4", pictures(late_circle))
    write(folder / "d/wave.mp4", pictures(wave, seed=3))
    shutil.copy(folder / "d/wave.mp4", folder / "d/wave-again.mp4")
    write(
        folder / "e/long.mp4", pictures(lambda part: wave(2.7 * part**1.5 % 1), seed=5, frames=110)
    )
    with (folder / "clips.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(FIELDS)
        table.writerows(ROWS)
    return folder / "clips.csv"


@pytest.fixture(scope="session")
def leaky_store(leaky: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The store of `leaky`, with all its leaks."""
    out = tmp_path_factory.mktemp("stores") / "leaky"
    build_store(read_clips(leaky), out=out, recipe=Recipe(image_size=64), workers=1)
    return Store.open(out)
