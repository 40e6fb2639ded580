"""An audit says what is there, and what leaks."""

import dataclasses
import json
import shutil
from pathlib import Path

import pytest

from signflow.annotations import Clip, ReadOptions
from signflow.audit import (
    Audit,
    Pair,
    audit_source,
    audit_store,
    fresh_audit,
    look_at_rows,
    read_audit,
)
from signflow.audit.findings import write_audit
from signflow.audit.stretches import find_stretches, same_videos
from signflow.errors import UserError
from signflow.store import ClipRow, Store


def names(pairs: tuple[Pair, ...]) -> set[frozenset[str]]:
    return {frozenset((pair.first, pair.second)) for pair in pairs}


@pytest.fixture(scope="module")
def found(leaky: Path, tmp_path_factory: pytest.TempPathFactory) -> Audit:
    return audit_source(leaky, out=tmp_path_factory.mktemp("found"), workers=1)


def test_copies_are_found_under_other_names_and_no_takes(found: Audit):
    original, smaller, mirror = "a/original.mp4", "b/smaller.mp4", "c/mirrored.mp4"

    assert names(found.copies) == {
        frozenset(pair) for pair in ((original, smaller), (original, mirror), (smaller, mirror))
    }
    by_name = {frozenset((pair.first, pair.second)): pair for pair in found.copies}
    assert by_name[frozenset((original, mirror))].mirrored
    assert not by_name[frozenset((original, smaller))].mirrored
    assert not by_name[frozenset((original, mirror))].same_gloss


def test_the_same_stretch_is_found_by_time_and_by_content(found: Audit):
    whole, later = "e/long.mp4@0.000-2.000", "e/long.mp4@0.500-2.500"

    assert names(found.stretches) == {
        frozenset((whole, later)),
        frozenset(("d/wave.mp4", "d/wave-again.mp4")),
    }
    by_first = {pair.first: pair for pair in found.stretches}
    assert by_first[whole].strength == pytest.approx(0.75)
    assert by_first[whole].leaks_between == ("splits",)
    assert by_first["d/wave.mp4"].leaks_between == ("folds",)


def test_what_is_there_is_counted(found: Audit):
    assert {split: (each.asked, each.available) for split, each in found.splits.items()} == {
        "train": (6, 5),
        "val": (2, 2),
        "test": (2, 2),
    }
    assert found.reasons == {"file-missing": 1}
    circle = found.per_class[0]
    assert (circle.gloss, circle.missing) == ("circle", 1)
    assert found.seconds is not None
    assert (found.seconds.count, found.seconds.median) == (9, pytest.approx(1.6))
    assert found.fps is not None
    assert found.fps.median == 25
    assert found.sizes == ((128, 96, 8), (96, 72, 1))
    assert found.saturated is None
    assert found.folds == (0, 1, 2)
    assert found.text is None


def test_signers_and_videos_in_two_parts_are_named(found: Audit):
    shared = {(each.what, each.between): each for each in found.shared}

    signers = shared["signers", "splits"]
    assert signers.shared == (("anna", ("train", "test")), ("eve", ("val", "test")))
    assert dict(signers.each) == {"train": 3, "val": 2, "test": 2}
    assert (signers.known, signers.clips) == (8, 10)
    assert shared["signers", "folds"].shared == ()
    assert [where for _, where in shared["videos", "splits"].shared] == [("train", "val", "test")]
    assert [where for _, where in shared["videos", "folds"].shared] == [("0", "1")]


def test_leaks_count_pairs_and_signers(found: Audit):
    # Three copies, a stretch between splits and one between folds, two signers.
    assert found.leaks == 7


def test_a_stores_audit_finds_the_same_of_the_frames_it_keeps(leaky_store: Store, found: Audit):
    audit = audit_store(leaky_store.path, workers=2)

    assert names(audit.copies) == names(found.copies)
    assert names(audit.stretches) == names(found.stretches)
    assert audit.splits == found.splits
    assert audit.saturated is not None
    assert audit.saturated.count == 9
    assert fresh_audit(leaky_store) == audit
    assert read_audit(leaky_store.path / "audit.json") == audit


def test_an_audit_of_another_store_is_stale(leaky_store: Store, tmp_path: Path):
    audit_store(leaky_store.path, workers=1)
    shutil.copytree(leaky_store.path, tmp_path / "store")
    path = tmp_path / "store" / "audit.json"
    write_audit(path, dataclasses.replace(read_audit(path), fingerprint="of another"))

    assert fresh_audit(Store.open(tmp_path / "store")) is None


def test_the_table_of_clips_alone_tells_all_but_copies(leaky_store: Store, found: Audit):
    audit = look_at_rows(leaky_store)

    assert names(audit.stretches) == names(found.stretches)
    assert audit.copies == ()
    assert audit.compared == 0


def test_the_number_of_workers_changes_nothing(leaky: Path, found: Audit, tmp_path: Path):
    assert audit_source(leaky, out=tmp_path, workers=2) == found


