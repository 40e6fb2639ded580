"""Recorded clips are a folder source, and nothing is ever overwritten."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import av
import numpy as np
import pytest
from squares import MOTIONS, Signflow, write_square_video

from signflow.app.convert import check_video, convert
from signflow.app.limits import Limits
from signflow.app.recordings import GROUP_BY, Recordings
from signflow.errors import UserError
from signflow.store import Store
from signflow.video import Span, decode_spans, probe


@pytest.fixture
def recordings(tmp_path: Path) -> Recordings:
    return Recordings(tmp_path / "clips", limits=Limits(seconds=5), frames=10)


@pytest.fixture(scope="module")
def webm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a browser records: VP8 at a changing rate, with no length in its header."""
    path = tmp_path_factory.mktemp("browser") / "clip.webm"
    write_webm(path)
    return path


def write_webm(path: Path) -> None:
    with av.open(str(path), "w", format="webm", options={"live": "1"}) as container:
        stream = container.add_stream("libvpx", rate=30, options={"cpu-used": "8"})
        stream.width, stream.height, stream.pix_fmt = 98, 66, "yuv420p"
        for number in range(20):
            picture = np.full((66, 98, 3), 10 * number, dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = number + number // 3
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def test_a_browsers_clip_becomes_h264_with_the_same_frames_at_the_same_times(
    webm: Path, tmp_path: Path
):
    convert(webm, tmp_path / "clip.mp4", limits=Limits())

    assert probe(tmp_path / "clip.mp4").codec == "h264"
    ((_, was),) = decode_spans(webm, spans=[Span()], count=10, size=None)
    ((_, became),) = decode_spans(tmp_path / "clip.mp4", spans=[Span()], count=10, size=None)
    assert became.n_frames == was.n_frames == 20
    np.testing.assert_allclose(became.times, was.times, atol=0.001)
    assert np.abs(became.frames.astype(int) - was.frames).mean() < 4


def test_recorded_clips_are_a_source_with_signers_kept_together(
    recordings: Recordings, tmp_path: Path, signflow: Signflow
):
    for signer in ("Ana", "Ivo", "Đuro-Marija"):
        for gloss in MOTIONS:
            video = write_square_video(tmp_path / "upload.mp4", gloss=gloss)
            recordings.add(video, gloss=f"{gloss} ž", signer=signer)

    words = ("--group-by", GROUP_BY, "--image-size", "32", "--workers", "0")
    signflow("build", recordings.folder, "--out", tmp_path / "store", *words)

    store = Store.open(tmp_path / "store")
    assert store.classes == ("down ž", "left ž", "right ž")
    assert all(row.built for row in store.rows)
    splits = {(row.clip.group, row.clip.split) for row in store.rows}
    assert {group for group, _ in splits} == {"Ana", "Ivo", "Đuro_Marija"}
    assert len(splits) == 3


def test_numbers_go_on_past_what_was_deleted_and_it_can_come_back(
    recordings: Recordings, webm: Path
):
    first, second = (recordings.add(webm, gloss="hvala", signer="Ana") for _ in range(2))
    recordings.delete(second.clip_id)
    third = recordings.add(webm, gloss="Hvala", signer="ANA")
    back = recordings.restore(second.clip_id)

    names = [recording.path.name for recording in (first, second, third)]
    assert names == ["Ana-01.mp4", "Ana-02.mp4", "Ana-03.mp4"]
    assert back.path.exists()
    assert [r.path.name for r in recordings.glosses()["hvala"]] == names


def test_two_who_record_the_same_sign_at_once_lose_nothing(recordings: Recordings, webm: Path):
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(recordings.add, webm, gloss="hvala", signer="Ana") for _ in range(8)]
        names = {job.result().path.name for job in jobs}

    assert names == {f"Ana-0{number}.mp4" for number in range(1, 9)}
    assert len(recordings.glosses()["hvala"]) == 8


@pytest.mark.parametrize("clip_id", ["../secret.mp4", "/etc/passwd", "hvala/../../secret.mp4", ""])
def test_only_clips_that_are_there_can_be_deleted(
    recordings: Recordings, webm: Path, tmp_path: Path, clip_id: str
):
    recordings.add(webm, gloss="hvala", signer="Ana")
    (tmp_path / "secret.mp4").write_text("kept")

    with pytest.raises(UserError, match="no clip"):
        recordings.delete(clip_id)
    with pytest.raises(UserError, match="no deleted clip"):
        recordings.restore(clip_id)

    assert (tmp_path / "secret.mp4").exists()


def test_what_is_no_clip_is_refused_by_its_own_name_and_leaves_nothing(
    recordings: Recordings, tmp_path: Path
):
    empty, text = tmp_path / "0.mp4", tmp_path / "1.mp4"
    empty.write_bytes(b"")
    text.write_text("not a video")
    long = write_square_video(tmp_path / "2.mp4", gloss="left", clips=8)
    short = write_square_video(tmp_path / "3.mp4", gloss="left", frames=5)

    for video, message in [
        (empty, "mine.mp4: cannot be read as a video .it is empty"),
        (text, "mine.mp4: cannot be read as a video"),
        (long, "more than 5 seconds"),
        (short, "5 pictures, and 10 are needed"),
    ]:
        with pytest.raises(UserError, match=message):
            recordings.add(video, gloss="hvala", signer="Ana", name="mine.mp4")

    assert recordings.glosses() == {}
    assert [path.name for path in recordings.folder.iterdir()] == []


def test_a_video_whose_header_says_nothing_of_its_length_is_counted(webm: Path):
    check_video(webm, limits=Limits(seconds=0.9))
    with pytest.raises(UserError, match="too long"):
        check_video(webm, limits=Limits(seconds=0.5))
    with pytest.raises(UserError, match="98 x 66 pixels"):
        check_video(webm, limits=Limits(pixels=90))
