"""What YouTube says through yt-dlp: texts from its source and its issues."""

import pytest

from signflow.download.outcome import Outcome, is_about_one_video, meaning_of_message


@pytest.mark.parametrize(
    ("message", "outcome"),
    [
        ("Private video. Sign in if you've been granted access to this video", "gone"),
        (
            "This video is private. If the owner of this video has granted you access, please",
            "gone",
        ),
        ("Video unavailable. This video has been removed by the uploader", "gone"),
        ("This video has been removed for violating YouTube's Terms of Service", "gone"),
        (
            "Video unavailable. This video is no longer available because the YouTube account"
            " associated with this video has been terminated.",
            "gone",
        ),
        (
            "Video unavailable. This video is no longer available because the uploader has closed"
            " their YouTube account.",
            "gone",
        ),
        ("Video unavailable", "gone"),
        ("Video unavailable. This video is not available", "gone"),
        ("Video unavailable. This content isn’t available.", "gone"),
        ("The uploader has not made this video available in your country", "gone"),
        (
            "Video unavailable. This video contains content from ZDF, who has blocked it in your"
            " country on copyright grounds",
            "gone",
        ),
        (
            "Join this channel to get access to members-only content like this video, and other"
            " exclusive perks.",
            "gone",
        ),
        (
            "Sign in to confirm you’re not a bot. Use --cookies-from-browser or --cookies for the"
            " authentication. See  https://github.com/yt-dlp/yt-dlp/wiki/FAQ",
            "blocked",
        ),
        ("Sign in to confirm you're not a bot. This helps protect our community.", "blocked"),
        (
            "Video unavailable. This content isn't available, try again later. The current session"
            " has been rate-limited by YouTube for up to an hour.",
            "blocked",
        ),
        ("This content isn't available, try again later. Your account has been", "blocked"),
        ("YouTube is requiring a captcha challenge before playback", "blocked"),
        (
            "Sign in to confirm your age. This video may be inappropriate for some users. Use"
            " --cookies-from-browser or --cookies for the authentication.",
            "blocked",
        ),
        ("Unable to download API page: HTTP Error 429: Too Many Requests", "blocked"),
        ("unable to download video data: HTTP Error 403: Forbidden", "blocked"),
        ("Unable to download webpage: HTTP Error 404: Not Found", "gone"),
        ("Unable to download API page: HTTP Error 500: Internal Server Error", "failed"),
        ("Requested format is not available. Use --list-formats for a list", "failed"),
        ("Unable to download webpage: <urlopen error [Errno -2] Name or service not", "failed"),
        ("The downloaded file is empty", "failed"),
        (
            "The following content is not available on this app.. Watch on the latest version of"
            " YouTube.",
            "failed",
        ),
        ("Failed to extract any player response; please report this issue", "failed"),
    ],
)
def test_what_youtube_says_has_a_meaning(message: str, outcome: Outcome):
    assert meaning_of_message(f"ERROR: [youtube] 7y5Ye-2-ZBs: {message}") == outcome


def test_a_video_for_adults_says_nothing_of_its_host():
    assert is_about_one_video("Sign in to confirm your age. This video may be inappropriate")
    assert not is_about_one_video("Sign in to confirm you’re not a bot.")
