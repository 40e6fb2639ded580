"""A timeline as a picture: the motion, the signs in it, and what they look like."""

import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from signflow.evaluation.picture import installed_fonts
from signflow.files import atomic_path
from signflow.recognition.spot import Timeline
from signflow.recognition.windows import Spotted
from signflow.video import DecodedSpan, Span, decode_spans

_INK, _FAINT, _SURE, _UNSURE = "#1d1d1f", "#6e6e73", "#0a7d4b", "#b5560c"
_WIDTH = 12.0  # inches
_ACROSS = 6
"""Signs in a row: each has its thumbnail above its name."""

_MOST_SIGNS = 60
_THUMBNAIL = (96, 128)
_DPI = 120


def write_picture(path: Path, timeline: Timeline) -> None:
    """Draw a timeline as a PNG, atomically: above motion and signs, below a picture of each sign.

    Of a video with more than 60 signs, the first 60 have a picture.
    """
    shown = timeline.signs[:_MOST_SIGNS]
    rows = max(1, -(-len(shown) // _ACROSS))
    height = 2.3 + 1.75 * rows
    with rc_context(
        {
            "font.family": installed_fonts(),
            "font.size": 8,
            "text.color": _INK,
            "text.parse_math": False,
        }
    ):
        figure = Figure(figsize=(_WIDTH, height), dpi=_DPI, facecolor="white")
        figure.text(
            0.04, 1 - 0.12 / height, timeline.video.name, fontsize=11, weight="bold", va="top"
        )
        bottom = 1 - 2.0 / height
        _draw_motion(figure.add_axes((0.04, bottom, 0.93, 1.45 / height)), timeline)
        cell = 0.93 / _ACROSS
        pictures = _middles(timeline, shown)
        for number, (sign, picture) in enumerate(zip(shown, pictures, strict=True)):
            row, column = divmod(number, _ACROSS)
            top = bottom - (0.4 + 1.75 * row) / height
            place = (0.04 + column * cell, top - 1.15 / height, cell * 0.94, 1.15 / height)
            _draw_sign(figure.add_axes(place), number + 1, sign, picture)
        if len(timeline.signs) > len(shown):
            figure.text(0.04, 0.01, f"and {len(timeline.signs) - len(shown)} more", color=_FAINT)
        with atomic_path(path) as beside:
            figure.savefig(beside, format="png")


def _draw_motion(axes: Axes, timeline: Timeline) -> None:
    times, speeds = timeline.motion[:, 0], timeline.motion[:, 1]
    top = float(np.quantile(speeds, 0.995)) * 1.3 + 1e-6 if len(speeds) else 1.0
    axes.fill_between(times, speeds, color="#d5d7dc", linewidth=0)
    for number, sign in enumerate(timeline.signs, 1):
        colour = _colour(sign)
        axes.axvspan(sign.start, sign.stop, color=colour, alpha=0.22, linewidth=0)
        if len(timeline.signs) <= _MOST_SIGNS:
            axes.text(
                (sign.start + sign.stop) / 2,
                top * 0.97,
                str(number),
                color=colour,
                ha="center",
                va="top",
                weight="bold",
            )
    axes.set(xlim=(0, max(timeline.seconds, 0.1)), ylim=(0, top), yticks=[])
    axes.set_xlabel("seconds; grey: motion", color=_FAINT, labelpad=1)
    axes.tick_params(colors=_FAINT, length=2)
    for side in ("top", "left", "right"):
        axes.spines[side].set_visible(False)


def _draw_sign(axes: Axes, number: int, sign: Spotted, picture: NDArray[np.uint8] | None) -> None:
    if picture is not None:
        axes.imshow(picture)
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set(color=_colour(sign), linewidth=1.5)
    name = textwrap.shorten(sign.predictions[0].gloss, 24, placeholder="…")
    text = f"{number}  {name} {sign.score:.0%}" if sign.sure else f"{number}  not sure ({name}?)"
    axes.set_xlabel(
        f"{text}\n{sign.start:.1f} to {sign.stop:.1f} s", color=_colour(sign), labelpad=3
    )


def _colour(sign: Spotted) -> str:
    return _SURE if sign.sure else _UNSURE


def _middles(timeline: Timeline, signs: Sequence[Spotted]) -> list[NDArray[np.uint8] | None]:
    """The middle frame of each sign; None where it cannot be had any more."""
    spans = [Span((sign.start + sign.stop) / 2, sign.stop) for sign in signs]
    found: list[NDArray[np.uint8] | None] = [None] * len(signs)
    for index, result in decode_spans(
        timeline.video,
        spans=spans,
        count=1,
        size=_THUMBNAIL,
        frame_rate=timeline.frame_rate,
        fit="letterbox",
    ):
        if isinstance(result, DecodedSpan):
            found[index] = result.frames[0]
    return found
