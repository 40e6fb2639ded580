"""Folders: one sub-folder of clips per gloss."""

from collections.abc import Iterator
from pathlib import Path

from signflow.annotations.clip import SPLITS, ClipList, Split
from signflow.annotations.entries import Entry, assemble
from signflow.annotations.media import VIDEO_SUFFIXES, is_clip
from signflow.annotations.readers import ReadOptions, reader
from signflow.errors import UserError


def _is_folder(source: Path) -> bool:
    return source.is_dir() and next(_sub_folders(source), None) is not None


@reader("folder", matches=_is_folder, fallback=True)
def read_folder(source: Path, options: ReadOptions) -> ClipList:
    """Read a folder with a sub-folder of clips per gloss, or `train`, `val`, `test` of such.

    A clip is a video file, or a folder of numbered images (see `ReadOptions.frame_rate`). Without
    the three split folders, splits are drawn (see `ReadOptions`). Files whose suffix is no video's,
    folders without images and names that start with a dot are passed over.

    Raises:
        UserError: there is no clip in it, or split folders stand beside glosses.
    """
    entries = list(_entries(source))
    if not entries:
        raise UserError(
            f"{source}: no clips in its sub-folders; expected {source}/GLOSS/CLIP with a suffix of"
            f" {' '.join(sorted(VIDEO_SUFFIXES))}, or {source}/GLOSS/CLIP/ with numbered .jpg or"
            " .png images"
        )
    return assemble(entries, root=source, options=options, origin=f"folder {source}")


def _entries(source: Path) -> Iterator[Entry]:
    names = [folder.name for folder in _sub_folders(source)]
    split_names = [split for split in SPLITS if split in names]
    if not split_names:
        yield from _glosses(source, root=source, split=None)
        return
    if others := [name for name in names if name not in SPLITS]:
        raise UserError(
            f"{source}: {others[0]!r} stands beside the split folders {', '.join(split_names)};"
            " put every gloss inside one of train, val, test, or every gloss at the top"
        )
    for split in split_names:
        yield from _glosses(source / split, root=source, split=split)


def _glosses(folder: Path, *, root: Path, split: Split | None) -> Iterator[Entry]:
    for gloss in _sub_folders(folder):
        for path in sorted(gloss.iterdir()):
            if is_clip(path):
                yield Entry(source=str(path.relative_to(root)), gloss=gloss.name, split=split)


def _sub_folders(folder: Path) -> Iterator[Path]:
    """Sub-folders in code-point order: never in the order the file system lists them."""
    return (
        path for path in sorted(folder.iterdir()) if path.is_dir() and not path.name.startswith(".")
    )
