"""Clips and class numbers follow from what files say, not from any order of the machine's."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import signflow

GLOSSES = ("žuta", "crn", "Bela", "smeđe", "10", "9", "a", "B")
READ = """
import dataclasses, json, pathlib, sys
from signflow.annotations import ReadOptions, read_clips
out = {}
for name in sys.argv[2:]:
    source = pathlib.Path(sys.argv[1], name)
    videos = source / "videos" if (source / "videos").is_dir() else None
    clips = read_clips(source, options=ReadOptions(videos=videos))
    out[name] = [clips.classes, [dataclasses.asdict(clip) for clip in clips.clips]]
print(json.dumps(out))
"""


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One source of each kind."""
    root = tmp_path_factory.mktemp("sources")
    for gloss in GLOSSES:
        for take in range(4):
            path = root / "folder" / gloss / f"{take}.mp4"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    rows = [(f"{gloss}{take}.mp4", gloss) for gloss in GLOSSES for take in range(4)]
    for kind in ("table", "parquet", "msasl/videos", "wlasl/videos"):
        (root / kind).mkdir(parents=True)
    lines = ["source,gloss", *(",".join(row) for row in rows)]
    (root / "table" / "clips.csv").write_text("\n".join(lines), encoding="utf-8")
    columns = dict(zip(("source", "gloss"), map(list, zip(*rows, strict=True)), strict=True))
    pq.write_table(pa.table(columns), root / "parquet" / "clips.parquet")

    entries = [
        {"url": f"youtu.be/abcdefghij{n}", "label": n % 8, "start_time": n, "end_time": n + 1}
        for n in range(10)
    ]
    (root / "msasl" / "MSASL_classes.json").write_text(json.dumps(GLOSSES))
    for split in ("test", "train", "val"):
        (root / "msasl" / f"MSASL_{split}.json").write_text(json.dumps(entries))

    common = {"frame_start": 1, "frame_end": -1, "split": "train", "url": "http://x.org/a.mp4"}
    wlasl = [
        {"gloss": gloss, "instances": [{"video_id": f"{9 - n}", **common}]}
        for n, gloss in enumerate(GLOSSES)
    ]
    (root / "wlasl" / "WLASL_v0.3.json").write_text(json.dumps(wlasl))
    nslt = {f"{9 - n}": {"subset": "val", "action": [n, 1, 2]} for n in (3, 0, 7, 5)}
    (root / "wlasl" / "nslt_8.json").write_text(json.dumps(nslt))
    for n in (7, 2, 5):  # the same name with several suffixes
        for suffix in (".webm", ".mkv"):
            (root / "msasl" / "videos" / f"abcdefghij{n}{suffix}").touch()
            (root / "wlasl" / "videos" / f"{n}{suffix}").touch()
    return root


KINDS = ("folder", "table", "parquet", "msasl", "wlasl")


def read_all(root: Path, *, seed: str, before: str = "") -> dict[str, object]:
    path = str(Path(signflow.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", before + READ, str(root), *KINDS],
        env={**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    read: dict[str, object] = json.loads(done.stdout)
    return read


@pytest.fixture(scope="module")
def expected(sources: Path) -> dict[str, object]:
    return read_all(sources, seed="0")


@pytest.mark.parametrize("seed", ["1", "2", "4242"])
def test_no_hash_seed_changes_a_clip_or_a_number(
    sources: Path, expected: dict[str, object], seed: str
) -> None:
    assert set(expected) == set(KINDS)
    assert read_all(sources, seed=seed) == expected


# What another file system would do: list every directory the other way round, and by length.
LISTED_OTHERWISE = """
import os, pathlib
listdir, scandir, asked = os.listdir, os.scandir, []
class Scan(list):
    __enter__ = lambda self: self
    __exit__ = lambda self, *_: None
    close = lambda self: None
    __next__ = lambda self: self.pop(0)
    __iter__ = lambda self: iter(list.copy(self))
def other(names):
    asked.append(1)
    return sorted(names, key=KEY, reverse=True)
os.listdir = lambda path=".": other(listdir(path))
os.scandir = lambda path=".": Scan(other(scandir(path)))
"""


@pytest.mark.parametrize("key", ["str", "lambda name: hash(str(name))"])
def test_no_order_of_a_directory_changes_a_clip_or_a_number(
    sources: Path, expected: dict[str, object], key: str
) -> None:
    before = LISTED_OTHERWISE.replace("KEY", key)
    shuffled = f"{before}\nimport atexit\natexit.register(lambda: asked or os._exit(9))\n"
    assert read_all(sources, seed="7", before=shuffled) == expected


def test_numbers_are_the_positions_that_files_give_or_the_order_of_the_glosses(
    expected: dict[str, list[list[str]]],
) -> None:
    in_order = sorted(GLOSSES)
    assert {kind: expected[kind][0] for kind in KINDS} == {
        "folder": in_order,
        "table": in_order,
        "parquet": in_order,
        "msasl": list(GLOSSES),
        "wlasl": list(GLOSSES),
    }
