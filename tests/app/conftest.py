"""A page that is served, and a browser whose camera shows a rendered signer."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import pytest
from squares import MOTIONS, write_square_video

from signflow.app import AppConfig, Limits, serving
from signflow.store import Recipe
from signflow.synth import SynthConfig, render_set
from signflow.training import TrainConfig

PATIENCE = 240
"""Seconds: a test waits for what it asks for, however slow the machine is."""

TINY = AppConfig(
    port=0,
    device="cpu",
    limits=Limits(upload_mb=4, seconds=5),
    recipe=Recipe(image_size=32),
    train=TrainConfig(model="temporal", epochs=2, learning_rate=1e-3),
    least_steps=0,
    count_milliseconds=20,
)

Serve = Callable[..., str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve a page with small settings while the test lasts; gives its address."""
    pytest.importorskip("gradio", reason="the page needs Gradio")
    with ExitStack() as stack:

        def start(folder: Path, **changes: Any) -> str:
            return stack.enter_context(serving(replace(TINY, folder=folder, **changes)))

        yield start


def record_squares(folder: Path, *, clips: int = 4, signer: str = "Ana") -> None:
    """Put clips of two signs where the page puts its own."""
    for gloss in list(MOTIONS)[:2]:
        for number in range(1, clips + 1):
            path = folder / "clips" / gloss / f"{signer}-{number:02d}.mp4"
            write_square_video(path, gloss=gloss, seed=number)


@pytest.fixture(scope="session")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the browser's fake camera films: a rendered signer, as Motion JPEG."""
    folder = tmp_path_factory.mktemp("camera")
    config = SynthConfig(
        train=2, val=1, test=1, clips_per_video=2, width=160, height=120, fps=20, seed=3
    )
    render_set(folder / "set", config, workers=1)
    source = sorted((folder / "set").rglob("*.mp4"))[0]
    with av.open(str(source)) as given, av.open(str(folder / "camera.mjpeg"), "w") as made:
        stream = made.add_stream("mjpeg", rate=20)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuvj420p"
        for frame in given.decode(video=0):
            made.mux(stream.encode(frame.reformat(format="yuvj420p")))
        made.mux(stream.encode())
    return folder / "camera.mjpeg"


@pytest.fixture(scope="session")
def browser(camera: Path) -> Iterator[Any]:
    """Chromium without a window."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no chromium on this machine")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(
            executable_path=chromium,
            args=[
                "--no-sandbox",
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-video-capture={camera}",
            ],
        )
        yield browser
        browser.close()
