"""Work that crashes, hangs or takes too much memory ends its own process, and no other."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from squares import write_square_video

from signflow.app.decoder import Decoder
from signflow.app.limits import Limits
from signflow.app.recordings import Recordings
from signflow.errors import UserError
from signflow.isolated import IsolatedWorkers, ProcessHungError
from signflow.processes import ProcessEndedError
from signflow.store import Recipe, make_samples
from signflow.video import probe

# Every Python process imports this as it starts; it makes certain files end or stop the decoder.
BROKEN_FFMPEG = """
import os, signal, sys, time
if "spawn_main" in " ".join(sys.orig_argv):
    import av

    opened = av.open

    def open_broken(path, *args, **words):
        name = os.path.basename(str(path))
        if name.startswith("crashes"):
            os.kill(os.getpid(), signal.SIGSEGV)
        if name.startswith("killed"):
            os.kill(os.getpid(), signal.SIGKILL)
        if name.startswith("hangs"):
            time.sleep(10_000)
        return opened(path, *args, **words)

    av.open = open_broken
"""


@pytest.fixture
def workers() -> Iterator[IsolatedWorkers]:
    workers = IsolatedWorkers(1, seconds=5, memory=2**31)
    yield workers
    workers.close()


@pytest.fixture
def videos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A good video, and copies that break the decoder."""
    paths = [str(tmp_path), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path for path in paths if path))
    (tmp_path / "sitecustomize.py").write_text(BROKEN_FFMPEG)
    good = write_square_video(tmp_path / "good.mp4", gloss="left")
    for name in ("crashes", "killed", "hangs"):
        (tmp_path / f"{name}.mp4").write_bytes(good.read_bytes())
    return tmp_path


def is_gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_worker_is_kept_warm_and_replaced_when_it_dies_or_hangs(workers: IsolatedWorkers):
    first = workers.call(os.getpid)
    assert workers.call(os.getpid) == first != os.getpid()
    with pytest.raises(ValueError, match="invalid literal"):
        workers.call(int, "five")
    assert workers.call(os.getpid) == first

    with pytest.raises(ProcessEndedError, match="SIGABRT"):
        workers.call(os.abort)
    second = workers.call(os.getpid)
    assert is_gone(first)
    assert second != first

    with pytest.raises(ProcessHungError):
        workers.call(time.sleep, 10_000)
    assert is_gone(second)
    third = workers.call(os.getpid)
    os.kill(third, 9)  # while it waits, as by a system that is short of memory
    os.waitid(os.P_PID, third, os.WEXITED | os.WNOWAIT)
    assert workers.call(sorted, [2, 1], reverse=True) == [2, 1]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps count of memory")
def test_who_asks_for_too_much_memory_is_refused_and_replaced(workers: IsolatedWorkers):
    first = workers.call(os.getpid)

    with pytest.raises(MemoryError):
        workers.call(bytes, 2**33)

    assert workers.call(os.getpid) != first


def test_one_that_hangs_does_not_stop_the_others():
    workers = IsolatedWorkers(2, seconds=600)
    hanging = threading.Thread(target=hang, args=(workers,))
    hanging.start()

    assert workers.call(sorted, [2, 1]) == [1, 2]

    assert hanging.is_alive()
    workers.close()
    hanging.join()


def hang(workers: IsolatedWorkers) -> None:
    with pytest.raises(ProcessEndedError, match="SIGKILL"):
        workers.call(time.sleep, 10_000)


def test_a_video_that_kills_the_decoder_costs_a_message_and_leaves_nothing(videos: Path):
    decoder = Decoder(Limits())
    recordings = Recordings(videos / "clips", limits=Limits(), frames=10, decoder=decoder)

    for name, signal in (("crashes", "SIGSEGV"), ("killed", "SIGKILL")):
        with pytest.raises(UserError, match=f"^it cannot be decoded: .* ended by {signal}"):
            recordings.add(videos / f"{name}.mp4", gloss="hello", signer="Ana", name="it")
    assert not list((videos / "clips").rglob("*.mp4"))

    kept = recordings.add(videos / "good.mp4", gloss="hello", signer="Ana")
    assert probe(kept.path).codec == "h264"
    decoder.close()


def test_a_decoder_that_never_ends_is_ended(videos: Path):
    decoder = Decoder(Limits(decode_seconds=2))

    with pytest.raises(UserError, match="it takes longer than 2 seconds to decode"):
        decoder.sample(videos / "hangs.mp4", recipe=Recipe(image_size=32), name="it")
    decoder.close()


def test_a_sample_that_was_made_elsewhere_is_the_same(tmp_path: Path):
    from signflow.annotations import Clip

    video = write_square_video(tmp_path / "clip.mp4", gloss="left")
    recipe = Recipe(image_size=32, encoding="jpeg")
    clip = Clip(clip_id="it", source=str(video), label=0, gloss="", split="test")
    ((_, expected),) = make_samples([clip], recipe=recipe)
    decoder = Decoder(Limits())

    found = decoder.sample(video, recipe=recipe, name="it")

    assert (found.frames == expected.sample.frames).all()
    assert (found.flow == expected.sample.flow).all()
    decoder.close()


def test_a_decoder_needs_no_pytorch():
    code = "import sys, signflow.app.decoder; sys.exit('torch' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
