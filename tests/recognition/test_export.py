"""An exported model gives the run's scores, and nothing is left behind when it does not."""

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from squares import Signflow
from torch import Tensor

from signflow.models import SignModel, list_models, register_model
from signflow.models.registry import _models
from signflow.models.temporal import Temporal
from signflow.recognition.int8 import compare
from signflow.store import Store
from signflow.training import TrainedModel, as_batch, load_model


@pytest.fixture(scope="module")
def exported(
    late_run: Path, tmp_path_factory: pytest.TempPathFactory, signflow: Signflow
) -> tuple[Path, str]:
    """The folder of an export with an 8-bit form, and what the command printed."""
    out = tmp_path_factory.mktemp("exported")
    words = ("--int8", "--license", "cc-by-4.0", "--data-license", "made up for tests")
    done = signflow("export", late_run, "--out", out / "model.onnx", *words)
    return out, done.stdout


@pytest.fixture
def registered() -> Iterator[Callable[[Callable[..., SignModel]], None]]:
    """Register models for one test."""
    before = dict(_models)
    yield register_model
    _models.clear()
    _models.update(before)


def inputs_of(store: Store, trained: TrainedModel, split: str) -> dict[str, np.ndarray]:
    rows = [row for row in store.rows if row.clip.split == split]
    batch = as_batch([store.sample(row.clip.clip_id) for row in rows], inputs=trained.model.inputs)
    given = {"rgb": batch.rgb, "flow": batch.flow}
    return {name: each.numpy() for name, each in given.items() if each is not None}


def run_onnx(path: Path, given: dict[str, np.ndarray]) -> np.ndarray:
    return onnxruntime.InferenceSession(path).run(["scores"], given)[0]


def run_metadata(path: Path) -> dict[str, str]:
    return onnxruntime.InferenceSession(path).get_modelmeta().custom_metadata_map


def test_the_file_gives_the_runs_calibrated_scores_for_batches_of_any_size(
    exported: tuple[Path, str], late_run: Path, square_store: Path
):
    trained, store = load_model(late_run / "model.safetensors"), Store.open(square_store)
    given = inputs_of(store, trained, "test")
    assert trained.calibration.temperature != 1
    with torch.inference_mode():
        logits = trained.model(**{name: torch.from_numpy(each) for name, each in given.items()})
        expected = trained.calibration.apply(logits).numpy()

    for size in (1, 2, 9):
        part = {name: each[:size] for name, each in given.items()}
        found = run_onnx(exported[0] / "model.onnx", part)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected[:size], atol=1e-6)


def test_its_metadata_says_all_that_its_use_needs(
    exported: tuple[Path, str], late_run: Path, square_store: Path
):
    trained = load_model(late_run / "model.safetensors")
    for name, precision in (("model.onnx", "float32"), ("model.int8.onnx", "int8")):
        session = onnxruntime.InferenceSession(exported[0] / name)
        told = session.get_modelmeta().custom_metadata_map

        assert json.loads(told["labels"]) == ["down", "left", "right"]
        assert json.loads(told["recipe"]) == trained.recipe.to_dict()
        assert float(told["threshold"]) == trained.calibration.threshold
        assert json.loads(told["calibration"])["temperature"] == trained.calibration.temperature
        assert told["license"] == "cc-by-4.0"
        assert told["data_license"] == "made up for tests"
        assert told["precision"] == precision
        assert told["store"] == Store.open(square_store).fingerprint
        shapes = {name: each["shape"] for name, each in json.loads(told["inputs"]).items()}
        assert shapes == {each.name: each.shape for each in session.get_inputs()}
        assert {each.type for each in session.get_inputs()} == {"tensor(uint8)"}
        onnx.checker.check_model(exported[0] / name)


def test_the_8_bit_form_is_a_third_of_the_size_and_names_the_same_signs(
    exported: tuple[Path, str], late_run: Path, square_store: Path
):
    folder, told = exported
    given = inputs_of(Store.open(square_store), load_model(late_run / "model.safetensors"), "val")
    found = compare(
        run_onnx(folder / "model.onnx", given), run_onnx(folder / "model.int8.onnx", given)
    )

    assert found.clips == 9
    assert f"same sign first in {found.top1:.1%}, scores differ by {found.difference:.3f}" in told
    assert found.top1 >= 0.95
    assert found.difference > 0
    sizes = [(folder / name).stat().st_size for name in ("model.int8.onnx", "model.onnx")]
    assert sizes[0] * 2.5 < sizes[1]