def test_an_audit_goes_on_and_looks_at_what_is_new(leaky: Path, tmp_path: Path):
    shutil.copytree(leaky.parent, tmp_path / "set")
    table, out = tmp_path / "set" / "clips.csv", tmp_path / "out"
    before = audit_source(table, out=out, workers=1)
    kept = {path: path.stat().st_mtime_ns for path in (out / "audit" / "sketches").iterdir()}

    again = audit_source(table, out=out, workers=1)
    assert again == before
    assert {path: path.stat().st_mtime_ns for path in kept} == kept

    (tmp_path / "set/f").mkdir()
    shutil.copy(tmp_path / "set/c/take.mp4", tmp_path / "set/f/gone.mp4")
    after = audit_source(table, out=out, workers=1)
    assert after.available == before.available + 1
    assert after.fingerprint != before.fingerprint
    assert frozenset(("c/take.mp4", "f/gone.mp4")) in names(after.stretches)
    untouched = [path for path in kept if path.exists() and path.stat().st_mtime_ns == kept[path]]
    assert len(untouched) == len(kept) - 1 > 3


def test_annotations_without_videos_still_give_signers_lengths_and_stretches(tmp_path: Path):
    entry = {"url": "www.youtube.com/watch?v=abcdefghijk", "label": 0, "signer_id": 4}
    times = {"train": (1.0, 3.0), "val": (9.0, 10.0), "test": (1.5, 3.5)}
    for split, (start, end) in times.items():
        lines = [{**entry, "start_time": start, "end_time": end}]
        (tmp_path / f"MSASL_{split}.json").write_text(json.dumps(lines))
    (tmp_path / "MSASL_classes.json").write_text('["hello"]')
    (tmp_path / "videos").mkdir()

    audit = audit_source(
        tmp_path, out=tmp_path / "out", options=ReadOptions(videos=tmp_path / "videos"), workers=1
    )

    assert (audit.available, audit.compared) == (0, 0)
    assert audit.seconds is not None
    assert audit.seconds.median == 2
    (pair,) = audit.stretches
    assert (pair.splits, pair.strength) == (("test", "train"), 0.75)
    assert audit.shared[0].shared == (("4", ("train", "val", "test")),)


def row(source: str, start: float | None, end: float | None, *, split: str = "train") -> ClipRow:
    name = f"{source}@{start}-{end}"
    clip = Clip(clip_id=name, source=source, label=0, gloss="no", split=split, start=start, end=end)
    return ClipRow(clip=clip, status="built", video_frames=None if end else 100, fps=25.0)


@pytest.mark.parametrize(
    ("ours", "theirs", "overlap"),
    [
        ((0.0, 2.0), (1.0, 3.0), 0.5),
        ((0.0, 2.0), (1.1, 3.1), None),
        ((0.0, 2.0), (2.0, 4.0), None),
        ((0.0, 10.0), (4.0, 5.0), 1.0),
        ((None, None), (1.0, 2.0), 1.0),
        ((None, None), (None, None), 1.0),
        ((3.0, None), (0.0, 4.0), 1 / 4),
        ((2.0, 2.0), (0.0, 4.0), None),
    ],
)
def test_stretches_are_the_same_from_half_of_the_shorter_on(ours, theirs, overlap):
    rows = [row("a.mp4", *ours), row("a.mp4", *theirs, split="test")]

    pairs = find_stretches(rows, same_videos([each.clip for each in rows]))

    strengths = [pair.strength for pair in pairs]
    assert strengths == ([] if overlap is None or overlap < 0.5 else [pytest.approx(overlap)])
    assert all(pair.splits == ("test", "train") for pair in pairs)


def test_one_address_under_two_file_names_is_one_video():
    rows = [row("/videos/book.mp4", None, 4.0), row("/videos/book-2.mp4", None, 4.0)]
    addresses = {"book": "book-e0f9d951", "book-2": "book-e0f9d951"}

    videos = same_videos([each.clip for each in rows], addresses=addresses)

    assert len(set(videos)) == 1
    assert len(find_stretches(rows, videos)) == 1


def test_sections_of_one_video_are_one_video():
    sections = (
        "a@1.000-9.000.section.mp4",
        "a@3.000-12.000.section.mp4",
        "b@3.000-9.000.section.mp4",
    )
    rows = [row(f"/videos/{name}", 4.0, 8.0) for name in sections]

    videos = same_videos([each.clip for each in rows])

    assert videos[0] == videos[1] != videos[2]
    assert len(find_stretches(rows, videos)) == 1
    addressed = same_videos([each.clip for each in rows], addresses={"a": "x", "b": "x"})
    assert len(set(addressed)) == 1


def test_a_damaged_audit_says_so(tmp_path: Path):
    path = tmp_path / "audit.json"
    path.write_text('{"schema_version": 1, "clips": 3}')
    with pytest.raises(UserError, match=r"audit\.json: is damaged .*audit again"):
        read_audit(path)
    path.write_text('{"schema_version": 9}')
    with pytest.raises(UserError, match="schema_version is 9; this signflow reads 1"):
        read_audit(path)
