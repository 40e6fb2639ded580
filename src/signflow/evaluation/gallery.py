"""A handful of clips for the report: which ones, and their images."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from signflow.evaluation.picture import listed_guesses
from signflow.evaluation.predictions import Predictions
from signflow.evaluation.strip import Images, clip_strip, colour_wheel
from signflow.store import Store

CELL = 112
"""Height and width of a frame in the report's strips, in pixels."""

_JPEG_QUALITY = 80


@dataclass(frozen=True, kw_only=True)
class StripImage:
    """A clip's strip as one image for the page.

    Attributes:
        anchor: its name within the page.
        uri: the image as a `data:` address.
        width, height: in pixels.
        outline: an SVG path around what is drawn; the image's corners are empty.
        frame_edges, flow_edges: SVG paths that part the images of each row from each other.
        full_colour: the speed in full colour, pixels from one stored frame to the next.
    """

    anchor: str
    uri: str
    width: int
    height: int
    outline: str
    frame_edges: str
    flow_edges: str
    full_colour: float


@dataclass(frozen=True, kw_only=True)
class ShownClip:
    """A clip in the report, with what one run makes of it.

    Attributes:
        clip_id: the clip.
        gloss: the true one.
        right: whether it was recognised.
        guesses: (rank from 1, gloss, score from 0 to 1), the best and the true one.
        strip: its images; shared by all runs that show the clip.
    """

    clip_id: str
    gloss: str
    right: bool
    guesses: list[tuple[int, str, float]]
    strip: StripImage


class Gallery:
    """Clips of one store as the report shows them; each is drawn once, whoever shows it."""

    def __init__(self, store: Store, *, name: str) -> None:
        """Show clips of `store`; `name` starts the anchors and is unique within the page."""
        self._store = store
        self._name = name
        self._strips: dict[str, StripImage] = {}

    @property
    def strips(self) -> list[StripImage]:
        """All images drawn so far."""
        return list(self._strips.values())

    def show(self, predictions: Predictions, *, right: int, wrong: int) -> list[ShownClip]:
        """Choose clips that a run recognised and clips that it did not, and draw them.

        Args:
            predictions: the run's; clips that the store has not built are passed over.
            right: at most so many that it recognised come first.
            wrong: at most so many that it did not follow.
        """
        hits = [self.clip(predictions, place) for place in chosen(predictions, True, right)]
        misses = [self.clip(predictions, place) for place in chosen(predictions, False, wrong)]
        return hits + misses

    def clip(self, predictions: Predictions, place: int) -> ShownClip:
        """Return one clip of a run's predictions, drawn.

        Raises:
            KeyError, IndexError, ValueError: the store does not fit the predictions.
        """
        classes = self._store.classes
        clip_id, scores = predictions.clip_ids[place], predictions.scores[place]
        gloss = classes[predictions.labels[place]]
        ranked = [(classes[k], float(scores[k])) for k in np.argsort(-scores, kind="stable")]
        if clip_id not in self._strips:
            self._strips[clip_id] = self._draw(clip_id)
        return ShownClip(
            clip_id=clip_id,
            gloss=gloss,
            right=bool(predictions.correct[place]),
            guesses=listed_guesses(ranked, gloss),
            strip=self._strips[clip_id],
        )

    def _draw(self, clip_id: str) -> StripImage:
        strip = clip_strip(self._store.sample(clip_id), flow_bound=self._store.recipe.bound)
        shown, gap = len(strip.frames), CELL // 14
        height, width = 2 * CELL + gap, shown * CELL
        canvas = np.full((height, width, 3), 255, dtype=np.uint8)
        canvas[:CELL] = np.hstack([_cell(frame) for frame in strip.frames])
        # Flow lies between the two frames it connects; where frames are left out, below the first.
        left = CELL // 2 if strip.is_whole else 0
        for column, flow in enumerate(strip.flow):
            start = left + column * CELL
            canvas[CELL + gap :, start : start + CELL] = _cell(flow)
        side = CELL // 2 - gap
        top = CELL + gap + (CELL - side) // 2
        canvas[top : top + side, width - side :] = colour_wheel(side)
        return StripImage(
            anchor=f"{self._name}-{len(self._strips)}",
            uri=_data_uri(canvas),
            width=width,
            height=height,
            outline=_box(0, 0, width)
            + _box(left, CELL + gap, width - CELL)
            + _disc(width, top, side),
            frame_edges="".join(f"M{CELL * column} 0v{CELL}" for column in range(1, shown)),
            flow_edges="".join(
                _box(left + CELL * column, CELL + gap, CELL) for column in range(shown - 1)
            ),
            full_colour=strip.full_colour,
        )


def chosen(predictions: Predictions, right: bool, most: int) -> list[int]:
    """Return the places of at most `most` clips that were recognised (or were not).

    As many classes as can be come first. Within a class the choice hangs on nothing but the clip's
    id: nobody picked it, and runs on the same clips tend to show the same ones.
    """
    places = np.flatnonzero(predictions.correct == right).tolist()
    places.sort(key=lambda place: drawn_lot(predictions.clip_ids[place]))
    seen: dict[int, int] = {}
    rounds: list[tuple[int, int]] = []
    for place in places:
        label = int(predictions.labels[place])
        seen[label] = seen.get(label, 0) + 1
        rounds.append((seen[label], place))
    rounds.sort(key=lambda entry: entry[0])
    return [place for _, place in rounds[:most]]


def drawn_lot(clip_id: str) -> bytes:
    """Return what orders clips where nobody shall pick among them."""
    return hashlib.sha256(clip_id.encode()).digest()


def _box(left: int, top: int, width: int) -> str:
    return f"M{left} {top}h{width}v{CELL}h-{width}z"


def _disc(right: int, top: int, side: int) -> str:
    radius = side / 2
    arc = f"a{radius} {radius} 0 0 1"
    return f"M{right - side} {top + radius}{arc} {side} 0{arc} -{side} 0z"


def _cell(image: Images) -> Images:
    cell: Images = cv2.resize(image, (CELL, CELL), interpolation=cv2.INTER_AREA)
    return cell


def _data_uri(image: Images) -> str:
    options: Sequence[int] = (cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY)
    encoded, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)
    if not encoded:
        raise RuntimeError("OpenCV could not encode a JPEG")
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode("ascii")
