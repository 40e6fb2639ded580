"""A name that someone types never leaves its folder."""

import unicodedata
from pathlib import Path

import pytest

from signflow.app.names import gloss_name, signer_name
from signflow.errors import UserError


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("hello", "hello"),
        ("  hvala   lijepa ", "hvala lijepa"),
        ("čćžšđ", "čćžšđ"),
        (unicodedata.normalize("NFD", "žuto"), "žuto"),
        ("谢谢", "谢谢"),
        ("it's 5.5 (five)", "it's 5.5 (five)"),
        ("console", "console"),
    ],
)
def test_letters_of_any_script_are_kept(typed: str, name: str):
    assert gloss_name(typed) == name


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("../../x", "holds /"),
        ("/etc/passwd", "holds /"),
        ("C:\\x", r"holds :"),
        ("a\\b", r"holds \\"),
        ("a\0b", r"holds U\+0000"),
        ("a\u202eb", r"holds U\+202E"),
        ("a\ud800", r"holds U\+D800"),
        (".hidden", "dot"),
        ("..", "dot"),
        ("end.", "dot"),
        ("", "missing"),
        (" \t ", "missing"),
        ("CON", "reserved"),
        ("nul.txt", "reserved"),
        ("Com1", "reserved"),
        ("x" * 61, "too long"),
        ("谢" * 41, "too long"),
        ("test", "splits"),
        ("Train", "splits"),
    ],
)
def test_what_is_no_name_is_refused_with_the_reason(typed: str, message: str):
    with pytest.raises(UserError, match=message):
        gloss_name(typed)


def test_a_signers_name_ends_where_the_file_names_number_begins():
    assert signer_name("Ana-Marija") == "Ana_Marija"


@pytest.mark.parametrize("typed", ["谢" * 40, "x" * 60])
def test_the_longest_names_make_a_file(typed: str, tmp_path: Path):
    file = tmp_path / gloss_name(typed) / f"{signer_name(typed)}-01.mp4"
    file.parent.mkdir()
    file.write_bytes(b"")
    assert file.exists()
