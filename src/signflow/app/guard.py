"""What every request passes before the page sees it: its size, and where answers may lead."""

import json
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

OTHER_BYTES = 8 * 2**20
"""Most bytes of a request that is no upload; a camera's picture is a hundredth of it."""

_SLACK = 64 * 2**10
"""Of an upload's envelope, in bytes."""

# The page is all there is: not even a browser extension's idea of a font is fetched from elsewhere.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self'"
    " 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self'"
    " data:; connect-src 'self' data: blob:; worker-src 'self' blob:; object-src 'none';"
    " frame-ancestors 'self'; base-uri 'self'"
)
_HEADERS = [
    (b"content-security-policy", _POLICY.encode()),
    (b"referrer-policy", b"same-origin"),
    (b"x-content-type-options", b"nosniff"),
]


class _TooLargeError(Exception):
    pass


class Guard:
    """ASGI middleware: refuses bodies that are too large, by what they announce and what comes.

    Args:
        app: what it guards.
        upload_bytes: of one upload.
    """

    def __init__(self, app: ASGIApp, *, upload_bytes: int) -> None:
        self._app = app
        self._upload_bytes = upload_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_upload = scope["path"].rstrip("/").endswith("/upload")
        most = self._upload_bytes + _SLACK if is_upload else OTHER_BYTES
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if not announced.isdigit() or int(announced) > most:
            await _refuse(send, most)
            return
        came, begun = 0, False

        async def counted() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > most:
                raise _TooLargeError
            return message

        async def answer(message: Message) -> None:
            nonlocal begun
            # Who was reading may take the error for one of its own, and answer with that.
            if came > most and not begun:
                raise _TooLargeError
            if message["type"] == "http.response.start":
                begun = True
                message = {**message, "headers": [*message["headers"], *_HEADERS]}
            await send(message)

        try:
            await self._app(scope, counted, answer)
        except _TooLargeError:
            if not begun:
                await _refuse(send, most)


async def _refuse(send: Send, most: int) -> None:
    said: dict[str, Any] = {"detail": f"too large: at most {most // 2**20} MB"}
    body = json.dumps(said).encode()
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})
