"""One clip as a picture: its frames, the flow between them, and what a net made of it."""

import difflib
import io
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from signflow.errors import UserError
from signflow.evaluation.strip import Images, Strip, clip_strip, colour_wheel
from signflow.files import atomic_path
from signflow.store import Sample, Store

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.gridspec import SubplotSpec

Guess = tuple[str, float]
"""A gloss and its score, 0 to 1."""

MOST_GUESSES = 5
"""Guesses that are listed. A true gloss further down is added below them, with its rank."""

FONTS = (
    "DejaVu Sans",
    "Noto Sans",
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Source Han Sans",
    "WenQuanYi Zen Hei",
    "PingFang SC",
    "Hiragino Sans",
    "Microsoft YaHei",
    "Malgun Gothic",
    "Noto Sans Arabic",
    "Noto Naskh Arabic",
    "Noto Sans Hebrew",
    "Noto Sans Devanagari",
    "Arial Unicode MS",
)
"""Fonts that together hold most scripts. For each letter the first that is installed and has it."""

_INK, _FAINT, _LINE = "#1d1d1f", "#6e6e73", "#e3e4e8"
_TRUE, _OTHER = "#0a7d4b", "#a9adb5"
_DPI = 150
_CELL = 1.1  # inches that a frame takes
_GUESSES = 2.7  # inches that the guesses take


def clip_picture(
    sample: Sample,
    *,
    classes: Sequence[str],
    flow_bound: float,
    title: str,
    guesses: Sequence[Guess] | None,
) -> bytes:
    """Draw frames in a row, below them the flow as colour between neighbours, right the guesses.

    Args:
        sample: the clip's arrays.
        classes: the glosses; the position is the label.
        flow_bound: the motion that 128 +- 127 stands for, in pixels.
        title: what stands above; any letters, also outside ASCII.
        guesses: glosses with their scores, best first; the true gloss is marked. None for a clip
            that no net has looked at.

    Returns:
        A PNG.

    Example:
        >>> png = clip_picture(store.sample("a"), classes=store.classes, guesses=None,
        ...                    flow_bound=store.recipe.bound, title="a: hello")
    """
    # Whoever measures and draws nothing need not wait for Matplotlib.
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.gridspec import GridSpec

    strip = clip_strip(sample, flow_bound=flow_bound)
    width = _CELL * len(strip.frames) + (_GUESSES if guesses else 0.0) + 0.3
    with rc_context(
        {
            "font.family": installed_fonts(),
            "font.size": 8,
            "text.color": _INK,
            # A dollar sign in a gloss or a file name is a dollar sign, no formula.
            "text.parse_math": False,
        }
    ):
        figure = Figure(figsize=(width, 2 * _CELL + 0.7), dpi=_DPI, facecolor="white")
        figure.text(0.15 / width, 0.98, title, fontsize=11, weight="bold", va="top")
        cells = GridSpec(
            1,
            2 if guesses else 1,
            figure=figure,
            width_ratios=[width - 0.3 - _GUESSES, _GUESSES] if guesses else [1],
            left=0.15 / width,
            right=1 - 0.15 / width,
            bottom=0.04,
            top=0.86,
            wspace=0.02,
        )
        _draw_strip(figure, cells[0], strip)
        if guesses:
            listed = listed_guesses(guesses, classes[sample.label])
            _draw_guesses(figure.add_subplot(cells[1]), listed, classes[sample.label])
        return _as_png(figure)


def write_clip_picture(
    store: Store,
    clip_id: str,
    out: Path,
    *,
    guess: Callable[[Sample], Sequence[Guess]] | None = None,
) -> Path:
    """Write the picture of one clip of a store as PNG, atomically; return `out`.

    Args:
        store: the store.
        clip_id: the clip.
        out: the picture.
        guess: gives glosses with their scores, best first; None draws no guesses.

    Raises:
        UserError: the store was not asked for such a clip, or could not build it.
    """
    try:
        row = store.row(clip_id)
    except KeyError:
        raise UserError(_no_such_clip(store, clip_id)) from None
    if not row.built:
        raise UserError(f"{clip_id}: was not built ({row.status}): {row.reason}")
    sample = store.sample(clip_id)
    png = clip_picture(
        sample,
        classes=store.classes,
        flow_bound=store.recipe.bound,
        title=f"{clip_id}: {row.clip.gloss}",
        guesses=None if guess is None else guess(sample),
    )
    with atomic_path(out) as beside:
        beside.write_bytes(png)
    return out


