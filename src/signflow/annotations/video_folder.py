"""The videos that an annotation directory is read with: `--videos DIR`."""

from pathlib import Path

from signflow.annotations.media import index_videos
from signflow.annotations.readers import ReadOptions
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
        self._frame_rate = options.frame_rate

    def __contains__(self, name: str) -> bool:
        return name in self._files

    def path(self, name: str) -> Path:
        """The clip of that name, or where its video should lie: an absolute path."""
        return self._files.get(name, self._folder / f"{name}.mp4")

    def frame_rate(self, name: str) -> float | None:
        """Images per second where the clip is a folder of images and the options say it."""
        path = self._files.get(name)
        return self._frame_rate if path is not None and path.is_dir() else None
