"""What can come of asking for a video, and what servers' and yt-dlp's words mean."""

import re
from typing import Literal

Outcome = Literal["got", "gone", "blocked", "failed"]
"""got: the file is there. gone: removed, private, account closed; asking again is no use. blocked:
the server will not serve us now (bot check, rate limit, sign-in). failed: the network, or what came
is no video."""


class UnavailableError(Exception):
    """A video could not be had.

    Args:
        outcome: gone, blocked or failed.
        reason: what happened, for people, in one line.
        again: whether trying again at once may help.
        keep: whether what has come so far is worth keeping for the next try.
        one_video: what is blocked is this video alone; it says nothing of its host.
    """

    def __init__(
        self,
        outcome: Outcome,
        reason: str,
        *,
        again: bool = False,
        keep: bool = False,
        one_video: bool = False,
    ) -> None:
        super().__init__(reason)
        self.outcome = outcome
        self.reason = reason
        self.again = again
        self.keep = keep
        self.one_video = one_video


class StoppedError(Exception):
    """The run is being stopped; nothing is known of this video."""


# What YouTube says through yt-dlp; the first group that matches decides. "blocked" comes first:
# YouTube puts "Video unavailable" before its rate limit as well, and "Sign in" into its bot check.
_MEANINGS: tuple[tuple[Outcome, str], ...] = (
    (
        "blocked",
        r"not a bot|rate[- ]limited|try again later|too many requests|captcha"
        r"|confirm your age|age[- ]restricted|inappropriate for some users"
        r"|page needs to be reloaded|unusual traffic|cookies are no longer valid",
    ),
    (
        "gone",
        r"private video|video is private|granted access|has been removed|been terminated"
        r"|closed their (youtube )?account|account (associated|has been)|no longer available"
        r"|does(n't| not) exist|members[- ]only|available to this channel's members"
        r"|requires payment|copyright|terms of service|community guidelines"
        r"|in your country|in your location|recording is not available|is drm protected",
    ),
    ("blocked", r"please sign in|sign in to|login required|\blog ?in\b"),
    (
        "gone",
        r"video unavailable|video is unavailable"
        r"|(video|content) is(n't| not) available(?! on this app)",
    ),
)
_ONE_VIDEO = re.compile(
    r"confirm your age|age[- ]restricted|inappropriate for some users|please sign in", re.IGNORECASE
)
_STATUS = re.compile(r"HTTP Error (\d{3})")


def meaning_of_message(message: str) -> Outcome:
    """Tell from what yt-dlp says whether a video is gone, blocked, or failed to come.

    Example:
        >>> meaning_of_message("ERROR: [youtube] 7y5Ye-2-ZBs: Private video. Sign in if ...")
        'gone'
    """
    text = message.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    for outcome, pattern in _MEANINGS:
        if re.search(pattern, text, re.IGNORECASE):
            return outcome
    status = _STATUS.search(text)
    return "failed" if status is None else meaning_of_status(int(status[1]))


def is_about_one_video(message: str) -> bool:
    """Whether a message that means "blocked" is about this video only: it is for adults."""
    return _ONE_VIDEO.search(message) is not None


def meaning_of_status(status: int, *, retry_after: bool = False) -> Outcome:
    """Tell what an HTTP status that is no success means.

    Args:
        status: 300 to 599.
        retry_after: whether the server named a time to come back.
    """
    if status in (404, 410, 451):
        return "gone"
    if status in (401, 403, 407, 429) or (status == 503 and retry_after):
        return "blocked"
    return "failed"


def one_line(message: str) -> str:
    """Shorten a message to what a ledger and a terminal have room for."""
    text = " ".join(message.split()).removeprefix("ERROR: ")
    return text if len(text) <= 300 else text[:297] + "..."
