"""The report says what the data is, and what leaks."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from signflow.audit import audit_store, read_audit
from signflow.audit.findings import ClipText, Text, write_audit
from signflow.evaluation import write_report
from signflow.evaluation.data import data_views
from signflow.store import Store
from signflow.training import Run, TrainConfig

MakeRun = Callable[..., Path]


@pytest.fixture
def copied_store(store: Store, tmp_path: Path) -> Store:
    shutil.copytree(store.path, tmp_path / "copied")
    return Store.open(tmp_path / "copied")


@pytest.fixture
def run(copied_store: Store, tmp_path: Path) -> Path:
    config = TrainConfig(model="temporal", epochs=3)
    return Run.create(tmp_path / "run", config=config, store=copied_store).path


def page_of(run: Path, tmp_path: Path) -> str:
    return " ".join(write_report([run], tmp_path / "report.html").read_text().split())


def test_without_an_audit_the_table_of_clips_tells_what_it_can(run: Path, tmp_path: Path):
    page = page_of(run, tmp_path)

    assert "Not available: 2 × file-missing." in page
    # All clips are one video: every two of one gloss, and of two, are the same stretch.
    assert "leaks:</b> the accuracies on this page may owe something" in page
    assert "no net was trained on" not in page
    assert "same stretch <small>1.00</small>" in page
    assert "Copies under other names were not looked for: signflow audit" in page
    assert "Text in the picture was not looked at" in page


def test_a_run_with_a_fold_says_that_the_splits_are_not_its_own(
    copied_store: Store, run: Path, tmp_path: Path
):
    said = "These are the splits that the clips name."
    assert said not in page_of(run, tmp_path)
    config = TrainConfig(model="temporal", epochs=3, fold=1)
    other = Run.create(tmp_path / "other", config=config, store=copied_store).path

    page = " ".join(write_report([run, other], tmp_path / "both.html").read_text().split())

    assert page.count(said) == 1


def test_a_fresh_audit_is_shown_with_its_text(copied_store: Store, run: Path, tmp_path: Path):
    audit_store(copied_store.path, workers=1)
    path = copied_store.path / "audit.json"
    text = ClipText(clip_id="test/no/0", gloss="no", split="test", text=("<NO>",), names_gloss=True)
    found = Text(looked_at=24, clips=(text,), by_class=(("lesson 4", "up & down", 3),))
    write_audit(path, replace(read_audit(path), text=found))

    page = page_of(run, tmp_path)

    assert "Copies under other names were not looked for" not in page
    assert "It names the gloss in 1:</b> <code>test/no/0</code> <bdi>&lt;NO&gt;</bdi>" in page
    assert "“<bdi>lesson 4</bdi>” stands in 3 clips, all of <bdi>up &amp; down</bdi>." in page


def test_a_stale_audit_is_not_shown(copied_store: Store, run: Path):
    audit_store(copied_store.path, workers=1)
    path = copied_store.path / "audit.json"
    write_audit(path, replace(read_audit(path), fingerprint="of another", clips=4711))

    (view,) = data_views([Run.open(run)])

    assert view.audit is not None
    assert view.audit.clips != 4711
    assert view.missing[0].startswith("Copies under other names were not looked for")


def test_a_store_that_is_gone_is_said_so(copied_store: Store, run: Path, tmp_path: Path):
    shutil.rmtree(copied_store.path)

    page = page_of(run, tmp_path)

    assert "evaluated on clips that no net was trained on." in page
    assert "The store cannot be read:" in page
    assert "is no store (no store.json)" in page


def test_each_store_is_shown_once(run: Path):
    assert len(data_views([Run.open(run), Run.open(run)])) == 1
