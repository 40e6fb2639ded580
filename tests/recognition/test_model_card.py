"""A card says what is known, and what is not."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from huggingface_hub import ModelCard
from squares import Signflow

from signflow.evaluation import RunRecord
from signflow.recognition.forms import Form
from signflow.recognition.int8 import Agreement
from signflow.recognition.model_card import CardFacts, model_card
from signflow.training import load_model
from signflow.training.calibration import Calibration


def facts_of(run: Path) -> CardFacts:
    return CardFacts(
        record=RunRecord.read(run),
        trained=load_model(run / "model.safetensors"),
        license="cc-by-4.0",
        data_license=None,
        onnx="model.onnx",
        int8=None,
        forms=(
            Form(name="PyTorch", size=33_300_000, seconds=0.0123),
            Form(name="ONNX", size=600_000, seconds=0.001),
        ),
        clips=9,
        source="9 of 9 validation clips of squares",
        difference=6e-8,
        tolerance=1e-4,
        agreement=None,
        compared_on="",
    )


def words(text: str) -> str:
    return " ".join(text.split())


def table_rows(card: str) -> dict[str, list[str]]:
    rows = [line.strip("| ").split(" | ") for line in card.splitlines() if line.startswith("| ")]
    return {cells[0].strip(): [cell.strip() for cell in cells[1:]] for cells in rows}


@pytest.fixture(scope="module")
def tested_run(
    late_run: Path, tmp_path_factory: pytest.TempPathFactory, signflow: Signflow
) -> Path:
    run = shutil.copytree(late_run, tmp_path_factory.mktemp("runs") / "tested")
    signflow("evaluate", run)
    return run


def test_the_hub_reads_its_head_with_the_test_splits_figures(tested_run: Path, tmp_path: Path):
    (tmp_path / "README.md").write_text(model_card(facts_of(tested_run)), encoding="utf-8")

    head = ModelCard.load(tmp_path / "README.md").data

    assert head.license == "cc-by-4.0"
    assert head.library_name == "signflow"
    assert head.pipeline_tag == "video-classification"
    test = RunRecord.read(tested_run).splits["test"]
    found = {each.metric_name: each.metric_value for each in head.eval_results}
    assert found["top-1 accuracy"] == pytest.approx(test.top1.value, abs=1e-4)
    assert {each.dataset_split for each in head.eval_results} == {"test"}


def test_figures_stand_with_their_intervals(tested_run: Path):
    rows = table_rows(model_card(facts_of(tested_run)))

    record = RunRecord.read(tested_run)
    for split, column in (("val", 0), ("test", 1)):
        top1 = record.splits[split].top1
        told = f"{100 * top1.value:.1f} [{100 * top1.low:.1f}–{100 * top1.high:.1f}]"
        assert rows["Top-1"][column] == told
    assert rows["clips"] == ["9 of 9", "9 of 9"]
    assert rows["training"] == ["18", "18", "4", "4"]
    assert rows["left"][0] == "3"
    assert rows["ONNX"] == ["0.6", "1.0"]


def test_what_was_not_evaluated_is_said(late_run: Path, tmp_path: Path):
    card = model_card(facts_of(late_run))

    assert "The test split was not evaluated: how good the model is on new clips" in card
    (tmp_path / "README.md").write_text(card, encoding="utf-8")
    assert not ModelCard.load(tmp_path / "README.md").data.eval_results
    (late := shutil.copytree(late_run, tmp_path / "late")).joinpath("result.json").unlink()
    card = model_card(facts_of(late))
    assert "The validation split was not evaluated." in card
    assert "Measured by PyTorch" not in card
    assert "Copies of the same clip under other names were not looked for." in card


def test_what_was_not_calibrated_or_licensed_is_said(late_run: Path):
    facts = facts_of(late_run)
    never = replace(facts, trained=replace(facts.trained, calibration=Calibration()), license=None)

    before, after = words(model_card(facts)), words(model_card(never))

    threshold = facts.trained.calibration.threshold
    assert f'Where the highest score is below {threshold:.3f}, the answer should be "not' in before
    assert "Videos it was trained on: not stated." in before
    assert "license: " not in after
    assert "Model: not stated; ask whoever gave it to you" in after
    assert "it always names a sign" in after
    assert "Its scores were not calibrated" in after


def test_the_command_that_trained_it_and_where_stand_without_folders(late_run: Path):
    card = model_card(facts_of(late_run))

    assert "signflow train squares --model late-fusion --batch-size 8 --lr 0.001" in card
    assert str(late_run.parent) not in card
    assert json.dumps(facts_of(late_run).trained.recipe.to_dict()) in card
    assert table_rows(card)["device"] == ["cpu"]


def test_the_8_bit_form_is_told_with_its_agreement(late_run: Path):
    facts = replace(
        facts_of(late_run),
        int8="model.int8.onnx",
        agreement=Agreement(clips=9, top1=8 / 9, difference=0.0421),
        compared_on="9 of 9 validation clips of squares",
    )

    card = words(model_card(facts))

    assert "`model.int8.onnx`, names the same sign first as the 32-bit one in 88.9" in card
    assert "difference of a score is 0.042. Its accuracy was not evaluated." in card


def test_glosses_that_look_like_markdown_or_yaml_stay_what_they_are(
    tested_run: Path, tmp_path: Path
):
    facts = facts_of(tested_run)
    strange = ("a|b", "*žuta*\n# big", "[x](y) <b>")
    card = model_card(replace(facts, trained=replace(facts.trained, classes=strange)))

    assert r"a\|b, \*žuta\* \# big, \[x\](y) \<b\>." in card
    odd = replace(facts, license='Mine: "all" #rights')
    (tmp_path / "README.md").write_text(model_card(odd), encoding="utf-8")
    head = ModelCard.load(tmp_path / "README.md").data
    assert (head.license, head.license_name) == ("other", 'Mine: "all" #rights')


def test_more_glosses_than_can_be_read_are_counted(late_run: Path):
    facts = facts_of(late_run)
    many = tuple(f"sign{number}" for number in range(100))
    card = model_card(replace(facts, trained=replace(facts.trained, classes=many)))

    assert "sign59, and 40 more." in card
    assert "sign60" not in card
