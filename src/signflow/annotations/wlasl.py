"""WLASL: `WLASL_v0.3.json`, alone or with a split file such as `nslt_100.json`.

Source: Li, Rodriguez, Yu and Li, Word-level Deep Sign Language Recognition from Video: A New
Large-scale Dataset and Methods Comparison, WACV 2020. The fields are those of its README; what a
video file holds follows its `preprocess.py` (see `_place`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from signflow.annotations.clip import SPLITS, Clip, ClipList, Split
from signflow.annotations.readers import ReadOptions, number_repeats, reader
from signflow.annotations.urls import video_id
from signflow.annotations.video_folder import VideoFolder
from signflow.errors import UserError
from signflow.files import read_json

FRAME_RATE = 25
"""Frames per second that WLASL's frame numbers are meant at, whatever a video has."""

ALL = "all"
"""The `subset` that goes by no split file."""


def is_wlasl(source: Path) -> bool:
    """Whether a WLASL annotation directory, or its main file, lies at a path."""
    if source.is_dir():
        return any(source.glob("WLASL_v*.json"))
    return source.match("WLASL_v*.json")


@reader("WLASL", matches=is_wlasl)
def read_wlasl(source: Path, options: ReadOptions) -> ClipList:
    """Read WLASL annotations.

    Without a split file every instance of `WLASL_v*.json` is a clip, and a class's number is its
    position there. With one, its videos are the clips, in the order of their ids, with its splits
    and class numbers; a video that the main file does not hold has no known signer.

    A clip's video is `VIDEOS/<video id>.mp4` (any suffix): the instance alone, from start to end.
    Where that is not there, an instance from YouTube is the stretch `frame_start` to `frame_end`
    of `VIDEOS/<YouTube id>.mp4`. Boxes are left out: they are in pixels of a picture whose size
    the annotations do not say, and a video from elsewhere may have another.

    Raises:
        UserError: `videos` is missing, there are several split files and no `subset`, or an entry
            lacks what is needed; it names file and entry.
    """
    main = _main_file(source)
    split_file = _split_file(main.parent, options.subset)
    videos = VideoFolder(source, options, kind="WLASL", names="<video id>")
    glosses, instances = _read_main(main)
    if split_file is not None:
        instances = list(_read_split_file(split_file, len(glosses), instances))
        glosses = glosses[: 1 + max((instance.label for instance in instances), default=0)]
    if options.classes is not None and not 1 <= options.classes <= len(glosses):
        raise UserError(
            f"--classes {options.classes}: must be 1 to {len(glosses)}, the glosses in"
            f" {split_file or main}"
        )
    classes = tuple(glosses[: options.classes])
    clips = [_clip(each, classes, videos) for each in instances if each.label < len(classes)]
    if not clips:
        raise UserError(f"{split_file or main}: has no instance with a label below {len(classes)}")
    ids = number_repeats([clip.clip_id for clip in clips])
    return ClipList(
        clips=tuple(replace(clip, clip_id=name) for clip, name in zip(clips, ids, strict=True)),
        classes=classes,
        origin=f"WLASL annotations {split_file or main}, labels 0 to {len(classes) - 1}",
    )


def wlasl_addresses(source: Path) -> dict[str, str]:
    """Return where the videos of a WLASL directory can be had.

    Args:
        source: what `is_wlasl` knows.

    Returns:
        URL by file name without suffix, the name that `read_wlasl` looks for where nothing lies in
        the folder of videos yet: the YouTube id, or, of a plain link, the video id.

    Raises:
        UserError: the file or an entry of it is malformed.
    """
    addresses: dict[str, str] = {}
    for instance in _read_main(_main_file(source))[1]:
        if instance.url is not None:
            addresses.setdefault(instance.youtube_id or instance.video_id, instance.url)
    return addresses


@dataclass(frozen=True, kw_only=True)
class Instance:
    """One instance of a gloss.

    Attributes:
        video_id: names it, and the file that holds it alone.
        label: class number.
        split: train, val or test.
        start: in seconds of the video at `url`.
        end: likewise, exclusive; None: to its end.
        url: the video that it was cut from, where known.
        signer: who signs, where known.
    """

    video_id: str
    label: int
    split: Split
    start: float | None = None
    end: float | None = None
    url: str | None = None
    signer: str | None = None

    @property
    def youtube_id(self) -> str | None:
        """Of the video that it was cut from, if that is on YouTube."""
        return None if self.url is None else video_id(self.url)


def _clip(instance: Instance, classes: tuple[str, ...], videos: VideoFolder) -> Clip:
    name, start, end = _place(instance, videos)
    return Clip(
        clip_id=instance.video_id,
        source=str(videos.path(name)),
        label=instance.label,
        gloss=classes[instance.label],
        split=instance.split,
        start=start,
        end=end,
        signer=instance.signer,
        frame_rate=videos.frame_rate(name),
    )