def test_the_command_tells_difference_sizes_and_latencies(exported: tuple[Path, str]):
    folder, told = exported

    assert "Checked on 9 of 9 validation clips of squares: the scores differ from PyTorch's" in told
    sizes = {}
    for line in told.splitlines():
        cells = [cell.strip() for cell in line.split("│")[1:-1]]
        if len(cells) == 3:
            sizes[cells[0]] = float(cells[1])
            assert float(cells[2]) > 0
    assert list(sizes) == ["PyTorch, as trained", "PyTorch, folded", "ONNX", "ONNX, int8"]
    assert sizes["PyTorch, folded"] * 50 < sizes["PyTorch, as trained"]
    assert sizes["ONNX"] == pytest.approx((folder / "model.onnx").stat().st_size / 1e6, abs=0.06)


def test_without_folding_the_scores_are_the_same_and_the_file_is_large(
    exported: tuple[Path, str],
    late_run: Path,
    square_store: Path,
    tmp_path: Path,
    signflow: Signflow,
):
    out = tmp_path / "whole.onnx"
    done = signflow("export", late_run, "--out", out, "--no-fold")

    assert "folded" not in done.stdout
    given = inputs_of(Store.open(square_store), load_model(late_run / "model.safetensors"), "test")
    small = exported[0] / "model.onnx"
    np.testing.assert_allclose(run_onnx(out, given), run_onnx(small, given), atol=1e-6)
    assert small.stat().st_size * 40 < out.stat().st_size


def test_where_the_store_is_gone_given_videos_are_checked_on(
    late_run: Path, square_table: Path, tmp_path: Path, signflow: Signflow
):
    alone = shutil.copytree(late_run, tmp_path / "alone")
    config = json.loads((alone / "config.json").read_text())
    (alone / "config.json").write_text(json.dumps({**config, "store": str(tmp_path / "gone")}))
    out = tmp_path / "out" / "model.onnx"
    video = square_table.parent / "videos" / "left6.mp4"

    none = signflow("export", alone, "--out", out, check=False)
    text = signflow("export", alone, "--out", out, "--check", square_table, check=False)
    int8 = signflow("export", alone, "--out", out, "--check", video, "--int8", check=False)
    assert not out.parent.exists() or not list(out.parent.iterdir())
    done = signflow("export", alone, "--out", out, "--check", video, "--check", video)

    assert none.returncode == 2
    assert "gone" in none.stderr
    assert "--check VIDEO" in none.stderr
    assert text.returncode == 2
    assert "clips.csv" in text.stderr
    assert int8.returncode == 2
    assert "export without --int8" in int8.stderr
    assert "Checked on 2 given videos; the store was not there" in done.stdout
    card = (out.parent / "README.md").read_text()
    assert "The store was not there when this was written" in card
    assert str(tmp_path) not in card


def test_what_is_there_is_not_overwritten_unasked(
    exported: tuple[Path, str], late_run: Path, tmp_path: Path, signflow: Signflow
):
    model, card, readme = (tmp_path / name for name in ("model.onnx", "card.md", "README.md"))
    asked = ("export", late_run, "--out", model, "--card", card)
    readme.write_text("# Mine\n")
    shutil.copy(exported[0] / "README.md", card)

    for words, message in (
        (("export", late_run, "--out", model), "no model card of signflow's"),
        (("export", late_run, "--out", model, "--overwrite"), "no model card of signflow's"),
        (asked, "holds a model card already"),
    ):
        refused = signflow(*words, check=False)
        assert refused.returncode == 2
        assert message in refused.stderr
    card.rename(tmp_path / "other.md")
    model.write_text("mine")
    refused = signflow(*asked, check=False)
    assert refused.returncode == 2
    assert "is there already" in refused.stderr
    (tmp_path / "other.md").rename(card)
    assert model.read_text() == "mine"

    signflow(*asked, "--overwrite", "--license", "A licence of my own")
    assert json.loads(run_metadata(model)["labels"]) == ["down", "left", "right"]
    assert 'license: other\nlicense_name: "A licence of my own"' in card.read_text()
    assert readme.read_text() == "# Mine\n"
    assert sorted(tmp_path.iterdir()) == [readme, card, model]


