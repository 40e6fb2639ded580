"""A run becomes one ONNX file that runs without PyTorch, checked on real clips, with its card."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from tyro.conf import UseAppendAction

import signflow
from signflow.errors import UserError
from signflow.evaluation import RunRecord
from signflow.files import atomic_path
from signflow.progress import progress_bar
from signflow.recognition.check_clips import CheckClips, clips_of_split, clips_to_check
from signflow.recognition.fold import folded, weight_bytes
from signflow.recognition.forms import Form, Forms, Scores
from signflow.recognition.int8 import (
    CALIBRATION_CLIPS,
    Agreement,
    add_metadata,
    compare,
    quantise,
)
from signflow.recognition.model_card import CardFacts, check_card_place, write_model_card
from signflow.recognition.onnx_file import (
    OnnxModel,
    Scorer,
    check_libraries,
    describe_inputs,
    write_onnx,
)
from signflow.training import TrainedModel, load_model

TOLERANCE = 1e-4
"""The largest difference between a score of PyTorch and of the ONNX file that is let pass."""

CHECKED = 32
"""Validation clips that an export is checked on, at most."""

COMPARED_IN_INT8 = 200
"""Validation clips on which the 8-bit form is compared with the 32-bit one, at most."""

AS_TRAINED, FOLDED, ONNX, INT8 = "PyTorch, as trained", "PyTorch, folded", "ONNX", "ONNX, int8"


@dataclass(frozen=True, kw_only=True)
class ExportConfig:
    """How a run is exported.

    Attributes:
        fold: make one matrix of two linear layers with nothing between them: the same scores.
        int8: also write an 8-bit form, NAME.int8.onnx.
        int8_agreement: share of the validation clips for which the 8-bit form must name the same
            sign first as the 32-bit one, 0 to 1; with 0 whatever comes out is written.
        check: videos of one sign each to check the export on, besides validation clips of the
            store; needed where the store is gone.
        license: of the model, as the Hugging Face hub names licences ("mit", "cc-by-4.0").
        data_license: of the videos it was trained on, in words.
        card: where the model card goes; README.md beside the model by default.
        overwrite: replace what is there; of a README.md only a model card of signflow's.
    """

    fold: bool = True
    int8: bool = False
    int8_agreement: float = 0.95
    check: Annotated[tuple[Path, ...], UseAppendAction] = ()
    license: str | None = None
    data_license: str | None = None
    card: Path | None = None
    overwrite: bool = False

    def __post_init__(self) -> None:
        """Check every value.

        Raises:
            ValueError: naming the value and what is allowed.
        """
        if not 0 <= self.int8_agreement <= 1:
            raise ValueError(f"int8_agreement is {self.int8_agreement}; must be 0 to 1")
        for name in ("license", "data_license"):
            value = getattr(self, name)
            if value is not None and (not value.strip() or "\n" in value):
                raise ValueError(f"{name} is {value!r}; must be one line of text")


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What an export came to.

    Attributes:
        onnx: the model.
        int8: its 8-bit form, or None.
        card: the model card.
        forms: size and latency of what there was on the way, the trained net first.
        clips: how many clips the export was checked on.
        source: which ones, for people.
        difference: the largest difference of a score from PyTorch's.
        agreement: how the 8-bit form compares with the 32-bit one, or None.
        compared_on: on which clips, for people.
    """

    onnx: Path
    int8: Path | None
    card: Path
    forms: tuple[Form, ...]
    clips: int
    source: str
    difference: float
    agreement: Agreement | None
    compared_on: str

    @property
    def hub_files(self) -> dict[str, Path]:
        """The files by the names that they get on the Hugging Face hub."""
        models = [path for path in (self.onnx, self.int8) if path is not None]
        return {path.name: path for path in models} | {"README.md": self.card}


def export_run(run: Path, out: Path, *, config: ExportConfig | None = None) -> Exported:
    """Write a run's model as one ONNX file, from bytes to calibrated scores, and its card.

    All files appear whole, and only if the scores of the ONNX file are PyTorch's, to 1e-4, on real
    clips.

    Args:
        run: a run directory; its store is needed, or videos in `config.check`.
        out: the ONNX file, *.onnx.
        config: how; None: the defaults.

    Raises:
        UserError: there is no finished run, a file is there already, a library is missing, the
            model cannot be written as ONNX, or a difference is too large.

    Example:
        >>> exported = export_run(Path("runs/mine"), Path("mine/model.onnx"))
        >>> exported.difference < 1e-4
        True
    """
    config = config or ExportConfig()
    check_libraries()
    places = _Places.of(out, config)
    record = RunRecord.read(run)
    if not record.run.complete:
        raise UserError(f"{run}: its training is not finished; give the same train command again")
    with progress_bar() as progress:
        task = progress.add_task("Exporting", total=5 if config.int8 else 4, note="reading")

        def say(note: str) -> None:
            progress.update(task, advance=1, note=note)

        return _export(record, places, config, say)


@dataclass(frozen=True, kw_only=True)
class _Places:
    """Where the files go; nothing that must not be replaced lies there."""

    onnx: Path
    int8: Path
    card: Path

    @classmethod
    def of(cls, out: Path, config: ExportConfig) -> "_Places":
        if out.suffix != ".onnx":
            raise UserError(f"--out {out}: must end in .onnx")
        places = cls(
            onnx=out,
            int8=out.with_suffix(".int8.onnx"),
            card=config.card or out.with_name("README.md"),
        )
        for path in [places.onnx, *([places.int8] if config.int8 else [])]:
            if path.is_dir():
                raise UserError(f"{path}: is a directory; give --out a file's name")
            if path.exists() and not config.overwrite:
                raise UserError(f"{path}: is there already; give another --out, or --overwrite")
        check_card_place(places.card, overwrite=config.overwrite)
        return places


