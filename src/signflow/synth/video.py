"""Videos that are mostly waiting: what repeats is encoded once and copied."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
import cv2
import numpy as np
from av.video.frame import PictureType

from signflow.synth.draw import Image

# One thread and no look-ahead: the bytes depend on nothing but the pictures, and every picture
# comes out as soon as it went in. No B-frames: a piece may be cut short anywhere. Key frames are
# as good as what follows them (ipratio, aq-mode, deadzone-inter): a loop that begins again must
# not be seen to.
_OPTIONS = {
    "preset": "superfast",
    "tune": "zerolatency",
    "crf": "27",
    "x264-params": "bframes=0:keyint=100000:scenecut=0:open-gop=0:threads=1:sliced-threads=0"
    ":ipratio=2.0:aq-mode=0:deadzone-inter=32",
    "forced-idr": "1",
}


@dataclass(frozen=True)
class Piece:
    """One encoded picture."""

    data: bytes
    is_keyframe: bool


class Recorder:
    """Writes one H.264 MP4 of constant frame rate, from encoded stretches.

    Every stretch that `encode` gives begins with a key frame and refers to nothing outside, so
    that it, or any beginning of it, may be put anywhere and any number of times.

    Args:
        path: the file to write.
        size: height and width of the video, even.
        rate: frames a second.
    """

    def __init__(self, path: Path, *, size: tuple[int, int], rate: Fraction) -> None:
        self._size = size
        self._frames = 0
        # A time scale that is a multiple of the rate's numerator: times are exact.
        self._step = rate.denominator
        self._time_base = Fraction(1, rate.numerator)
        self._container = av.open(str(path), "w", format="mp4")
        self._stream = self._container.add_stream("libx264", rate=rate, options=dict(_OPTIONS))
        self._stream.height, self._stream.width = size
        self._stream.pix_fmt = "yuv420p"
        self._stream.time_base = self._time_base
        self._stream.codec_context.time_base = 1 / rate
        self._encoded = 0

    def __enter__(self) -> "Recorder":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._container.close()

    def encode(self, pictures: Iterable[Image]) -> list[Piece]:
        """Encode pictures, (H, W, 3) uint8 BGR; those of another size are scaled."""
        pieces = []
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(self._planes(picture), format="yuv420p")
            frame.pts = self._encoded
            frame.time_base = self._stream.codec_context.time_base
            frame.pict_type = PictureType.I if number == 0 else PictureType.NONE
            self._encoded += 1
            for packet in self._stream.codec_context.encode(frame):
                pieces.append(Piece(bytes(packet), packet.is_keyframe))
        return pieces

    def append(self, pieces: Sequence[Piece]) -> None:
        """Add encoded pictures at the end of the video."""
        for piece in pieces:
            packet = av.Packet(piece.data)
            packet.stream = self._stream
            packet.time_base = self._time_base
            packet.pts = packet.dts = self._frames * self._step
            packet.duration = self._step
            packet.is_keyframe = piece.is_keyframe
            self._container.mux(packet)
            self._frames += 1

    def _planes(self, picture: Image) -> Image:
        height, width = self._size
        planes = cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420)
        if picture.shape[:2] == self._size:
            return np.asarray(planes)
        given, across = picture.shape[:2]
        quarter = given * across // 4
        flat = planes.reshape(-1)
        luma = cv2.resize(planes[:given], (width, height), interpolation=cv2.INTER_LINEAR)
        chroma = [
            cv2.resize(
                flat[given * across + n * quarter : given * across + (n + 1) * quarter].reshape(
                    given // 2, across // 2
                ),
                (width // 2, height // 2),
                interpolation=cv2.INTER_LINEAR,
            )
            for n in (0, 1)
        ]
        joined = np.concatenate([luma.reshape(-1), *(plane.reshape(-1) for plane in chroma)])
        return np.asarray(joined.reshape(height * 3 // 2, width))
