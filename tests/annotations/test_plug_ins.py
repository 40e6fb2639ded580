"""Packages bring readers of their own; the one in docs/readers.md is installed and used."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

import signflow
from signflow.annotations import ClipList, ReadOptions, read_clips, reader

DOCS = Path(__file__).parents[2] / "docs" / "readers.md"
SOURCES = Path(signflow.__file__).parents[1]


def block(language: str) -> str:
    """The one block of a language in the documentation."""
    (text,) = re.findall(rf"```{language}\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    return text


def install(site: Path, *, project: str, module: str, code: str) -> Path:
    """Lay out what `pip install` leaves of a package with one module: its code and its metadata."""
    stated = tomllib.loads(project)["project"]
    info = site / f"{stated['name'].replace('-', '_')}-{stated['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {stated['name']}\nVersion: {stated['version']}\n"
    )
    lines = [
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in entries.items())
        for group, entries in stated["entry-points"].items()
    ]
    (info / "entry_points.txt").write_text("\n".join(lines))
    (site / f"{module}.py").write_text(code, encoding="utf-8")
    return site


def run_signflow(site: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own, where the package is installed."""
    path = os.pathsep.join([str(site), str(SOURCES)])
    return subprocess.run(
        [sys.executable, "-m", "signflow.cli.main", *map(str, words)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
    )


def write_jester(folder: Path) -> Path:
    """A set in the layout of Jester: label files, and a folder of JPEG images per clip."""
    folder.mkdir()
    (folder / "jester-v1-labels.csv").write_text("Swiping Left\nDoing other things\n")
    (folder / "jester-v1-train.csv").write_text("34870;Swiping Left\n56557;Doing other things\n")
    (folder / "jester-v1-validation.csv").write_text("9223;Swiping Left\n404;Swiping Left\n")
    rng = np.random.default_rng(0)
    for name in ("34870", "56557", "9223"):
        (folder / "videos" / name).mkdir(parents=True)
        for number in range(1, 13):
            picture = rng.integers(0, 255, (100, 132, 3), dtype=np.uint8)
            cv2.imwrite(str(folder / "videos" / name / f"{number:05}.jpg"), picture)
    return folder


def test_the_reader_in_the_documentation_reads_jester(tmp_path: Path) -> None:
    code = block("python")
    site = install(tmp_path / "site", project=block("toml"), module="jester_reader", code=code)
    jester = write_jester(tmp_path / "jester")
    words = ["build", jester, "--videos", jester / "videos", "--out", tmp_path / "store"]

    done = run_signflow(site, *words, "--image-size", "32", "--workers", "0")

    assert done.returncode == 0, done.stderr
    rows = pq.read_table(tmp_path / "store" / "clips.parquet").to_pylist()
    assert [(r["clip_id"], r["label"], r["split"], r["status"], r["fps"]) for r in rows] == [
        ("34870", 0, "train", "built", 12.0),
        ("56557", 1, "train", "built", 12.0),
        ("9223", 0, "val", "built", 12.0),
        ("404", 0, "val", "file-missing", None),
    ]

    without = run_signflow(site, "build", jester, "--out", tmp_path / "other")
    assert without.returncode == 2
    assert "Jester needs --videos DIR" in without.stderr


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import no_such_module_at_all", "ModuleNotFoundError"),
        ("1 / 0", "ZeroDivisionError"),
        (
            "from signflow.annotations import reader\n"
            "@reader('table', matches=lambda path: True)\n"
            "def read(source, options): ...",
            "there is a reader named 'table' already",
        ),
    ],
)
def test_a_plug_in_that_cannot_be_loaded_is_named_in_one_line(
    tmp_path: Path, code: str, said: str
) -> None:
    site = install(tmp_path / "site", project=block("toml"), module="jester_reader", code=code)
    done = run_signflow(site, "build", write_jester(tmp_path / "jester"), "--out", tmp_path / "s")
    assert done.returncode == 2
    assert "package jester-reader cannot be loaded" in done.stderr
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_two_readers_cannot_have_one_name() -> None:
    with pytest.raises(ValueError, match=r"a reader named 'folder' already"):

        @reader("folder", matches=Path.is_file)
        def read(source: Path, options: ReadOptions) -> ClipList:
            return read_clips(source, options=options)
