"""Fixtures of the tests of downloading."""

import threading
from collections.abc import Iterator

import pytest
from squares import write_square_video

from .web import Handler, Server, Web


@pytest.fixture
def web() -> Iterator[Web]:
    with Server(("127.0.0.1", 0), Handler) as server:
        server.web = Web(f"http://127.0.0.1:{server.server_address[1]}", threading.Event())
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield server.web
        server.web.released.set()
        server.shutdown()
        thread.join(5)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture(scope="session")
def square(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A video of two seconds."""
    folder = tmp_path_factory.mktemp("square")
    return write_square_video(folder / "a.mp4", gloss="left", clips=2).read_bytes()
