"""The whole command: what is asked for, what comes, what is counted."""

import json
import shutil
from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from squares import Done, Signflow

from signflow.annotations import SPLITS
from signflow.annotations.urls import video_id, video_name
from signflow.download import DownloadConfig
from signflow.errors import UserError

from .web import (
    CONFIG,
    QUICK,
    Web,
    annotate,
    cut,
    fetch_all,
    first,
    html,
    ledger,
    status,
    whole,
)

MSASL = Path(__file__).parents[3] / "shared" / "data" / "msasl"


def test_each_video_is_fetched_once_however_many_clips_it_holds(
    tmp_path: Path, web: Web, square: bytes, signflow: Signflow
):
    web.videos = {"a": square, "b": square}
    a, b = f"{web.url}/a.mp4", f"{web.url}/b.mp4"
    source = annotate(tmp_path / "msasl", train=[a, a, f"{a}#t=1"], val=[b], test=[a])

    done = signflow("download", source, "--videos", tmp_path / "videos", *QUICK)

    assert sorted(web.requests) == [("a", None), ("b", None)]
    place = tmp_path / "videos" / f"{video_name(a)}.mp4"
    assert place.read_bytes() == square
    assert {line["outcome"] for line in ledger(tmp_path / "videos").values()} == {"got"}
    assert ledger(tmp_path / "videos")["a"]["bytes"] == len(square)
    assert "2 of 2 videos" in done.stdout
    assert "5 of 5 clips" in done.stdout
    assert "would bring nothing more" in done.stdout


def test_a_cut_download_goes_on_where_it_was_cut(tmp_path: Path, web: Web, square: bytes):
    web.videos, web.ways = {"a": square}, {"a": first(cut)}
    source = annotate(tmp_path, train=[f"{web.url}/a.mp4"])

    summary = fetch_all(source, tmp_path / "videos", config=CONFIG)

    assert summary.counts() == {"got": 1}
    assert web.requests == [("a", None), ("a", f"bytes={len(square) // 2}-")]
    (place,) = (tmp_path / "videos").glob("*.mp4")
    assert place.read_bytes() == square
    assert not (tmp_path / "videos" / ".partial").exists()


def test_a_file_that_changed_between_two_tries_is_fetched_anew(
    tmp_path: Path, web: Web, square: bytes
):
    def changed(handler: Any, video: bytes) -> None:
        web.videos["a"] = square
        cut(handler, video)

    web.videos, web.ways = {"a": square[:-1] * 2}, {"a": first(changed)}
    source = annotate(tmp_path, train=[f"{web.url}/a.mp4"])

    fetch_all(source, tmp_path / "videos", config=CONFIG)

    (place,) = (tmp_path / "videos").glob("*.mp4")
    assert place.read_bytes() == square
    assert web.asked("a") == 2


def test_the_same_command_asks_again_for_blocked_and_failed_only(
    tmp_path: Path, web: Web, square: bytes, signflow: Signflow
):
    names = ("good", "gone", "blocked", "failed")
    web.videos = dict.fromkeys(names, square)
    web.ways = {"gone": status(404), "blocked": status(403), "failed": html}
    source = annotate(tmp_path, train=[f"{web.url}/{name}.mp4" for name in names])
    command = ("download", source, "--videos", tmp_path / "videos", *QUICK)
    done = signflow(*command)
    assert "up to 2 more clips" in done.stdout
    web.requests.clear()
    web.ways.clear()

    done = signflow(*command)

    assert sorted(name for name, _ in web.requests) == ["blocked", "failed"]
    assert "3 of 4 clips" in done.stdout
    outcomes = {name: line["outcome"] for name, line in ledger(tmp_path / "videos").items()}
    assert outcomes == {"good": "got", "blocked": "got", "failed": "got", "gone": "gone"}
    web.requests.clear()

    done = signflow(*command, "--retry", "gone")

    assert web.requests == [("gone", None)]
    assert "4 of 4 clips" in done.stdout


def test_a_video_that_was_deleted_is_fetched_again(tmp_path: Path, web: Web, square: bytes):
    web.videos = {"a": square}
    source = annotate(tmp_path, train=[f"{web.url}/a.mp4"])
    fetch_all(source, tmp_path / "videos", config=CONFIG)
    (place,) = (tmp_path / "videos").glob("*.mp4")
    place.unlink()

    fetch_all(source, tmp_path / "videos", config=CONFIG)

    assert place.read_bytes() == square
    assert web.asked("a") == 2


def test_pauses_lie_between_the_requests_to_one_host(tmp_path: Path, web: Web, square: bytes):
    web.videos = dict.fromkeys("abc", square)
    source = annotate(tmp_path, train=[f"{web.url}/{name}.mp4" for name in "abc"])

    fetch_all(source, tmp_path / "videos", config=DownloadConfig(pause=0.3))

    gaps = [after - before for before, after in zip(web.moments, web.moments[1:], strict=False)]
    assert min(gaps) > 0.2


def test_a_download_is_no_faster_than_allowed(tmp_path: Path, web: Web, square: bytes):
    padding = 400_000
    web.videos = {"a": square + b"\0\0\0\0free".rjust(8) + b"\0" * padding}
    source = annotate(tmp_path, train=[f"{web.url}/a.mp4"])
    config = DownloadConfig(pause=0, megabytes_per_second=0.5)

    summary = fetch_all(source, tmp_path / "videos", config=config)

    assert summary.counts() == {"got": 1}
    assert summary.seconds > 0.5


