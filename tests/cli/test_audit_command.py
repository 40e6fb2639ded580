"""`signflow audit`: what it prints, and how it ends."""

import json
from pathlib import Path

import pytest
from squares import Signflow


def test_an_audit_prints_what_it_found_or_all_of_it_as_json(
    square_table: Path, signflow: Signflow, tmp_path: Path
):
    header, *rows = square_table.read_text().splitlines()
    few = [header, *(row.replace("videos/", f"{square_table.parent}/videos/") for row in rows[::6])]
    (tmp_path / "clips.csv").write_text("\n".join(few))
    words = ("audit", tmp_path, "--out", tmp_path, "--workers", "1")

    done = signflow(*words)
    as_json = signflow(*words, "--json")

    assert "train │         3 │         3" in done.stdout
    assert "Signers: train 3, val 2, test 1; none in two splits" in done.stdout
    assert "Text in the picture was not looked at: --text does" in done.stdout
    assert f"All of it: {tmp_path / 'audit.json'}" in done.stdout
    kept = json.loads((tmp_path / "audit.json").read_text())
    assert kept["clips"] == 6
    assert json.loads(as_json.stdout) == kept


def test_leaks_end_with_status_one_only_when_strict(signflow: Signflow, tmp_path: Path):
    (tmp_path / "clips.csv").write_text(
        "source,gloss,split,start,end\ngone.mp4,no,train,0,2\ngone.mp4,no,test,1,3\n"
    )
    words = ("audit", tmp_path, "--out", tmp_path / "out", "--workers", "1")

    assert "1 leak;" in signflow(*words).stdout
    done = signflow(*words, "--strict", check=False)

    assert done.returncode == 1
    assert "1 leak, and --strict" in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("nowhere",), "nowhere: no such file or directory"),
        (("{table}", "--workers", "0"), "--workers 0: must be 1 or more"),
        (("{table}", "--out", "{table}"), "is a file; --out must be a directory"),
        (("{store}", "--out", "there"), "is a store, whose audit lies in it"),
        (("{store}", "--classes", "3"), "is a store, whose audit lies in it"),
    ],
)
def test_wrong_use_is_one_line_and_status_two(
    words: tuple[str, ...],
    message: str,
    square_table: Path,
    square_store: Path,
    signflow: Signflow,
):
    given = [word.format(table=square_table, store=square_store) for word in words]

    done = signflow("audit", *given, check=False)

    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
