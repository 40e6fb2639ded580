"""The model card: what an exported model is, how good, and where its limits are.

Markdown with a YAML head, as the Hugging Face hub reads it. What is not known or was not measured
is said.
"""

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

import signflow
from signflow.errors import UserError
from signflow.evaluation import MEASURES, RunRecord
from signflow.evaluation.data import DataView, data_views
from signflow.evaluation.words import NOTHING, figure, percent
from signflow.recognition.forms import Form
from signflow.recognition.int8 import Agreement
from signflow.recognition.onnx_file import describe_inputs
from signflow.training import TrainedModel

MARK = "library_name: signflow"
"""The line of a card's head by which it is known to be one of ours."""

MOST_GLOSSES = 60
"""With more of them the card names the first ones; all stand in the file's metadata."""

_HUB_LICENSE = re.compile(r"[a-z0-9][a-z0-9.\-]*")
_SPLITS = {"train": "training", "val": "validation", "test": "test"}


@dataclass(frozen=True, kw_only=True)
class CardFacts:
    """What a card tells.

    Attributes:
        record: the run.
        trained: its model.
        license: of the model; None: not stated.
        data_license: of the videos, likewise.
        onnx: name of the ONNX file.
        int8: name of its 8-bit form, or None.
        forms: size and latency of what there was on the way.
        clips: how many clips the export was checked on.
        source: which ones.
        difference: the largest difference of a score from PyTorch's.
        tolerance: the largest that is let pass.
        agreement: how the 8-bit form compares, or None.
        compared_on: on which clips.
    """

    record: RunRecord
    trained: TrainedModel
    license: str | None
    data_license: str | None
    onnx: str
    int8: str | None
    forms: tuple[Form, ...]
    clips: int
    source: str
    difference: float
    tolerance: float
    agreement: Agreement | None
    compared_on: str


def check_card_place(path: Path, *, overwrite: bool) -> None:
    """Make sure that a card may be written to `path`.

    Raises:
        UserError: something lies there that is no card of signflow's, or `overwrite` is not asked.
    """
    if not path.exists():
        return
    if path.is_dir() or not _is_card(path):
        raise UserError(
            f"{path}: is there already, and no model card of signflow's, so it is never replaced;"
            " give --out a folder of its own, or --card another name"
        )
    if not overwrite:
        raise UserError(
            f"{path}: holds a model card already; give --out a folder of its own, or --overwrite"
        )


def write_model_card(path: Path, facts: CardFacts) -> None:
    """Write the card; `path` is replaced."""
    path.write_text(model_card(facts), encoding="utf-8")


