"""Where the videos of a source can be had: the other half of what annotations say.

Readers turn annotations into clips, whose `source` is the file wanted and no longer says where it
came from. For `signflow download`, a kind of source that knows addresses registers a second, small
function here: from file name (without suffix) to URL.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from signflow.annotations.clip import SPLITS, Clip
from signflow.annotations.msasl import is_msasl
from signflow.annotations.readers import ReadOptions, read_clips
from signflow.annotations.sections import video_of
from signflow.annotations.urls import video_name
from signflow.annotations.wlasl import is_wlasl, wlasl_addresses
from signflow.errors import UserError
from signflow.files import read_json

AddressFunction = Callable[[Path], dict[str, str]]


@dataclass(frozen=True, kw_only=True)
class WantedVideo:
    """One video that clips need.

    Attributes:
        name: its file name without the suffix; letters, digits, `.`, `_` and `-`.
        url: where it can be had, as the annotations write it; None where they name no address.
        clips: the clips in it, in the source's order; their `source` is where it should lie, or a
            section of it that is there.
    """

    name: str
    url: str | None
    clips: tuple[Clip, ...]


@dataclass(frozen=True)
class _AddressBook:
    name: str
    matches: Callable[[Path], bool]
    read: AddressFunction


_books: list[_AddressBook] = []


def address_book(
    name: str, *, matches: Callable[[Path], bool]
) -> Callable[[AddressFunction], AddressFunction]:
    """Register a function from a source to `{file name without suffix: URL}`.

    Its names must be those that the source's reader gives to `Clip.source`.

    Args:
        name: what it knows, for messages ("MS-ASL").
        matches: tells whether this kind of source lies at a path; cheap, no reading.
    """

    def register(function: AddressFunction) -> AddressFunction:
        _books.append(_AddressBook(name, matches, function))
        return function

    return register


def wanted_videos(source: Path, *, options: ReadOptions) -> list[WantedVideo]:
    """List the videos that a source's clips need, each once, in the order of its first clip.

    Args:
        source: annotations of a kind that knows where its videos can be had.
        options: see `ReadOptions`; `videos` is needed.

    Raises:
        UserError: the source cannot be read, or knows no addresses.

    Example:
        >>> videos = wanted_videos(Path("msasl"), options=ReadOptions(videos=Path("videos")))
        >>> videos[0].name, videos[0].url, len(videos[0].clips)  # doctest: +SKIP
        ('7y5Ye-2-ZBs', 'https://www.youtube.com/watch?v=7y5Ye-2-ZBs', 3)
    """
    clips = read_clips(source, options=options).clips
    book = next((book for book in _books if book.matches(source)), None)
    if book is None:
        known = ", ".join(book.name for book in _books)
        raise UserError(
            f"{source}: does not say where its videos can be had; download knows {known}"
        )
    addresses = book.read(source)
    by_name: dict[str, list[Clip]] = {}
    for clip in clips:
        by_name.setdefault(video_of(Path(clip.source)), []).append(clip)
    return [
        WantedVideo(name=name, url=addresses.get(name), clips=tuple(found))
        for name, found in by_name.items()
    ]


@address_book("MS-ASL", matches=is_msasl)
def msasl_addresses(source: Path) -> dict[str, str]:
    """Return the first URL under which an MS-ASL directory names each video.

    Its entries have been checked by the reader; a URL that names no video has no address.
    """
    addresses: dict[str, str] = {}
    for split in SPLITS:
        path = source / f"MSASL_{split}.json"
        if not path.is_file():
            continue
        for entry in read_json(path, what="MS-ASL annotations: a list of clips"):
            name = video_name(entry["url"])
            if name is not None:
                addresses.setdefault(name, entry["url"])
    return addresses


address_book("WLASL", matches=is_wlasl)(wlasl_addresses)
