"""`signflow export RUN --out model.onnx`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.table import Table
from tyro.conf import OmitArgPrefixes, Positional

from signflow.cli.parse import parse
from signflow.progress import console
from signflow.recognition.export import ExportConfig, Exported, export_run
from signflow.recognition.hub import check_hub, push_to_hub


@dataclass(frozen=True, kw_only=True)
class Export:
    """Write a run's model as one ONNX file that runs without PyTorch, and its model card.

    It takes a store's bytes and gives calibrated scores; signs, recipe and threshold stand in its
    metadata. It is checked against PyTorch on real clips, and written only if their scores agree.

    Attributes:
        run: a run directory.
        out: the file, *.onnx.
        config: how.
        push_to_hub: OWNER/NAME on the Hugging Face hub: upload it, its card and the run's weights.
        private: make the hub's repository private, where it is new.
    """

    run: Positional[Path]
    out: Path
    config: OmitArgPrefixes[ExportConfig] = field(default_factory=ExportConfig)
    push_to_hub: str | None = None
    private: bool = False


def run(words: Sequence[str]) -> None:
    """Export, and say what was checked, how large it is and how fast."""
    asked = parse(Export, words, command="export")
    if asked.push_to_hub is not None:
        check_hub(asked.push_to_hub)
    exported = export_run(asked.run, asked.out, config=asked.config)
    _print(exported)
    if asked.push_to_hub is not None:
        files = {**exported.hub_files, "model.safetensors": asked.run / "model.safetensors"}
        page = push_to_hub(asked.push_to_hub, files, private=asked.private)
        _say(f"On the hub: {page}")


def _print(exported: Exported) -> None:
    table = Table()
    for title in ("form", "MB", "ms for a clip"):
        table.add_column(title, justify="left" if title == "form" else "right")
    for form in exported.forms:
        table.add_row(form.name, f"{form.size / 1e6:.1f}", f"{form.seconds * 1e3:.1f}")
    console.print(table)
    _say(
        f"Checked on {exported.source}: the scores differ from PyTorch's by"
        f" {exported.difference:.1e} at most."
    )
    if exported.agreement is not None:
        _say(
            f"8 bits: on {exported.compared_on} the same sign first in"
            f" {exported.agreement.top1:.1%}, scores differ by {exported.agreement.difference:.3f}"
            " at most."
        )
    written = [exported.onnx, exported.int8, exported.card]
    _say(f"Written: {', '.join(str(path) for path in written if path)}")


def _say(line: str) -> None:
    console.print(line, highlight=False, markup=False, soft_wrap=True)
