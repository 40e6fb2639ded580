"""How the images of a sample are kept: as they are, or each compressed by itself.

`docs/store.md` says what each encoding costs and saves, as measured.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, get_args

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import DTypeLike, NDArray

Encoding = Literal["raw", "zstd", "png", "jpeg"]
"""`raw`: bytes as they are. `zstd`, `png`: nothing is lost. `jpeg`: a little is lost."""

ENCODINGS: tuple[Encoding, ...] = get_args(Encoding)


@dataclass(frozen=True, eq=False)
class EncodedImages:
    """Images of one shape, each compressed by itself and decompressed when it is looked at.

    `images[k]` is one image, uint8 of `shape`; `numpy.asarray(images)` all of them, (N, *shape).

    Attributes:
        pieces: one per image: anything with the buffer protocol.
        shape: (H, W, C) of an image.
        encoding: not `raw`.
    """

    pieces: Sequence[Any]
    shape: tuple[int, int, int]
    encoding: Encoding

    def __len__(self) -> int:
        """How many images there are."""
        return len(self.pieces)

    def __getitem__(self, position: int) -> NDArray[np.uint8]:
        return _from_plane(_CODECS[self.encoding].decode(self.pieces[position], self), self.shape)

    def __array__(
        self, dtype: DTypeLike | None = None, copy: bool | None = None
    ) -> NDArray[np.uint8]:
        images = np.empty((len(self), *self.shape), dtype=dtype or np.uint8)
        for position in range(len(self)):
            images[position] = self[position]
        return images


Images = NDArray[np.uint8] | EncodedImages
"""Images (N, H, W, C) as an array, or encoded."""


def encode_images(images: Images, *, encoding: Encoding, quality: int) -> Images:
    """Encode images; those that are encoded already stay as they are.

    Args:
        images: (N, H, W, C), C = 3 for frames (RGB), 2 for flow.
        encoding: how; `raw` changes nothing.
        quality: of JPEG, 1 to 100.

    Raises:
        ValueError: the images are encoded already, otherwise than is asked for.
    """
    if isinstance(images, EncodedImages):
        if images.encoding != encoding:
            raise ValueError(f"the images are encoded as {images.encoding}, not as {encoding}")
        return images
    if encoding == "raw":
        return images
    height, width, channels = images.shape[1:]
    codec = _CODECS[encoding]
    pieces = [codec.encode(_to_plane(image), quality) for image in images]
    return EncodedImages(pieces, (height, width, channels), encoding)


def _to_plane(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What compresses well: frames as they are, flow's x above its y as a grey picture (2H, W)."""
    if image.shape[2] == 3:
        return np.ascontiguousarray(image)
    return np.concatenate(cv2.split(image))


def _from_plane(plane: NDArray[np.uint8], shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    height, width, channels = shape
    if channels == 3:
        return plane.reshape(shape)
    # A twentieth of the time that NumPy's transposed copy takes: it is what readers wait for.
    image: NDArray[np.uint8] = cv2.merge([*plane.reshape(channels, height, width)])
    return image


@dataclass(frozen=True)
class _Codec:
    encode: Callable[[NDArray[np.uint8], int], Any]
    decode: Callable[[Any, EncodedImages], NDArray[np.uint8]]


def _encode_zstd(plane: NDArray[np.uint8], quality: int) -> Any:
    return _zstd().compress(plane)


def _decode_zstd(piece: Any, images: EncodedImages) -> NDArray[np.uint8]:
    size = int(np.prod(images.shape))
    return np.frombuffer(_zstd().decompress(piece, decompressed_size=size), dtype=np.uint8)


@cache
def _zstd() -> pa.Codec:
    return pa.Codec("zstd", compression_level=3)


def _encode_png(plane: NDArray[np.uint8], quality: int) -> Any:
    # Level 1 with its default filter: higher ones take two to four times as long for 5 % less.
    return cv2.imencode(".png", _swapped(plane), [cv2.IMWRITE_PNG_COMPRESSION, 1])[1]


def _encode_jpeg(plane: NDArray[np.uint8], quality: int) -> Any:
    # Huffman tables made for the picture: a twentieth less for the same pixels, read as fast.
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_OPTIMIZE, 1]
    return cv2.imencode(".jpg", _swapped(plane), options)[1]


def _decode_picture(piece: Any, images: EncodedImages) -> NDArray[np.uint8]:
    plane = cv2.imdecode(np.frombuffer(piece, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
    if plane is None or plane.size != np.prod(images.shape):
        raise ValueError(f"an image of the store is damaged: it is no {images.encoding} any more")
    return _swapped(plane)


def _swapped(plane: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """RGB as OpenCV's BGR and the other way round; what is grey stays."""
    if plane.ndim == 2:
        return plane
    swapped: NDArray[np.uint8] = cv2.cvtColor(plane, cv2.COLOR_RGB2BGR)
    return swapped


_CODECS = {
    "zstd": _Codec(_encode_zstd, _decode_zstd),
    "png": _Codec(_encode_png, _decode_picture),
    "jpeg": _Codec(_encode_jpeg, _decode_picture),
}
