import json
from pathlib import Path

import pytest

from signflow.annotations.urls import video_id

MSASL = Path(__file__).parents[3] / "shared" / "data" / "msasl"


@pytest.mark.parametrize(
    "url",
    [
        "https://www.youtube.com/watch?v=7y5Ye-2-ZBs",
        "http://youtube.com/watch?v=7y5Ye-2-ZBs",
        "www.youtube.com/watch?v=7y5Ye-2-ZBs",
        "//www.youtube.com/watch?v=7y5Ye-2-ZBs",
        "m.youtube.com/watch?v=7y5Ye-2-ZBs",
        "https://www.youtube.com/watch?v=7y5Ye-2-ZBs&t=862s",
        "https://www.youtube.com/watch?list=PL1&v=7y5Ye-2-ZBs",
        "https://www.youtube.com/watch?v=7y5Ye-2-ZBs#top",
        "youtu.be/7y5Ye-2-ZBs",
        "https://youtu.be/7y5Ye-2-ZBs?t=12",
        "https://www.youtube.com/embed/7y5Ye-2-ZBs",
        "https://www.youtube-nocookie.com/embed/7y5Ye-2-ZBs?start=3",
        "https://www.youtube.com/shorts/7y5Ye-2-ZBs",
        "  https://www.youtube.com/watch?v=7y5Ye-2-ZBs \n",
    ],
)
def test_every_way_to_write_a_url_gives_the_same_id(url: str) -> None:
    assert video_id(url) == "7y5Ye-2-ZBs"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "youtube.com",
        "https://www.youtube.com/watch",
        "https://www.youtube.com/watch?v=short",
        "https://www.youtube.com/watch?v=7y5Ye-2-ZBs1",
        "https://www.youtube.com/watch?v=../../../ab",
        "https://youtu.be/..%2F..%2Fetcx",
        "https://example.org/watch?v=7y5Ye-2-ZBs",
        "https://notyoutube.com/watch?v=7y5Ye-2-ZBs",
        "https://[broken/watch?v=7y5Ye-2-ZBs",
        "file:///etc/passwd",
    ],
)
def test_what_is_no_video_of_youtube_gives_no_id(url: str) -> None:
    assert video_id(url) is None


@pytest.mark.skipif(not MSASL.is_dir(), reason="the MS-ASL annotation files are not here")
@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_every_url_of_ms_asl_names_a_video(split: str) -> None:
    entries = json.loads((MSASL / f"MSASL_{split}.json").read_text(encoding="utf-8"))
    assert not [entry["url"] for entry in entries if video_id(entry["url"]) is None]
