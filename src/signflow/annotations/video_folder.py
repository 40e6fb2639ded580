"""The videos that an annotation directory is read with: `--videos DIR`."""

from pathlib import Path

from signflow.annotations.media import index_videos
from signflow.annotations.readers import ReadOptions
from signflow.annotations.sections import sections_in
from signflow.errors import UserError


class VideoFolder:
    """The clips of `--videos DIR` by the names that annotations give them."""

    def __init__(self, source: Path, options: ReadOptions, *, kind: str, names: str) -> None:
        """List the folder.

        Args:
            source: the annotation directory, for messages.
            options: `videos` is needed.
            kind: of annotations, for messages ("MS-ASL").
            names: what the files are named by, for messages ("<YouTube id>").

        Raises:
            UserError: `videos` is missing or no directory, or splits are to be drawn.
        """
        if options.videos is None:
            raise UserError(
                f"{source}: {kind} annotations need --videos DIR, where DIR/{names}.mp4 lie"
            )
        if options.group_by is not None:
            raise UserError(
                f"{source}: --group-by is for sources without splits; {kind} brings its own"
            )
        if not options.videos.is_dir():
            raise UserError(
                f"{options.videos}: no such directory; --videos DIR is where the videos lie"
            )
        self._folder = options.videos.absolute()
        self._files = index_videos(self._folder)
        self._sections = sections_in(self._files.values())
        self._frame_rate = options.frame_rate

    def __contains__(self, name: str) -> bool:
        return name in self._files

    def path(self, name: str, *, start: float | None = None, end: float | None = None) -> Path:
        """The file for a clip of the video of that name: an absolute path.

        The whole video where it is there; else the section that covers the clip, else any section
        (the decoder says that it does not hold the clip); else where the video should lie.

        Args:
            name: of the video.
            start: where the clip begins, in seconds from the video's first frame.
            end: where it ends; None: with the video.
        """
        whole = self._files.get(name)
        if whole is not None:
            return whole
        sections = self._sections.get(name, [])
        covering = (path for stretch, path in sections if stretch.covers(start, end))
        anything = sections[0][1] if sections else self._folder / f"{name}.mp4"
        return next(covering, anything)

    def frame_rate(self, name: str) -> float | None:
        """Images per second where the clip is a folder of images and the options say it."""
        path = self._files.get(name)
        return self._frame_rate if path is not None and path.is_dir() else None
