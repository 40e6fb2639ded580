"""Leaks that annotations alone give away: the same stretch of the same video, twice."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from hashlib import file_digest
from itertools import groupby
from math import inf
from pathlib import Path

from signflow.annotations import Clip
from signflow.annotations.sections import is_section, video_of
from signflow.audit.book import file_state
from signflow.audit.pairs import Pair, make_pair
from signflow.audit.sketches import DEFAULT_FPS
from signflow.store import ClipRow

LEAST_OVERLAP = 0.5
"""Share of the shorter clip from which on two clips are the same stretch.

Neighbours in one video may overlap by a few frames; what is annotated twice is shared nearly all.
In MS-ASL half lies in the gap between the two (docs/audit.md).
"""


def same_videos(clips: Sequence[Clip], *, addresses: Mapping[str, str] | None = None) -> list[str]:
    """Name each clip's video, so that clips of one video have one name.

    The same video is the same path, sections of one video, the same address under other file names,
    or a file with the same content, byte for byte.

    Args:
        clips: the clips.
        addresses: from file name (without suffix) to one spelling of where it can be had.
    """
    paths = sorted({clip.source for clip in clips})
    names = {path: path for path in paths}
    sections = [Path(path) for path in paths if is_section(Path(path))]
    _unite(names, {str(path): str(path.with_name(video_of(path))) for path in sections})
    known = {path: (addresses or {}).get(video_of(Path(path))) for path in paths}
    _unite(names, {path: address for path, address in known.items() if address})
    _unite(names, _contents(paths))
    return [names[clip.source] for clip in clips]


def find_stretches(rows: Sequence[ClipRow], videos: Sequence[str]) -> list[Pair]:
    """Find the pairs of clips that show the same stretch, by `LEAST_OVERLAP`.

    Args:
        rows: the clips; a clip without an end ends with its video, where its length is known.
        videos: of `same_videos`.
    """
    clips = [row.clip for row in rows]
    by_video: dict[str, list[int]] = defaultdict(list)
    for place, video in enumerate(videos):
        by_video[video].append(place)
    pairs = []
    for places in by_video.values():
        spans = sorted((*_span(rows[place]), place) for place in places)
        for number, (start, end, place) in enumerate(spans):
            for other_start, other_end, other in spans[number + 1 :]:
                if other_start >= end:
                    break
                overlap = _overlap((start, end), (other_start, other_end))
                if overlap >= LEAST_OVERLAP:
                    pairs.append(make_pair(clips, place, other, strength=overlap))
    return sorted(pairs, key=lambda pair: (pair.first, pair.second))


def _span(row: ClipRow) -> tuple[float, float]:
    start, end = row.clip.start or 0.0, row.clip.end
    if end is None:
        known = row.video_frames
        end = inf if known is None else start + known / (row.fps or DEFAULT_FPS)
    return start, max(start, end)


def _overlap(ours: tuple[float, float], theirs: tuple[float, float]) -> float:
    """How much of the shorter both show, 0 to 1."""
    shared = min(ours[1], theirs[1]) - max(ours[0], theirs[0])
    shorter = min(ours[1] - ours[0], theirs[1] - theirs[0])
    if shorter == inf:
        return 1.0
    return max(0.0, shared) / shorter if shorter > 0 else 0.0


def _unite(names: dict[str, str], keys: Mapping[str, str]) -> None:
    """Give all paths with one key the name of the first of them."""
    first: dict[str, str] = {}
    for path, key in keys.items():
        kept = first.setdefault(key, names[path])
        if kept != names[path]:
            old = names[path]
            for each, name in names.items():
                if name == old:
                    names[each] = kept


def _contents(paths: Sequence[str]) -> dict[str, str]:
    """The content of files that share their size with another, as a hash; others are unique."""
    sizes = [(state[0], path) for path in paths if (state := file_state(path)) is not None]
    contents: dict[str, str] = {}
    for _, group in groupby(sorted(sizes), key=lambda each: each[0]):
        alike = [path for _, path in group if Path(path).is_file()]
        for path in alike if len(alike) > 1 else ():
            try:
                with Path(path).open("rb") as file:
                    contents[path] = file_digest(file, "sha256").hexdigest()
            except OSError:
                continue  # The audit says of each clip whether it can be read.
    return contents
