"""Live recognition: a picture in, what was recognised since the last one out."""

import base64
import binascii
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from signflow.app.recognisers import Recognisers
from signflow.errors import UserError
from signflow.recognition import PROVISIONAL_AFTER, Recognizer, Spotted, Spotter

MOST_STREAMS = 8
"""At once; each keeps some seconds of pictures."""

IDLE_SECONDS = 20.0
"""After which a stream that nobody sends pictures to is forgotten."""

MOST_PIXELS = 1280 * 1280
_PREFIX = "data:image/jpeg;base64,"


@dataclass(eq=False)
class _Stream:
    spotter: Spotter
    recognizer: Recognizer
    at: float = -1.0
    touched: float = 0.0
    busy: threading.Lock = field(default_factory=threading.Lock)


class LiveStreams:
    """The streams of all who look at the page, by the name that their browser drew."""

    def __init__(self, recognisers: Recognisers) -> None:
        """Without streams at first."""
        self._recognisers = recognisers
        self._streams: dict[str, _Stream] = {}
        self._opening = threading.Lock()

    def look(self, asked: Any) -> dict[str, Any]:
        """Take a stream's next picture.

        Args:
            asked: `id` of the stream; `time` in seconds, ascending; `image`, a JPEG as data URL.

        Returns:
            `signs` that are known now and were not before (start, stop, gloss, score, sure),
            `provisional`, the sign that seems to have just ended (likewise, or None), which comes
            among `signs` later or is withdrawn; `signing`, and `speed` of what moves, in sides of
            the picture per second; or `error`, for people.
        """
        try:
            name, at, image = _asked(asked)
            stream = self._stream(name)
            with stream.busy:
                if at <= stream.at:
                    raise UserError("A picture came too late; start again.")
                stream.at = at
                found = stream.spotter.push(image, at)
                provisional = stream.spotter.provisional
                return {
                    "signs": [_described(sign) for sign in found],
                    "provisional": None if provisional is None else _described(provisional),
                    "signing": stream.spotter.signing,
                    "speed": round(float(stream.spotter.speed), 4),
                }
        except UserError as error:
            return {"error": str(error)}

    def _stream(self, name: str) -> _Stream:
        current = self._recognisers.current()
        if current is None:
            raise UserError(
                "There is no recogniser yet. Record some signs and train on them first."
            )
        now = time.monotonic()
        with self._opening:
            for other, known in list(self._streams.items()):
                if now - known.touched > IDLE_SECONDS:
                    del self._streams[other]
            stream = self._streams.get(name)
            if stream is None or stream.recognizer is not current.recognizer:
                if stream is None and len(self._streams) >= MOST_STREAMS:
                    raise UserError(
                        f"{MOST_STREAMS} people look at this tab already; wait until one leaves."
                    )
                spotter = Spotter(current.recognizer, provisional_after=PROVISIONAL_AFTER)
                stream = _Stream(spotter, current.recognizer)
                self._streams[name] = stream
            stream.touched = now
            return stream


def _asked(asked: Any) -> tuple[str, float, NDArray[np.uint8]]:
    if not isinstance(asked, dict):
        raise UserError("A picture is sent as {id, time, image}.")
    name, at, image = asked.get("id"), asked.get("time"), asked.get("image")
    if not isinstance(name, str) or not 0 < len(name) <= 64:
        raise UserError("id must be 1 to 64 letters.")
    if isinstance(at, bool) or not isinstance(at, int | float) or not 0 <= at < 1e9:
        raise UserError("time must be seconds from 0 on.")
    return name, float(at), _decode(image)


def _decode(image: Any) -> NDArray[np.uint8]:
    """A JPEG as data URL becomes uint8 (H, W, 3), RGB."""
    if not isinstance(image, str) or not image.startswith(_PREFIX):
        raise UserError(f"image must begin with {_PREFIX}")
    try:
        data = np.frombuffer(base64.b64decode(image[len(_PREFIX) :], validate=True), np.uint8)
        height, width = _jpeg_size(data.tobytes())
    except (binascii.Error, ValueError):
        raise UserError("image is no JPEG.") from None
    if height * width > MOST_PIXELS:
        raise UserError(f"image has {width} x {height} pixels; send smaller ones.")
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR)
    if picture is None:
        raise UserError("image is no JPEG.")
    return np.ascontiguousarray(picture[..., ::-1])


def _jpeg_size(data: bytes) -> tuple[int, int]:
    """Height and width as a JPEG's header says, before any memory is given to its pixels.

    Raises:
        ValueError: there is no such header.
    """
    at = 2
    while data[:2] == b"\xff\xd8" and at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = data[at + 5 : at + 7], data[at + 7 : at + 9]
            return int.from_bytes(height), int.from_bytes(width)
        at += 2 + int.from_bytes(data[at + 2 : at + 4])
    raise ValueError("no JPEG header")


def _described(sign: Spotted) -> dict[str, Any]:
    return {
        "start": round(float(sign.start), 3),
        "stop": round(float(sign.stop), 3),
        "gloss": sign.predictions[0].gloss,
        "score": sign.score,
        "sure": sign.sure,
    }
