"""A file on a web server that is read in pieces, from anywhere in it."""

import io
import re
from collections import OrderedDict
from collections.abc import Mapping
from http.client import HTTPResponse
from http.cookiejar import CookieJar

from signflow.download.config import DownloadConfig
from signflow.download.outcome import UnavailableError
from signflow.download.pace import Meter
from signflow.download.web import (
    PARTIAL_CONTENT,
    ask,
    body_of,
    cut_off,
    network,
    validator_of,
)

_BLOCK = 1 << 16
_MOST_BLOCKS_AT_ONCE = 64
_MOST_BLOCKS_KEPT = 256
# A file whose index says where things are needs a handful. Without one, FFmpeg hops from piece to
# piece, and a server would get a request for each.
_MOST_JUMPS = 24
_CONTENT_RANGE = re.compile(r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15})", re.ASCII)


class NoRangesError(Exception):
    """The file is not to be had in parts; its text says why."""


class RemoteFile(io.RawIOBase):
    """A file behind an HTTP address, for who reads here and there (RFC 9110, 14).

    It is read in blocks of 64 KiB, each fetched once while it is remembered. Where reading goes
    straight on, ever more blocks are asked for at a time; after a jump, few again. Every request
    goes the way that whole files come, so the same addresses, bounds, pace and meanings hold.

    What goes wrong is not raised by `read`, which FFmpeg calls and may ignore: reading then ends,
    as at the file's end, and `check` raises it.

    Attributes:
        size: of the file, in bytes.
    """

    def __init__(
        self,
        url: str,
        *,
        config: DownloadConfig,
        cookies: CookieJar | None,
        meter: Meter,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Ask for the first block.

        Args:
            url: an address that may be asked.
            config: how.
            cookies: to send.
            meter: watches all that comes.
            headers: to send besides.

        Raises:
            NoRangesError: the server does not give parts of this file, or not its size.
            UnavailableError: it gives nothing.
            StoppedError: the run is being stopped.
        """
        self._url = url
        self._config = config
        self._cookies = cookies
        self._meter = meter
        self._headers = dict(headers or {})
        self._validator: str | None = None
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._failure: Exception | None = None
        self._position = 0
        self._received = 0
        self._next = 0
        self._ahead = 1
        self._jumps = 0
        self._expected: int | None = None
        self.size = 0
        self._fetch(0, 1)

    def check(self) -> None:
        """Raise what went wrong in reading.

        Raises:
            NoRangesError: it would take too many requests.
            UnavailableError: what came of the last request.
            StoppedError: the run is being stopped.
        """
        if self._failure is not None:
            raise self._failure

    def expect(self, length: int) -> None:
        """Say how many bytes will be read on from here, so that one request may be enough."""
        self._jumps = 0
        self._expected = min(max(1, -(-length // _BLOCK)), _MOST_BLOCKS_AT_ONCE)

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """The position of the next byte that is read."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move; nothing is fetched."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        self._position = max(0, origin + offset)
        return self._position

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes, at most to the end of a block; none at the end."""
        if size == 0 or self._position >= self.size or self._failure is not None:
            return b""
        number, offset = divmod(self._position, _BLOCK)
        if number not in self._blocks:
            try:
                self._fetch(number, self._blocks_from(number))
            except Exception as failure:
                self._failure = failure
                return b""
        self._blocks.move_to_end(number)
        data = self._blocks[number][offset:]
        data = data if size < 0 else data[:size]
        self._position += len(data)
        return data

    def _blocks_from(self, number: int) -> int:
        """How many blocks to ask for, the one of that number first."""
        if self._expected is not None:
            count, self._expected, self._ahead = self._expected, None, 1
        else:
            count = self._ahead if number == self._next else 1
            self._jumps += number != self._next
            if self._jumps > _MOST_JUMPS:
                raise NoRangesError("it would have to be asked for in too many pieces")
            self._ahead = min(2 * count, _MOST_BLOCKS_AT_ONCE)
        last = (self.size - 1) // _BLOCK
        known = (later for later in range(number + 1, number + count) if later in self._blocks)
        return min(next(known, number + count), last + 1) - number

    def _fetch(self, number: int, count: int) -> None:
        start, stop = number * _BLOCK, (number + count) * _BLOCK
        headers = {**self._headers, "Range": f"bytes={start}-{stop - 1}"}
        if self._validator is not None:
            headers["If-Range"] = self._validator
        with network():
            response = ask(self._url, config=self._config, cookies=self._cookies, headers=headers)
        with response:
            end = self._end_of(response, start, stop)
            data = bytearray()
            for piece in body_of(response):
                data += piece[: end - start - len(data)]
                self._received += len(piece)
                self._meter.saw(self._received, slow_down=True)
                if len(data) == end - start:
                    break
        if len(data) < end - start:
            raise cut_off(f"the connection ended after {len(data)} of {end - start} bytes")
        for position in range(0, len(data), _BLOCK):
            self._blocks[number + position // _BLOCK] = bytes(data[position : position + _BLOCK])
        while len(self._blocks) > _MOST_BLOCKS_KEPT:
            self._blocks.popitem(last=False)
        self._next = number + count

    def _end_of(self, response: HTTPResponse, start: int, stop: int) -> int:
        """Return where the part ends that was asked for, in bytes of the file."""
        stated = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        is_first = self.size == 0
        if is_first and (response.status != PARTIAL_CONTENT or stated is None):
            raise NoRangesError("the server gives no parts of it")
        if response.status != PARTIAL_CONTENT or stated is None:
            raise UnavailableError("failed", "the file changed while it was read", again=True)
        begins, last, size = map(int, stated.groups())
        if is_first:
            self.size, self._validator = size, validator_of(response)
        if begins != start or last + 1 != min(stop, self.size) or size != self.size:
            raise UnavailableError(
                "failed", f"the server answers with another part: {stated[0]:.60}"
            )
        return last + 1
