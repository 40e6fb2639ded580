"""`signflow download SOURCE --videos DIR`."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from rich.markup import escape
from rich.table import Table
from tyro.conf import OmitArgPrefixes, Positional

from signflow.annotations import SPLITS, ReadOptions
from signflow.cli.parse import parse
from signflow.download import DownloadConfig, DownloadSummary, download_videos
from signflow.errors import UserError
from signflow.progress import console

_MOST_ROWS = 40


@dataclass(frozen=True, kw_only=True)
class Download:
    """Fetch the videos that annotations speak of, each once, politely.

    SOURCE is an MS-ASL or WLASL annotation directory. What came of every URL stands in
    DIR/downloads.jsonl: got, gone, blocked or failed. The same command goes on: it asks again for
    what was blocked or failed.

    Attributes:
        source: the annotations.
        read: how to read them; --videos is where the videos go.
        cookies: cookies of a signed-in browser (cookies.txt), for what YouTube shows no strangers.
        retry: "gone" asks again for what was removed, private or closed.
        config: how much, how gently.
    """

    source: Positional[Path]
    read: OmitArgPrefixes[ReadOptions] = field(default_factory=ReadOptions)
    cookies: Path | None = None
    retry: tuple[Literal["gone"], ...] = ()
    config: OmitArgPrefixes[DownloadConfig] = field(default_factory=DownloadConfig)


def run(words: Sequence[str]) -> None:
    """Fetch, and say what can be had and what the next try may bring."""
    asked = parse(Download, words, command="download")
    summary = download_videos(
        asked.source,
        read=asked.read,
        config=asked.config,
        cookies=asked.cookies,
        retry_gone="gone" in asked.retry,
    )
    console.print(_table(summary))
    for line in _lines(summary):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    if not summary.clips("got"):
        raise UserError("not one clip can be had; the reasons stand above", exit_status=1)


def _table(summary: DownloadSummary) -> Table:
    """Clips that can be had, of those annotated: a row a class, a column a split."""
    there: Counter[tuple[str, str]] = Counter()
    asked: Counter[tuple[str, str]] = Counter()
    labels: dict[str, int] = {}
    for video in summary.videos:
        for clip in video.video.clips:
            labels[clip.gloss] = clip.label
            for gloss in (clip.gloss, ""):
                asked[gloss, clip.split] += 1
                there[gloss, clip.split] += video.standing == "got"

    def share(gloss: str) -> float:
        total = sum(asked[gloss, split] for split in SPLITS)
        return sum(there[gloss, split] for split in SPLITS) / total

    glosses = sorted(labels, key=lambda gloss: labels[gloss])
    if len(glosses) > _MOST_ROWS:
        glosses = sorted(glosses, key=lambda gloss: (share(gloss), labels[gloss]))[:_MOST_ROWS]
    table = Table(title="clips that can be had, of all", title_justify="left")
    table.add_column("class")
    for split in SPLITS:
        table.add_column(split, justify="right")
    for gloss in glosses:
        cells = [f"{there[gloss, split]} of {asked[gloss, split]}" for split in SPLITS]
        table.add_row(escape(gloss), *cells)
    if len(labels) > len(glosses):
        table.add_row(f"({len(labels) - len(glosses)} more with larger shares)", *[""] * 3)
    table.add_section()
    table.add_row("all", *[f"{there['', split]} of {asked['', split]}" for split in SPLITS])
    return table


def _lines(summary: DownloadSummary) -> list[str]:
    counts = summary.counts()
    new = sum(video.new for video in summary.videos)
    clips = sum(len(video.video.clips) for video in summary.videos)
    lines = [
        f"{counts['got']} of {len(summary.videos)} videos are in {summary.folder} ({new} came"
        f" now, in {summary.seconds:.0f} s): {summary.clips('got')} of {clips} clips"
    ]
    whole = [video for video in summary.videos if video.standing == "got" and video.reason]
    if whole:
        name, reason = whole[0].video.name, whole[0].reason
        lines.append(f"{len(whole)} came whole in spite of --sections, such as {name}: {reason}")
    for standing, remedy in (
        ("blocked", "worth another try later, from elsewhere or with --cookies"),
        ("not tried", "the next try asks for them"),
        ("failed", "worth another try"),
        ("gone", "not asked for again without --retry gone"),
        ("no address", "they can't be asked for"),
    ):
        found = [video for video in summary.videos if video.standing == standing]
        if found:
            inside = sum(len(video.video.clips) for video in found)
            lines.append(
                f"{len(found)} {standing} with {inside} clips ({remedy}), such as"
                f" {found[0].video.name}: {found[0].reason}"
            )
    more = summary.clips("blocked", "failed", "not tried")
    if more:
        lines.append(f"The same command asks again: it may bring up to {more} more clips.")
    else:
        lines.append("The same command would bring nothing more.")
    return lines
