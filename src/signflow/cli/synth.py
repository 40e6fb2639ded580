"""`signflow synth OUT`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tyro.conf import OmitArgPrefixes, Positional

from signflow.cli.parse import parse
from signflow.errors import UserError
from signflow.processes import available_cores
from signflow.progress import console
from signflow.synth import SynthConfig, render_annotations, render_set


@dataclass(frozen=True, kw_only=True)
class Synth:
    """Render signers: stand-in videos of ten signs, annotated in the format of MS-ASL.

    With --annotations, render a stand-in for every video of a real MS-ASL annotation directory
    instead; the options of the set (train, val, test, size ...) then play no part. A rendering that
    was stopped goes on with the same command.

    Attributes:
        out: the directory: annotations, and the videos in OUT/videos.
        annotations: a directory with MSASL_{train,val,test}.json.
        classes: with --annotations: render the clips with a label below this.
        workers: processes; by default one per core.
        config: the set.
    """

    out: Positional[Path]
    annotations: Path | None = None
    classes: int = 10
    workers: int | None = None
    config: OmitArgPrefixes[SynthConfig] = field(default_factory=SynthConfig)


def run(words: Sequence[str]) -> None:
    """Render and say what came of it."""
    asked = parse(Synth, words, command="synth")
    workers = asked.workers or available_cores()
    if workers < 1:
        raise UserError(f"--workers {workers}: must be 1 or more")
    if asked.annotations is None:
        summary = render_set(asked.out, asked.config, workers=workers)
    else:
        summary = render_annotations(
            asked.annotations,
            asked.out,
            classes=asked.classes,
            workers=workers,
            seed=asked.config.seed,
        )
    console.print(
        f"{summary.videos} videos with {summary.clips} clips, {summary.seconds / 60:.0f} minutes in"
        f" all, in {asked.out / 'videos'} ({summary.rendered} rendered now)",
        highlight=False,
        soft_wrap=True,
    )