def _export(
    record: RunRecord, places: _Places, config: ExportConfig, say: Callable[[str], None]
) -> Exported:
    trained = load_model(record.run.model_path, device=torch.device("cpu"))
    clips = clips_to_check(record.run, trained, videos=config.check, most=CHECKED)
    if not len(clips):
        raise UserError(
            f"{record.run.store_path}: has no validation clips to check the export on; name videos"
            " with --check VIDEO..."
        )
    forms = Forms()
    exact = forms.add(AS_TRAINED, size=weight_bytes(trained.model), scores=trained.scores)
    scorer = Scorer(trained.model, trained.calibration)
    if config.fold:
        scorer = Scorer(folded(trained.model), trained.calibration)
        if (size := weight_bytes(scorer.model)) < weight_bytes(trained.model):
            forms.add(FOLDED, size=size, scores=scorer.scores)
    say("writing")
    metadata = _metadata(record, trained, config, is_folded=FOLDED in forms.sizes)
    agreement, compared_on = None, ""
    with ExitStack() as files:
        onnx = files.enter_context(atomic_path(places.onnx))
        name = record.config.model
        write_onnx(scorer, onnx, recipe=trained.recipe, metadata=metadata, name=name)
        say("checking")
        written = forms.add(ONNX, size=onnx.stat().st_size, scores=OnnxModel(onnx).scores)
        difference = _checked(exact, written, clips, name=name)
        if config.int8:
            say("in 8 bits")
            beside = files.enter_context(atomic_path(places.int8))
            agreement, compared_on = _write_int8(record, trained, onnx, beside, config)
            add_metadata(beside, {**metadata, "precision": "int8"})
            forms.add(INT8, size=beside.stat().st_size, scores=OnnxModel(beside).scores)
        say("timing")
        exported = Exported(
            onnx=places.onnx,
            int8=places.int8 if config.int8 else None,
            card=places.card,
            forms=forms.timed(next(iter(clips))),
            clips=len(clips),
            source=clips.source,
            difference=difference,
            agreement=agreement,
            compared_on=compared_on,
        )
        write_model_card(
            files.enter_context(atomic_path(places.card)),
            _card_facts(record, trained, config, exported),
        )
    return exported


def _checked(exact: Scores, written: Scores, clips: CheckClips, *, name: str) -> float:
    """The largest difference; not a number where a score is none."""
    difference = float(np.max([np.abs(exact(batch) - written(batch)).max() for batch in clips]))
    if not difference <= TOLERANCE:
        raise UserError(
            f"{name}: the scores of the ONNX file differ from PyTorch's by up to"
            f" {difference:.2g} on {clips.source}; {TOLERANCE:g} is let pass, so nothing was"
            " written: use the run by signflow predict, or export a run of another model",
            exit_status=1,
        )
    return difference


def _write_int8(
    record: RunRecord, trained: TrainedModel, onnx: Path, out: Path, config: ExportConfig
) -> tuple[Agreement, str]:
    try:
        learnt = clips_of_split(record.run, trained, "train", most=CALIBRATION_CLIPS)
        unseen = clips_of_split(record.run, trained, "val", most=COMPARED_IN_INT8)
    except UserError as gone:
        raise UserError(
            f"--int8: {gone}; the ranges of the 8-bit numbers come from the store's training clips:"
            " export without --int8"
        ) from None
    quantise(onnx, out, batches=learnt)
    given = {
        path: np.concatenate([model.scores(batch) for batch in unseen])
        for path in (onnx, out)
        for model in [OnnxModel(path)]
    }
    agreement = compare(given[onnx], given[out])
    if agreement.top1 < config.int8_agreement:
        raise UserError(
            f"--int8: on {unseen.source} the 8-bit form names the same sign first in"
            f" {agreement.top1:.1%}, but --int8-agreement asks for {config.int8_agreement:.1%}"
            f" (largest difference of a score: {agreement.difference:.3f}); nothing was written:"
            " export without --int8, or ask for less",
            exit_status=1,
        )
    return agreement, unseen.source


def _metadata(
    record: RunRecord, trained: TrainedModel, config: ExportConfig, *, is_folded: bool
) -> dict[str, str]:
    """What the file says of itself; values are text, or JSON where they are more."""
    values = {
        "signflow": signflow.__version__,
        "model": record.config.model,
        "options": record.config.model_options.given(),
        "labels": trained.classes,
        "recipe": trained.recipe.to_dict(),
        "inputs": describe_inputs(trained.model.inputs, trained.recipe),
        "output": "scores, float32 (batch, labels): calibrated, each row summing to 1; where the"
        " highest is below threshold, the answer is: not sure",
        "calibration": trained.calibration.to_dict(),
        "threshold": trained.calibration.threshold,
        "folded": is_folded,
        "precision": "float32",
        "license": config.license,
        "data_license": config.data_license,
        "store": record.run.store_fingerprint,
    }
    return {
        key: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for key, value in values.items()
        if value is not None
    }


def _card_facts(
    record: RunRecord, trained: TrainedModel, config: ExportConfig, exported: Exported
) -> CardFacts:
    return CardFacts(
        record=record,
        trained=trained,
        license=config.license,
        data_license=config.data_license,
        onnx=exported.onnx.name,
        int8=None if exported.int8 is None else exported.int8.name,
        forms=exported.forms,
        clips=exported.clips,
        source=exported.source,
        difference=exported.difference,
        tolerance=TOLERANCE,
        agreement=exported.agreement,
        compared_on=exported.compared_on,
    )
