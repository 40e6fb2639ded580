"""A build that drops leaks keeps a clip where that does least harm."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from signflow.annotations import Clip, read_clips
from signflow.audit import Pair, audit_store, drop_leaks
from signflow.audit.drop import choose_drops
from signflow.audit.pairs import make_pair
from signflow.errors import UserError
from signflow.store import ClipRow, Recipe, Store, build_store

RECIPE = Recipe(image_size=32)


def dropped(store: Store) -> dict[str, str]:
    return {row.clip.clip_id: row.status for row in store.rows if row.status.startswith("leak")}


@pytest.fixture(scope="module")
def clean(leaky: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    out = tmp_path_factory.mktemp("clean") / "store"
    leave_out = drop_leaks(workers=1)
    build_store(read_clips(leaky), out=out, recipe=RECIPE, workers=1, leave_out=leave_out)
    return Store.open(out)


def test_train_loses_to_validation_and_validation_to_test(clean: Store):
    assert dropped(clean) == {
        "b/smaller.mp4": "leak-copy",
        "c/mirrored.mp4": "leak-copy",
        "d/wave-again.mp4": "leak-same-stretch",
        "e/long.mp4@0.500-2.500": "leak-same-stretch",
    }


def test_the_reason_names_the_clip_that_stays(clean: Store):
    assert clean.row("c/mirrored.mp4").reason.startswith(
        "c/mirrored.mp4: is a mirrored copy of a/original.mp4 (correlation "
    )
    assert clean.row("e/long.mp4@0.500-2.500").reason == (
        "e/long.mp4@0.500-2.500: shows the same stretch of the same video as"
        " e/long.mp4@0.000-2.000 (75% of the shorter), which stays in test"
    )
    assert clean.row("d/wave-again.mp4").reason.endswith("which stays in fold 0")


def test_what_is_left_out_cannot_be_read_and_the_rest_can(clean: Store):
    with pytest.raises(ValueError, match=r"was not built .leak-copy.*stays in test"):
        clean.sample("c/mirrored.mp4")
    assert clean.sample("a/original.mp4").frames.shape == (10, 32, 32, 3)
    assert not (clean.path / "building").exists()


def test_an_audit_of_the_store_finds_no_pair_that_leaks(clean: Store):
    audit = audit_store(clean.path, workers=1)

    assert [pair for pair in (*audit.stretches, *audit.copies) if pair.leaks_between] == []
    assert audit.reasons == {"leak-copy": 2, "leak-same-stretch": 2, "file-missing": 1}


def test_the_same_build_is_done_and_one_that_keeps_leaks_is_another(clean: Store, leaky: Path):
    clips = read_clips(leaky)

    again = build_store(
        clips, out=clean.path, recipe=RECIPE, workers=1, leave_out=drop_leaks(workers=2)
    )
    assert again.done_before == 10
    assert list(again.rows) == clean.rows
    with pytest.raises(UserError, match="holds a store of other clips"):
        build_store(clips, out=clean.path, recipe=RECIPE, workers=1)


@pytest.mark.parametrize("moment", [1.2, 2.0])
def test_a_killed_build_goes_on_to_the_same_rows(
    moment: float, clean: Store, leaky: Path, tmp_path: Path
):
    words = ["build", leaky, "--out", tmp_path / "store", "--protocol", "report"]
    words += ["--image-size", "32", "--drop-leaks"]
    command = [sys.executable, "-m", "signflow.cli.main", *map(str, words), "--workers", "1"]

    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    time.sleep(moment)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=120)

    store = Store.open(tmp_path / "store")
    assert store.rows == clean.rows
    assert store.fingerprint == clean.fingerprint


def row(name: str, split: str, fold: int | None = None) -> ClipRow:
    clip = Clip(clip_id=name, source=name, label=0, gloss="no", split=split, fold=fold)
    return ClipRow(clip=clip, status="built")


def pair(rows: list[ClipRow], i: int, j: int) -> Pair:
    return make_pair([each.clip for each in rows], i, j, strength=1.0)


@pytest.mark.parametrize(
    ("splits", "pairs", "gone"),
    [
        ("train test", [(0, 1)], {0}),
        ("val train", [(0, 1)], {1}),
        ("test val", [(0, 1)], {1}),
        # Copies within a split are no leak.
        ("train train", [(0, 1)], set()),
        # 0 leaks with 1, which goes for 2: then 0 may stay.
        ("train val test", [(0, 1), (1, 2)], {1}),
        ("train val test", [(0, 1), (1, 2), (0, 2)], {0, 1}),
        ("train train test", [(0, 1), (0, 2), (1, 2)], {0, 1}),
    ],
)
def test_as_few_clips_go_as_can_be(splits: str, pairs: list[tuple[int, int]], gone: set[int]):
    rows = [row(str(number), split) for number, split in enumerate(splits.split())]

    drops = choose_drops(rows, [], [pair(rows, i, j) for i, j in pairs])

    assert set(drops) == {str(number) for number in gone}


def test_between_folds_the_first_stays():
    rows = [row("a", "train", 2), row("b", "train", 0), row("c", "train", 2)]

    drops = choose_drops(rows, [pair(rows, 0, 1), pair(rows, 0, 2)], [])

    assert {name: drop.code for name, drop in drops.items()} == {"b": "leak-same-stretch"}