def _place(instance: Instance, videos: VideoFolder) -> tuple[str, float | None, float | None]:
    """Which file an instance is in, and where.

    WLASL's `preprocess.py` cuts the instances out of the YouTube videos, which it keeps by YouTube
    id, into files of their own by video id, and copies all other videos whole.
    """
    source = instance.youtube_id
    if source is None or instance.video_id in videos:
        return instance.video_id, None, None
    return source, instance.start, instance.end


def _main_file(source: Path) -> Path:
    if source.is_file():
        return source
    found = sorted(source.glob("WLASL_v*.json"))
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise UserError(f"{source}: holds {names}; give the path of the one that is meant")
    return found[0]


def _split_file(folder: Path, subset: str | None) -> Path | None:
    """The split file to go by; None: none."""
    found = {path.stem: path for path in sorted(folder.glob("nslt_*.json"))}
    if subset == ALL:
        return None
    if subset is None and len(found) > 1:
        raise UserError(
            f"{folder}: holds several split files; give --subset"
            f" {', '.join(found)} or {ALL} (to go by none)"
        )
    if subset is None:
        return next(iter(found.values()), None)
    if subset not in found:
        raise UserError(
            f"--subset {subset}: no {folder / subset}.json; one of {', '.join([*found, ALL])}"
        )
    return found[subset]


def _read_main(path: Path) -> tuple[list[str], list[Instance]]:
    """The glosses by number, and all instances in the file's order."""
    entries = read_json(path, what="WLASL annotations: a list of glosses")
    if not isinstance(entries, list):
        raise UserError(
            f"{path}: holds a {type(entries).__name__}; expected a list of glosses, as in WLASL"
        )
    glosses: list[str] = []
    instances: list[Instance] = []
    for label, entry in enumerate(entries):
        where = f"{path}, entry {label}"
        gloss, listed = _field(entry, "gloss", where), _field(entry, "instances", where)
        if not isinstance(gloss, str) or not gloss or not isinstance(listed, list):
            raise UserError(f"{where}: expected an object with a gloss and a list of instances")
        glosses.append(gloss)
        instances.extend(
            _instance(values, label, f"{where} ({gloss!r}), instance {number}")
            for number, values in enumerate(listed)
        )
    return glosses, instances


def _instance(values: Any, label: int, where: str) -> Instance:
    url = _field(values, "url", where)
    if not isinstance(url, str):
        raise UserError(f"{where}: url is {url!r}; expected the video's address")
    first = _whole(values, "frame_start", where, least=1)
    last = _whole(values, "frame_end", where, least=-1)
    if last == 0:
        raise UserError(f"{where}: frame_end is 0; frames count from 1, and -1 is the last one")
    signer = values.get("signer_id")
    return Instance(
        video_id=_video_id(_field(values, "video_id", where), where),
        label=label,
        split=_split(_field(values, "split", where), where),
        # Frame n is shown from (n - 1) / 25 s on; the last frame belongs to the instance.
        start=(first - 1) / FRAME_RATE if first > 1 else None,
        end=None if last == -1 else last / FRAME_RATE,
        url=url,
        signer=None if signer is None or signer == -1 else str(signer),
    )


def _read_split_file(path: Path, classes: int, known: list[Instance]) -> Iterator[Instance]:
    """The instances of a split file: `{video id: {"subset": split, "action": [label, ...]}}`.

    The frames in `action` are not those of the video that an instance was cut from.
    """
    entries = read_json(path, what="a split file of WLASL")
    if not isinstance(entries, Mapping):
        raise UserError(f"{path}: holds a {type(entries).__name__}; expected an object by video id")
    by_id = {instance.video_id: instance for instance in known}
    for name, values in sorted(entries.items()):
        where = f"{path}, entry {name!r}"
        action = _field(values, "action", where)
        label = action[0] if isinstance(action, list) and action else None
        if isinstance(label, bool) or not isinstance(label, int) or not 0 <= label < classes:
            raise UserError(
                f"{where}: action is {action!r}; expected [label, first frame, last frame] with a"
                f" label from 0 to {classes - 1}, the glosses beside it"
            )
        split = _split(_field(values, "subset", where), where)
        instance = by_id.get(name)
        if instance is None:
            yield Instance(video_id=_video_id(name, where), label=label, split=split)
        else:
            yield replace(instance, label=label, split=split)


def _field(values: Any, key: str, where: str) -> Any:
    if not isinstance(values, Mapping) or key not in values:
        raise UserError(f"{where}: is {values!r:.60}; expected an object with {key!r}")
    return values[key]


def _whole(values: Any, key: str, where: str, *, least: int) -> int:
    value = _field(values, key, where)
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise UserError(f"{where}: {key} is {value!r}; expected a whole number from {least}")
    return value


def _split(value: Any, where: str) -> Split:
    for split in SPLITS:
        if value == split:
            return split
    raise UserError(f"{where}: its split is {value!r}; expected one of {', '.join(SPLITS)}")


def _video_id(value: Any, where: str) -> str:
    # It becomes a file name, and never a path of its own making.
    if not isinstance(value, str) or not value.isascii() or not value.isalnum():
        raise UserError(f"{where}: video_id is {value!r}; expected digits, such as '05237'")
    return value
