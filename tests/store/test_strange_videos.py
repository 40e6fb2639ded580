"""Whatever a file holds, a build ends with a sample or a reason for every clip."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from squares import Signflow, write_square_video

from signflow.store import Store
from signflow.video import FAULT_CODES

OWN_FAULTS = {"decoder-failed", "decoder-died", "decoder-hung"}
"""Nothing that FFmpeg can be given here should end in one of these."""


def write(
    path: Path,
    *,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    size: tuple[int, int] = (96, 80),
    rate: int = 25,
    frames: int = 24,
    form: str | None = None,
    options: dict[str, str] | None = None,
    tags: dict[str, int] | None = None,
) -> None:
    """Write a video in which a square moves to the right."""
    width, height = size
    with av.open(str(path), "w", format=form) as container:
        stream: Any = container.add_stream(codec, rate=Fraction(rate), options=options or {})
        stream.width, stream.height, stream.pix_fmt = width, height, pixels
        for name, value in (tags or {}).items():
            setattr(stream.codec_context, name, value)
        for number in range(frames):
            picture = np.full((height, width, 4), (60, 70, 80, 255), dtype=np.uint8)
            picture[20:40, number : number + 20] = (250, 200, 30, 128)
            frame = av.VideoFrame.from_ndarray(picture, format="rgba")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def write_sound(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame(format="fltp", layout="mono", samples=1024)
        frame.sample_rate = 8000
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        container.mux(stream.encode(frame))
        container.mux(stream.encode())


HDR = {"color_primaries": 9, "color_trc": 16, "colorspace": 9}  # BT.2020, PQ (ITU-R BT.2100)
STRANGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "ten-bits.mkv": (lambda p: write(p, codec="ffv1", pixels="yuv420p10le"), "built"),
    "ten-bits.mp4": (lambda p: write(p, pixels="yuv420p10le"), "built"),
    "twelve-bits.mkv": (lambda p: write(p, codec="ffv1", pixels="yuv444p12le"), "built"),
    "hdr.mkv": (lambda p: write(p, codec="ffv1", pixels="yuv420p10le", tags=HDR), "built"),
    "alpha.webm": (lambda p: write(p, codec="libvpx-vp9", pixels="yuva420p"), "built"),
    "alpha.mov": (lambda p: write(p, codec="qtrle", pixels="argb"), "built"),
    "alpha.mkv": (lambda p: write(p, codec="ffv1", pixels="yuva444p"), "built"),
    "grey.mkv": (lambda p: write(p, codec="ffv1", pixels="gray"), "built"),
    "palette.gif": (lambda p: write(p, codec="gif", pixels="rgb8"), "built"),
    "odd.mkv": (lambda p: write(p, size=(201, 357), pixels="yuv444p"), "built"),
    "odd.webm": (lambda p: write(p, size=(201, 357), codec="libvpx-vp9"), "built"),
    "odd.avi": (lambda p: write(p, size=(201, 357), codec="mpeg4"), "built"),
    "tiny.mkv": (lambda p: write(p, size=(61, 2), codec="ffv1", pixels="yuv444p"), "built"),
    "slow.mp4": (lambda p: write(p, rate=1), "built"),
    "fast.mp4": (lambda p: write(p, rate=240), "built"),
    "wrong.txt": (lambda p: write(p, form="mp4"), "built"),
    "wrong.avi": (lambda p: write(p, form="webm", codec="libvpx-vp9"), "built"),
    "sound.mp4": (write_sound, "no-video-stream"),
    "still.mp4": (lambda p: write(p, codec="png", pixels="rgb24", frames=1), "too-few-frames"),
    "still.jpg": (
        lambda p: write(p, codec="mjpeg", pixels="yuvj420p", frames=1, form="mjpeg"),
        "too-few-frames",
    ),
    "two.mp4": (lambda p: write(p, frames=2), "too-few-frames"),
    "nothing.mp4": (Path.touch, "unreadable"),
    "zeros.mp4": (lambda p: p.write_bytes(bytes(100_000)), "unreadable"),
    "noise.mp4": (lambda p: p.write_bytes(np.random.default_rng(0).bytes(100_000)), "unreadable"),
    "text.mp4": (lambda p: p.write_text("not a video"), "unreadable"),
}


def test_every_strange_file_is_built_or_has_its_reason(tmp_path: Path, signflow: Signflow):
    rows = ["source,gloss,split"]
    for name, (make, _) in STRANGE.items():
        make(tmp_path / name)
        rows.append(f"{name},right,train")
    (tmp_path / "clips.csv").write_text("\n".join(rows) + "\n")
    words = ("--out", tmp_path / "store", "--protocol", "report", "--image-size", "32")
    words += ("--workers", "2")

    signflow("build", tmp_path, *words)

    rows = Store.open(tmp_path / "store").rows
    statuses = {Path(row.clip.source).name: (row.status, row.reason) for row in rows}
    expected = {name: status for name, (_, status) in STRANGE.items()}
    assert {name: status for name, (status, _) in statuses.items()} == expected, statuses


DAMAGED = {
    "h264.mp4": {"codec": "libx264", "options": {"g": "12", "bf": "2"}},
    "h264.ts": {"codec": "libx264", "options": {"g": "12", "bf": "2"}},
    "vp9.webm": {"codec": "libvpx-vp9"},
    "mpeg4.avi": {"codec": "mpeg4"},
    "mjpeg.mov": {"codec": "mjpeg", "pixels": "yuvj420p"},
    "qtrle.mov": {"codec": "qtrle", "pixels": "argb"},
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_files_end_no_build_and_touch_no_other_clip(
    name: str, tmp_path: Path, signflow: Signflow
):
    write_square_video(tmp_path / "good.mp4", gloss="down")
    whole = tmp_path / name
    write(whole, **DAMAGED[name])
    for number in range(24):
        damage(whole, whole.with_stem(f"damaged{number}"), seed=number)
    names = ["good.mp4", *(f"damaged{number}{whole.suffix}" for number in range(24))]
    rows = ["source,gloss,split", *(f"{name},down,train" for name in names)]
    (tmp_path / "clips.csv").write_text("\n".join(rows) + "\n")
    words = ("--out", tmp_path / "store", "--image-size", "16", "--workers", "2")

    signflow("build", tmp_path, *words)

    store = Store.open(tmp_path / "store")
    statuses = [row.status for row in store.rows]
    assert len(statuses) == 25
    assert set(statuses) <= {"built", *FAULT_CODES} - OWN_FAULTS
    assert statuses[0] == "built"
    assert set(statuses[1:]) - {"built"}, "not one file was damaged enough to be noticed"


def damage(whole: Path, path: Path, *, seed: int) -> None:
    """Flip bits all over a file, or write over a piece, or cut it off."""
    random = np.random.default_rng(seed)
    data = np.frombuffer(whole.read_bytes(), dtype=np.uint8).copy()
    kind = seed % 4
    if kind == 0:
        places = random.integers(0, len(data), 1 + len(data) // 500)
        data[places] ^= 1 << random.integers(0, 8, len(places), dtype=np.uint8)
    elif kind == 1:
        start = random.integers(0, len(data))
        data[start : start + 200] = random.integers(0, 256, dtype=np.uint8)
    elif kind == 2:
        data = data[: random.integers(1, len(data))]
    else:  # the header alone: sizes, counts and offsets that are not true
        places = random.integers(0, min(2000, len(data)), 5)
        data[places] = random.integers(0, 256, len(places), dtype=np.uint8)
    path.write_bytes(data.tobytes())