class ElsewhereOtherwise(Temporal):
    """Gives other logits where it is exported: as an operator would that ONNX knows otherwise."""

    def forward(self, rgb: Tensor | None = None, flow: Tensor | None = None) -> Tensor:
        logits = super().forward(rgb=rgb, flow=flow)
        return logits * 0.9 if torch.compiler.is_exporting() else logits


def test_a_file_whose_scores_are_not_pytorchs_is_not_written(
    square_store: Path,
    tmp_path: Path,
    signflow: Signflow,
    registered: Callable[[Callable[..., SignModel]], None],
):
    def elsewhere_otherwise(shape):
        return ElsewhereOtherwise(shape)

    registered(elsewhere_otherwise)
    assert "elsewhere-otherwise" in list_models()
    words = ("--model", "elsewhere-otherwise", "--epochs", "1", "--lr", "1e-3")
    signflow("train", square_store, *words, "--out", tmp_path / "run")

    done = signflow(
        "export", tmp_path / "run", "--out", tmp_path / "out" / "model.onnx", check=False
    )

    assert done.returncode == 1
    assert "differ from PyTorch's by up to" in done.stderr
    assert not list((tmp_path / "out").iterdir())


def test_an_8_bit_form_that_names_other_signs_is_not_written_unless_asked(
    late_run: Path, tmp_path: Path, signflow: Signflow
):
    # Signs that hardly differ: rounding decides between them.
    close = shutil.copytree(late_run, tmp_path / "close")
    nearly_alike(close / "model.safetensors")
    out = tmp_path / "out" / "model.onnx"

    refused = signflow("export", close, "--out", out, "--int8", check=False)
    assert refused.returncode == 1
    assert "names the same sign first in" in refused.stderr
    assert not list(out.parent.iterdir())

    signflow("export", close, "--out", out, "--int8", "--int8-agreement", "0")
    assert (out.parent / "model.int8.onnx").exists()


def nearly_alike(path: Path) -> None:
    """Make the signs' rows of every last matrix the same, but for a trifle."""
    with safe_open(path, "pt") as file:
        header = file.metadata()
    weights = load_file(path)
    random = torch.Generator().manual_seed(0)
    for name in [name for name in weights if "classifier.2" in name]:
        trifle = torch.randn(weights[name].shape, generator=random) * 1e-5
        weights[name] = weights[name][:1].expand_as(weights[name]) + trifle
    save_file(weights, path, header)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--out", "model.pt"), "must end in .onnx"),
        (("--out", "model.onnx", "--int8-agreement", "1.5"), "must be 0 to 1"),
        (("--out", "model.onnx", "--license", " "), "must be one line of text"),
    ],
)
def test_wrong_use_is_refused(
    late_run: Path, signflow: Signflow, words: tuple[str, ...], message: str
):
    done = signflow("export", late_run, *words, check=False)

    assert done.returncode == 2
    assert message in done.stderr


def test_what_is_no_finished_run_is_refused(late_run: Path, tmp_path: Path, signflow: Signflow):
    unfinished = shutil.copytree(late_run, tmp_path / "unfinished")
    (unfinished / "environment.json").unlink()

    for path, message in ((tmp_path / "none", "is no run"), (unfinished, "is not finished")):
        done = signflow("export", path, "--out", tmp_path / "model.onnx", check=False)
        assert done.returncode == 2
        assert message in done.stderr


@pytest.mark.parametrize("library", ["onnx", "onnxruntime", "onnxscript"])
def test_a_missing_library_is_named_with_its_extra(
    late_run: Path,
    tmp_path: Path,
    signflow: Signflow,
    monkeypatch: pytest.MonkeyPatch,
    library: str,
):
    monkeypatch.setitem(sys.modules, library, None)

    done = signflow("export", late_run, "--out", tmp_path / "model.onnx", check=False)

    assert done.returncode == 2
    assert library in done.stderr
    assert "pip install 'signflow[export]'" in done.stderr
