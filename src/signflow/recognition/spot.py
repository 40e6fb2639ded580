"""A long video in, a timeline out."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from signflow.annotations import Box
from signflow.recognition.recognizer import Recognizer
from signflow.recognition.stream import SpotOptions, Spotter
from signflow.recognition.windows import Spotted
from signflow.video import VideoFault, read_frames


@dataclass(frozen=True, kw_only=True, eq=False)
class Timeline:
    """What was spotted in a video.

    Attributes:
        video: the file, or the folder of images.
        seconds: from the first frame to the last.
        signs: in order of time.
        motion: float32 (N, 2), for each frame its time in seconds and how fast something moved, in
            sides of the picture per second.
        cut_off: what is wrong with the video's end; None: nothing.
        frame_rate: images per second of a folder; None: 25.
    """

    video: Path
    seconds: float
    signs: tuple[Spotted, ...]
    motion: NDArray[np.float32]
    cut_off: str | None = None
    frame_rate: float | None = None


def spot_video(
    recognizer: Recognizer,
    video: Path,
    *,
    options: SpotOptions | None = None,
    box: Box | None = None,
    frame_rate: float | None = None,
    on_frame: Callable[[float], None] | None = None,
) -> Timeline:
    """Find and recognise the signs of a video.

    A frame at a time, through `Spotter`: a live stream of the same frames gives the same signs.

    Args:
        recognizer: who recognises.
        video: a video file, or a folder of numbered images; of any length.
        options: how; None: the defaults.
        box: where the signer is, for recipes that crop.
        frame_rate: images per second of a folder; None: 25.
        on_frame: called after each frame with its time in seconds.

    Returns:
        The timeline; of a video that is cut off, up to there.

    Raises:
        VideoFault: the video cannot be read.

    Example:
        >>> timeline = spot_video(Recognizer.load(Path("runs/mine")), Path("talk.mp4"))
        >>> [(sign.start, sign.stop, sign.gloss) for sign in timeline.signs]
        [(1.2, 3.05, 'hello'), (4.6, 6.4, None)]
    """
    recipe, spotter = recognizer.recipe, Spotter(recognizer, options=options)
    frames = read_frames(
        video,
        size=(recipe.image_size, recipe.image_size),
        frame_rate=frame_rate,
        box=box if recipe.crop == "box" else None,
        margin=recipe.crop_margin,
        fit=recipe.fit,
    )
    signs: list[Spotted] = []
    motion: list[tuple[float, float]] = []
    cut_off = None
    try:
        for time, picture in frames:
            signs += spotter.push_picture(picture, time)
            motion.append((time, spotter.speed))
            if on_frame is not None:
                on_frame(time)
    except VideoFault as fault:
        if fault.code != "truncated":
            raise
        cut_off = str(fault)
    signs += spotter.flush()
    return Timeline(
        video=video,
        seconds=motion[-1][0] if motion else 0.0,
        signs=tuple(signs),
        motion=np.array(motion, dtype=np.float32).reshape(-1, 2),
        cut_off=cut_off,
        frame_rate=frame_rate,
    )
