"""What goes to the Hugging Face hub, and what is said when it does not."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub.constants
import pytest
from hub_server import TOKEN, Hub, hub_server
from squares import Signflow

from signflow.errors import UserError
from signflow.recognition.hub import push_to_hub


@pytest.fixture
def hub() -> Iterator[Hub]:
    with hub_server() as server:
        yield server


@pytest.fixture
def pointed(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """The library, imported long before, takes the stand-in for the hub."""
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", hub.url)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    return hub


def test_an_export_its_card_and_the_weights_are_one_commit(
    hub: Hub, late_run: Path, tmp_path: Path
):
    out = tmp_path / "out" / "signs.onnx"
    command = (sys.executable, "-m", "signflow.cli.main", "export", late_run, "--out", out)
    told = {"HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "HF_HUB_DISABLE_XET": "1"}

    done = subprocess.run(
        [*map(str, command), "--license", "mit", "--push-to-hub", "anna/signs", "--private"],
        env={**os.environ, **told, "HF_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert f"On the hub: {hub.url}/anna/signs" in done.stdout
    assert hub.commits == 1
    assert hub.files == {
        "signs.onnx": out.read_bytes(),
        "README.md": (out.parent / "README.md").read_bytes(),
        "model.safetensors": (late_run / "model.safetensors").read_bytes(),
    }
    (asked,) = hub.created
    assert (asked["name"], asked["organization"]) == ("signs", "anna")
    assert asked.get("visibility", asked.get("private")) in ("private", True)


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (401, "does not know the token"),
        (403, "may not write there"),
        (500, "the hub refuses"),
    ],
)
def test_a_refusal_is_said_in_a_line(pointed: Hub, tmp_path: Path, status: int, message: str):
    pointed.refuses = status
    (tmp_path / "README.md").write_text("---\n---\n")

    with pytest.raises(UserError, match=message) as refused:
        push_to_hub("anna/signs", {"README.md": tmp_path / "README.md"})

    assert refused.value.exit_status == 1
    assert "\n" not in str(refused.value)
    assert not pointed.files


def test_a_token_that_the_hub_does_not_know_is_said(
    pointed: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HF_TOKEN", "hf_another")
    (tmp_path / "README.md").write_text("---\n---\n")

    with pytest.raises(UserError, match="does not know the token"):
        push_to_hub("anna/signs", {"README.md": tmp_path / "README.md"})


def test_a_hub_that_cannot_be_reached_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with hub_server() as closed:
        pass
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", closed.url)
    monkeypatch.setenv("HF_TOKEN", TOKEN)

    with pytest.raises(UserError, match="the hub cannot be reached") as offline:
        push_to_hub("anna/signs", {"README.md": tmp_path / "README.md"})

    assert "the files are written" in str(offline.value)


@pytest.mark.parametrize("name", ["signs", "a/b/c", "anna/", "anna/my signs", "../../etc/passwd"])
def test_a_name_that_is_none_is_refused_before_any_work(
    late_run: Path, tmp_path: Path, signflow: Signflow, name: str
):
    out = tmp_path / "model.onnx"
    done = signflow("export", late_run, "--out", out, "--push-to-hub", name, check=False)

    assert done.returncode == 2
    assert "expected OWNER/NAME" in done.stderr
    assert not out.exists()


def test_without_a_token_nothing_is_begun(
    late_run: Path, tmp_path: Path, signflow: Signflow, monkeypatch: pytest.MonkeyPatch
):
    for variable in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(tmp_path / "none"))
    out = tmp_path / "model.onnx"

    done = signflow("export", late_run, "--out", out, "--push-to-hub", "anna/signs", check=False)

    assert done.returncode == 2
    assert "hf auth login" in done.stderr
    assert not out.exists()


def test_a_missing_library_is_named_with_its_extra(
    late_run: Path, tmp_path: Path, signflow: Signflow, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    out = tmp_path / "model.onnx"

    done = signflow("export", late_run, "--out", out, "--push-to-hub", "anna/signs", check=False)

    assert done.returncode == 2
    assert "pip install 'signflow[hub]'" in done.stderr