def model_card(facts: CardFacts) -> str:
    """The card's text."""
    (view,) = data_views([facts.record.run])
    environment = Environment(
        loader=PackageLoader("signflow.recognition"),
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters.update(md=quote, percent=percent, figure=figure, json=_json)
    record, recipe = facts.record, facts.trained.recipe
    return environment.get_template("model_card.md").render(
        facts=facts,
        record=record,
        recipe=recipe,
        calibration=facts.trained.calibration,
        classes=facts.trained.classes,
        most_glosses=MOST_GLOSSES,
        inputs=describe_inputs(facts.trained.model.inputs, recipe),
        license_lines=_license_lines(facts.license),
        results=_model_index(facts),
        splits=_SPLITS,
        figures=_figures(record),
        view=view,
        counted=[each for each in view.shared if each.between == "splits"],
        reasons=_reasons(view),
        origin=without_folders(view.audit.origin) if view.audit else None,
        missing=_not_looked_at(view),
        signers=_signers(view),
        train_command=_train_command(record),
        version=signflow.__version__,
    )


def quote(text: object) -> str:
    """Text that Markdown shows as it is, in one line.

    Example:
        >>> print(quote("a|b *c*"))
        a\\|b \\*c\\*
    """
    return re.sub(r"([\\`*_{}\[\]<>#|~&])", r"\\\1", " ".join(str(text).split()))


def without_folders(text: str) -> str:
    """Text whose paths are but their last names: a card goes out, and folders name people.

    Example:
        >>> without_folders("table /home/anna lee/signs/clips.csv")
        'table clips.csv'
    """
    return re.sub(r"\S*[/\\].*[/\\]|\S*[/\\]", "", text)


def _is_card(path: Path) -> bool:
    try:
        head = path.read_text(encoding="utf-8")[:2000].splitlines()
    except (OSError, UnicodeDecodeError):
        return False
    return head[:1] == ["---"] and MARK in head


def _json(value: Any) -> str:
    """A value as JSON, which is YAML too."""
    return json.dumps(value, ensure_ascii=False)


def _license_lines(name: str | None) -> list[str]:
    """The head's licence: the hub knows short names, and asks for "other" with a name besides."""
    if name is None:
        return []
    if _HUB_LICENSE.fullmatch(name):
        return [f"license: {_json(name)}"]
    return ["license: other", f"license_name: {_json(name)}"]


def _model_index(facts: CardFacts) -> list[Mapping[str, Any]]:
    """The head's results, of the test split only: validation has chosen the model."""
    found = facts.record.splits.get("test")
    if found is None:
        return []
    name = facts.record.run.store_path.name
    metrics = [
        {"type": kind, "name": title, "value": round(interval.value, 4)}
        for kind, title, interval in (
            ("accuracy", "top-1 accuracy", found.top1),
            ("accuracy", "per-class accuracy", found.per_class_mean),
            ("f1", "macro F1", found.macro_f1),
        )
        if interval.value is not None
    ]
    return [
        {
            "task": {"type": "video-classification", "name": "Isolated sign recognition"},
            "dataset": {"type": name, "name": name, "split": "test"},
            "metrics": metrics,
        }
    ]


def _figures(record: RunRecord) -> dict[str, Any]:
    """Every measure of every split that was evaluated, as cells of a table."""
    results = list(record.splits.values())
    rows = [["clips", *(f"{result.clips} of {result.asked}" for result in results)]]
    for measure in MEASURES:
        found = [result.measured(measure.name) for result in results]
        if any(found):
            told = [figure(each, percent=measure.is_share) if each else NOTHING for each in found]
            rows.append([measure.title, *told])
    return {"splits": [_SPLITS[split] for split in record.splits], "rows": rows}


def _reasons(view: DataView) -> str:
    reasons = view.audit.reasons if view.audit else {}
    return ", ".join(f"{count} × {reason}" for reason, count in reasons.items())


def _not_looked_at(view: DataView) -> list[str]:
    """Sentences on what is not known of the data."""
    if view.audit is None:
        return ["The store was not there when this was written, so its clips were not counted."]
    missing = []
    if not view.audit.compared:
        missing.append("Copies of the same clip under other names were not looked for.")
    if view.audit.text is None:
        missing.append("Text in the picture was not looked for.")
    return missing


def _signers(view: DataView) -> str:
    """A sentence on whether the signers of test are new to the model."""
    signers = [each for each in view.shared if each.what == "signers" and each.between == "splits"]
    if not signers or not signers[0].known:
        return (
            "Who signs in which clip is not known, so how well it recognises people whom it has"
            " never seen is not known either."
        )
    if shared := signers[0].shared:
        return (
            f"{len(shared)} signer{' is' if len(shared) == 1 else 's are'} in two splits or more,"
            " so the figures say less about people whom it has never seen."
        )
    if signers[0].known < signers[0].clips:
        return (
            f"Of {signers[0].clips} clips {signers[0].known} say who signs; those signers are in"
            " one split each."
        )
    return "No signer is in two splits."


def _train_command(record: RunRecord) -> str:
    words = ["signflow", "train", record.run.store_path.name, *record.config.command_options()]
    return shlex.join([*words, "--out", record.path.resolve().name])
