"""`signflow build SOURCE --out STORE`."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

import tyro
from rich.table import Table
from tyro.conf import OmitArgPrefixes, Positional

from signflow.annotations import SPLITS, ReadOptions, read_clips
from signflow.audit import drop_leaks
from signflow.cli.parse import key_values, option, parse
from signflow.cli.protocol import protocol_in
from signflow.cluster import dask_executor
from signflow.progress import console
from signflow.store import PATIENCE, RECIPES, BuildSummary, Protocol, Recipe, build_store
from signflow.video import create_flow, flow_from_dict, flow_to_dict


@dataclass(frozen=True, kw_only=True)
class Build:
    """Turn clips into a store of frames and optical flow.

    SOURCE is a table (clips.csv or .parquet with the columns source and gloss and, where known,
    split, group, start, end, signer, box, fold), an MS-ASL or WLASL annotation directory (with
    --videos), or a folder with one sub-folder of clips per gloss. A build that was stopped goes on
    with the same command.

    Attributes:
        source: the table, the annotation directory or the folder.
        out: the store's directory.
        read: how to read the source.
        protocol: what the recipe's options begin with: standard, or the report's.
        recipe: how a clip becomes arrays.
        flow: optical flow method: farneback, farneback-fast (extra: signflow[fast]), dis or raft (a
            net; its weights are downloaded once); by default the protocol's (dis, farneback).
        flow_options: parameters of the flow method as KEY=VALUE, such as winsize=15 levels=3, or
            variant=small of raft. The protocol's own method begins with the protocol's parameters
            (finest_scale=0 of dis).
        workers: processes; by default one per core. 0 works in this one.
        dask: address of a Dask scheduler (tcp://HOST:8786) whose workers build instead; they must
            see the videos and the store under the same paths (extra: signflow[dask]).
        patience: seconds without a sign of life after which a decoder is taken to hang.
        overwrite: replace a store of other clips or another recipe, or one that missed files which
            are there now.
        drop_leaks: keep clips that lie in two splits or folds (the same stretch of a video, or
            copies) only where it does least harm: train loses them, then validation.
    """

    source: Positional[Path]
    out: Path
    read: OmitArgPrefixes[ReadOptions] = field(default_factory=ReadOptions)
    protocol: Protocol = "standard"
    recipe: OmitArgPrefixes[Recipe] = field(default_factory=lambda: RECIPES["standard"])
    flow: str | None = None
    flow_options: tuple[str, ...] = ()
    workers: int | None = None
    dask: str | None = None
    patience: float = PATIENCE
    overwrite: bool = False
    drop_leaks: bool = False


def run(words: Sequence[str]) -> None:
    """Build a store and say what came of it."""
    usual = _usual_recipe(words)
    default = Build(source=tyro.MISSING, out=tyro.MISSING, recipe=usual)
    asked = parse(Build, words, command="build", default=default)
    options = key_values(asked.flow_options, option="--flow-options")
    if asked.flow is None or asked.flow == usual.flow.name:
        flow = flow_from_dict(flow_to_dict(usual.flow) | options)
    else:
        flow = create_flow(asked.flow, **options)
    clips = read_clips(asked.source, options=asked.read)
    with dask_executor(asked.dask) if asked.dask else nullcontext() as executor:
        summary = build_store(
            clips,
            out=asked.out,
            recipe=replace(asked.recipe, flow=flow),
            workers=asked.workers,
            executor=executor,
            patience=asked.patience,
            overwrite=asked.overwrite,
            leave_out=drop_leaks(workers=asked.workers) if asked.drop_leaks else None,
        )
    _print_summary(summary)


def _usual_recipe(words: Sequence[str]) -> Recipe:
    """What the recipe's options begin with; at a rate there is nothing to choose by sampling."""
    usual = RECIPES[protocol_in(words) or "standard"]
    return usual if option(words, "--fps") is None else replace(usual, sampling="floor")


def _print_summary(summary: BuildSummary) -> None:
    table = Table(title=f"{summary.store}", title_justify="left")
    for heading in ("split", "built", "asked for", "glosses"):
        table.add_column(heading, justify="left" if heading == "split" else "right")
    for split in SPLITS:
        rows = [row for row in summary.rows if row.clip.split == split]
        built = [row for row in rows if row.built]
        glosses = {row.clip.gloss for row in built}
        table.add_row(split, str(len(built)), str(len(rows)), str(len(glosses)))
    console.print(table)
    for status, count in summary.reasons().most_common():
        first = next(row for row in summary.rows if row.status == status)
        console.print(
            f"{count} x {status}, such as: {first.reason}",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
    if summary.came_since:
        console.print(
            f"of the clips whose file was missing, {summary.came_since} are there now: --overwrite"
            " builds the store with them",
            highlight=False,
            soft_wrap=True,
        )
    saturated = [row.saturated for row in summary.rows if row.saturated is not None]
    before = f", {summary.done_before} of them before" if summary.done_before else ""
    bound = "no flow is kept"
    if saturated:
        bound = f"{sum(saturated) / len(saturated):.3%} of flow values reach the bound"
    console.print(
        f"{summary.built} of {len(summary.rows)} clips built in {summary.seconds:.1f} s{before};"
        f" {bound}",
        highlight=False,
        soft_wrap=True,
    )
