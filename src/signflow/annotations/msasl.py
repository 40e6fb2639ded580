"""MS-ASL: `MSASL_{train,val,test}.json` and `MSASL_classes.json`.

Source: Joze and Koller, MS-ASL: A Large-Scale Data Set and Benchmark for Understanding American
Sign Language, BMVC 2019. Subset K (100, 200, 500, 1000) keeps the labels below K.

`MSASL_synonym.json` is not read: labels stand in the split files already, and none of its groups
holds two of the classes. It says which other words the authors counted as a class's.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from signflow.annotations.clip import SPLITS, Box, Clip, ClipList, Split
from signflow.annotations.readers import ReadOptions, number_repeats, reader
from signflow.annotations.urls import video_name
from signflow.annotations.video_folder import VideoFolder
from signflow.errors import UserError
from signflow.files import read_json


def is_msasl(source: Path) -> bool:
    """Whether a path is a directory of MS-ASL annotations, by the names of its files."""
    return source.is_dir() and any(source.glob("MSASL_*.json"))


@reader("MS-ASL", matches=is_msasl)
def read_msasl(source: Path, options: ReadOptions) -> ClipList:
    """Read an MS-ASL annotation directory.

    A clip's video is `VIDEOS/<YouTube id>.<any video suffix>`, however its URL is spelt; of
    a plain link it is `VIDEOS/<urls.video_name>.<suffix>`. One that is not there is recorded by the
    build. An entry that ends where it starts becomes a clip all the same, so that it is counted.

    Raises:
        UserError: `videos` is missing, no split file is there, a file is no list of clips, or an
            entry lacks a url, a label from 0, or times in seconds; it names file and entry.
    """
    if options.subset is not None:
        raise UserError(f"{source}: --subset is for WLASL; MS-ASL's subsets are --classes K")
    videos = VideoFolder(source, options, kind="MS-ASL", names="<YouTube id>")
    classes = _classes(source / "MSASL_classes.json", keep=options.classes)
    files = {split: source / f"MSASL_{split}.json" for split in SPLITS}
    present = {split: path for split, path in files.items() if path.is_file()}
    if not present:
        raise UserError(f"{source}: has none of MSASL_train.json, MSASL_val.json, MSASL_test.json")
    clips: list[Clip] = []
    for split, path in present.items():
        for position, entry in enumerate(_entries(path)):
            clip = _clip(Entry(path, position, entry), split, classes, videos)
            if clip is not None:
                clips.append(clip)
    if not clips:
        raise UserError(f"{source}: no entry has a label below {len(classes)}")
    return ClipList(
        clips=_unique(clips),
        classes=classes,
        origin=f"MS-ASL annotations {source}, labels 0 to {len(classes) - 1}",
    )


class Entry:
    """An entry of a split file, with what is needed to complain about it."""

    def __init__(self, path: Path, position: int, entry: Any) -> None:
        self.where = f"{path}, entry {position}"
        if not isinstance(entry, Mapping):
            raise UserError(
                f"{self.where}: is {entry!r:.60}; expected an object with url, label, times"
            )
        self.entry = entry

    def label(self) -> int:
        """The class number."""
        value = self.entry.get("label")
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise UserError(f"{self.where}: label is {value!r}; expected a whole number from 0")
        return value

    def url(self) -> str:
        """The video's address, as written."""
        value = self.entry.get("url")
        if not isinstance(value, str):
            raise UserError(f"{self.where}: url is {value!r}; expected the video's address")
        return value

    def seconds(self, key: str) -> float:
        """A time."""
        value = self.entry.get(key)
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not math.isfinite(value)
        ):
            raise UserError(f"{self.where}: {key} is {value!r}; expected a number of seconds")
        return float(value)

    def box(self) -> Box | None:
        """The signer's box, where there is one."""
        value = self.entry.get("box")
        if value is None:
            return None
        try:
            y0, x0, y1, x1 = (float(number) for number in value)
        except (TypeError, ValueError):
            raise UserError(
                f"{self.where}: box is {value!r}; expected four numbers [y0, x0, y1, x1]"
            ) from None
        return y0, x0, y1, x1

    def signer(self) -> str | None:
        """Who signs; MS-ASL writes -1 where it does not know."""
        value = self.entry.get("signer_id")
        return None if value is None or value == -1 else str(value)


def _clip(entry: Entry, split: Split, classes: tuple[str, ...], videos: VideoFolder) -> Clip | None:
    label = entry.label()
    if label >= len(classes):
        return None
    name = video_name(entry.url())
    # An address without a video id never becomes a path of its own making.
    file = name or "no-video-id-in-url"
    start, end = entry.seconds("start_time"), entry.seconds("end_time")
    return Clip(
        clip_id=f"{name or 'no-video-id'}@{start:.3f}-{end:.3f}",
        source=str(videos.path(file)),
        label=label,
        gloss=classes[label],
        split=split,
        start=start,
        end=end,
        signer=entry.signer(),
        box=entry.box(),
        frame_rate=videos.frame_rate(file),
    )


def _unique(clips: list[Clip]) -> tuple[Clip, ...]:
    """Number the clips that annotate the same stretch twice."""
    ids = number_repeats([clip.clip_id for clip in clips])
    return tuple(replace(clip, clip_id=clip_id) for clip, clip_id in zip(clips, ids, strict=True))


def _classes(path: Path, *, keep: int | None) -> tuple[str, ...]:
    names = read_json(path, what="the list of MS-ASL's glosses")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise UserError(f"{path}: is no list of glosses; expected one name per class")
    if keep is not None and not 1 <= keep <= len(names):
        raise UserError(f"--classes {keep}: must be 1 to {len(names)}, the glosses in {path}")
    return tuple(names[:keep])


def _entries(path: Path) -> list[Any]:
    entries = read_json(path, what="MS-ASL annotations: a list of clips")
    if not isinstance(entries, list):
        raise UserError(
            f"{path}: holds a {type(entries).__name__}; expected a list of clips, as in MS-ASL"
        )
    return entries
