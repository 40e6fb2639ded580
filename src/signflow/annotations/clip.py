"""The noun that all readers produce."""

from dataclasses import dataclass
from typing import Literal, get_args

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)

Box = tuple[float, float, float, float]
"""`(y0, x0, y1, x1)` as shares of the picture's height and width, 0 to 1 (the order of MS-ASL)."""


@dataclass(frozen=True, kw_only=True)
class Clip:
    """One annotated stretch of one video.

    Attributes:
        clip_id: unique within a set; the same whenever the same source is read.
        source: the video file, or a folder of numbered images; an absolute path. It need not
            exist. Clips of one source have one frame rate.
        start: where the clip begins, in seconds from the video's first frame; None: at its start.
        end: where it ends (exclusive), in seconds; None: at the video's end.
        label: class number, 0 .. classes - 1.
        gloss: the sign's name.
        split: train, val or test.
        signer: who signs, where known.
        group: clips of one group never fall into two splits (a scene, a signer, a session).
        fold: the part of a cross-validation that this clip belongs to, from 0.
        box: the signer's bounding box.
        frame_rate: images per second, where `source` is a folder of numbered images; None: the
            decoder's default. Of a video file, which knows it better, it is not asked.
    """

    clip_id: str
    source: str
    label: int
    gloss: str
    split: Split
    start: float | None = None
    end: float | None = None
    signer: str | None = None
    group: str | None = None
    fold: int | None = None
    box: Box | None = None
    frame_rate: float | None = None


@dataclass(frozen=True, kw_only=True)
class ClipList:
    """All clips of a source, with its classes.

    Attributes:
        clips: in an order that depends on the source's content only.
        classes: the glosses; the position is the label.
        origin: what was read, for people ("MS-ASL annotations in msasl, labels 0 to 9").
    """

    clips: tuple[Clip, ...]
    classes: tuple[str, ...]
    origin: str