def test_cookies_go_to_their_host_and_the_file_stays_as_it_is(
    tmp_path: Path, web: Web, square: bytes
):
    seen: list[str | None] = []

    def with_cookie(handler: Any, video: bytes) -> None:
        seen.append(handler.headers.get("Cookie"))
        whole(handler, video)

    web.videos, web.ways = {"a": square}, {"a": with_cookie}
    source = annotate(tmp_path, train=[f"{web.url}/a.mp4"])
    lines = [
        "# Netscape HTTP Cookie File",
        "127.0.0.1\tFALSE\t/\tFALSE\t0\tpass\tyes",
        "example.org\tFALSE\t/\tFALSE\t0\tother\tno",
    ]
    cookies = tmp_path / "cookies.txt"
    cookies.write_text("\n".join(lines) + "\n")
    before = cookies.read_bytes()

    fetch_all(source, tmp_path / "videos", config=CONFIG, cookies=cookies)

    assert seen == ["pass=yes"]
    assert cookies.read_bytes() == before


def test_build_finds_what_download_brought_and_counts_the_rest(
    tmp_path: Path, web: Web, square: bytes, signflow: Signflow
):
    names = [f"v{number}" for number in range(6)]
    web.videos = dict.fromkeys(names, square)
    web.ways = {"v1": status(404), "v4": status(404)}
    urls = [f"{web.url}/{name}.mp4" for name in names]
    source = annotate(tmp_path / "msasl", train=urls[:4], val=urls[4:5], test=urls[3:])
    videos, store = tmp_path / "videos", tmp_path / "store"

    done = signflow("download", source, "--videos", videos, *QUICK)
    words = ("--out", store, "--image-size", "16", "--workers", "0")
    signflow("build", source, "--videos", videos, *words)

    rows = pq.read_table(store / "clips.parquet").to_pylist()
    built = [row for row in rows if row["status"] == "built"]
    missing = [row for row in rows if row["status"] == "file-missing"]
    assert (len(built), len(missing), len(rows)) == (5, 3, 8)
    assert "5 of 8 clips" in done.stdout
    assert _cells(done, "all") == ["3 of 4", "0 of 1", "2 of 3"]
    assert _cells(done, "hello") == ["2 of 2", "0 of 1", "2 of 2"]


@pytest.mark.skipif(not MSASL.is_dir(), reason="the MS-ASL annotation files are not here")
def test_with_a_third_of_ms_asls_videos_gone_every_clip_is_accounted_for(
    tmp_path: Path, web: Web, square: bytes, signflow: Signflow
):
    source = tmp_path / "msasl"
    source.mkdir()
    gone: set[str] = set()
    asked, lost = Counter[str](), Counter[str]()
    shutil.copy(MSASL / "MSASL_classes.json", source)
    for split in SPLITS:
        entries = json.loads((MSASL / f"MSASL_{split}.json").read_text(encoding="utf-8"))
        entries = [entry for entry in entries if entry["label"] < 10]
        for entry in entries:
            name = video_id(entry["url"]) or ""
            entry["url"] = f"{web.url}/{name}.mp4"
            web.videos[name] = square
            if sha256(name.encode()).digest()[0] % 3 == 0:
                gone.add(name)
                lost[split] += 1
        asked[split] = len(entries)
        (source / f"MSASL_{split}.json").write_text(json.dumps(entries))
    web.ways = dict.fromkeys(gone, status(404))
    command = ("download", source, "--classes", "10", "--videos", tmp_path / "videos", *QUICK)

    done = signflow(*command)

    assert sum(asked.values()) == 727
    assert len({name for name, _ in web.requests}) == 378  # on a busy machine one may come twice
    assert 378 / 4 < len(gone) < 378 / 2
    assert _cells(done, "all") == [f"{asked[s] - lost[s]} of {asked[s]}" for s in SPLITS]
    assert f"{len(gone)} gone with {sum(lost.values())} clips" in done.stdout
    outcomes = Counter(line["outcome"] for line in ledger(tmp_path / "videos").values())
    assert outcomes == {"got": 378 - len(gone), "gone": len(gone)}
    web.requests.clear()
    signflow(*command)
    assert web.requests == []

    store = tmp_path / "store"
    read = ("--classes", "10", "--videos", tmp_path / "videos", "--workers", "1")
    audit = json.loads(signflow("audit", source, *read, "--json").stdout)
    signflow("build", source, *read, "--image-size", "32", "--out", store)
    rows = pq.read_table(store / "clips.parquet").to_pylist()
    for split in SPLITS:
        became = Counter(row["status"] for row in rows if row["split"] == split)
        assert became.total() == asked[split] == audit["splits"][split]["asked"]
        assert became["file-missing"] == lost[split]
        # The stand-ins here are a few seconds long, and most clips begin later.
        assert set(became) == {"built", "file-missing", "span-past-end"}
        assert became["built"] == audit["splits"][split]["available"]
    assert len(rows) == 727


def _cells(done: Done, name: str) -> list[str]:
    (row,) = [line for line in done.stdout.splitlines() if line.startswith(f"│ {name} ")]
    return [cell.strip() for cell in row.strip("│").split("│")][1:]


def test_a_source_without_addresses_says_so(square_table: Path, tmp_path: Path):
    with pytest.raises(UserError, match="--videos"):
        fetch_all(square_table, tmp_path / "videos")