def listed_guesses(guesses: Sequence[Guess], true: str) -> list[tuple[int, str, float]]:
    """Return the guesses to list, as (rank from 1, gloss, score): the best, and the true one."""
    ranked = [(rank, gloss, score) for rank, (gloss, score) in enumerate(guesses, start=1)]
    return [entry for entry in ranked if entry[0] <= MOST_GUESSES or entry[1] == true]


def _draw_strip(figure: "Figure", place: "SubplotSpec", strip: Strip) -> None:
    shown = len(strip.frames)
    # Half a frame is the unit, so that flow lies between the two frames it connects.
    grid = place.subgridspec(2, 2 * shown, wspace=0.0, hspace=0.16)
    for column, (frame, number) in enumerate(zip(strip.frames, strip.numbers, strict=True)):
        axes = _image(figure, grid[0, 2 * column : 2 * column + 2], frame, edge="white")
        axes.set_title(str(number), fontsize=7, color=_FAINT, pad=2)
    shift = 1 if strip.is_whole else 0
    for column, flow in enumerate(strip.flow):
        _image(figure, grid[1, 2 * column + shift : 2 * column + shift + 2], flow, edge=_LINE)
    wheel = _image(figure, grid[1, -1:], colour_wheel(64), edge="white")
    wheel.set_aspect("equal")
    wheel.set_axis_off()
    wheel.set_title(f"{strip.full_colour:.1f} px", fontsize=6, color=_FAINT, pad=2)


def _image(figure: "Figure", place: "SubplotSpec", image: Images, *, edge: str) -> "Axes":
    axes = figure.add_subplot(place)
    axes.imshow(image, interpolation="antialiased", aspect="auto")
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set(color=edge, linewidth=1.0)
    return axes


def _draw_guesses(axes: "Axes", listed: Sequence[tuple[int, str, float]], true: str) -> None:
    for line, (rank, gloss, score) in enumerate(listed):
        is_true = gloss == true
        weight, colour = ("bold", _TRUE) if is_true else ("normal", _INK)
        axes.barh(line, 1, height=0.24, left=0, color=_LINE)
        axes.barh(line, score, height=0.24, left=0, color=_TRUE if is_true else _OTHER)
        label = f"{rank}  {gloss}" + ("  (true)" if is_true else "")
        axes.text(0, line - 0.2, label, va="bottom", fontsize=8, weight=weight, color=colour)
        axes.text(1, line - 0.2, f"{score:.1%}", va="bottom", ha="right", fontsize=8, color=colour)
    axes.set_xlim(-0.14, 1)
    axes.set_ylim(max(len(listed), MOST_GUESSES) - 0.6, -0.9)
    axes.set_axis_off()


def _as_png(figure: "Figure") -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # A letter that no installed font has becomes a box; there is nothing to be done about it.
        warnings.filterwarnings("ignore", message=r"Glyph \d+ .* missing from font")
        # Without the software's version the same clip gives the same bytes for longer.
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def installed_fonts() -> list[str]:
    """Those of `FONTS` that are there; Matplotlib takes each letter from the first that has it."""
    from matplotlib import font_manager

    installed = set(font_manager.get_font_names())
    return [name for name in FONTS if name in installed] or ["sans-serif"]


def _no_such_clip(store: Store, clip_id: str) -> str:
    known = [row.clip.clip_id for row in store.rows]
    close = difflib.get_close_matches(clip_id, known, n=3, cutoff=0.5)
    remedy = f"did you mean {' or '.join(close)}?" if close else f"it has {', '.join(known[:3])}, …"
    return f"{store.path}: has no clip {clip_id!r}; {remedy}"
