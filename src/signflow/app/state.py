"""What all tabs and the API of one page share."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from signflow.app.config import AppConfig
from signflow.app.decoder import Decoder
from signflow.app.recognisers import Recognisers
from signflow.app.recordings import Recordings
from signflow.app.trainings import Trainings
from signflow.errors import UserError


@dataclass(frozen=True)
class Shared:
    """One for all who look at the page."""

    config: AppConfig
    recordings: Recordings
    trainings: Trainings
    recognisers: Recognisers
    decoder: Decoder
    uploads: Path

    @classmethod
    def of(cls, config: AppConfig, *, uploads: Path) -> "Shared":
        """Open what lies in the folder.

        Args:
            config: of the page.
            uploads: where Gradio puts what browsers send.

        Raises:
            UserError: the run that was given has no trained model.
        """
        decoder = Decoder(config.limits)
        recordings = Recordings(
            config.clips, limits=config.limits, frames=config.recipe.frames, decoder=decoder
        )
        trainings = Trainings(config, recordings)
        recognisers = Recognisers(config, trainings, decoder)
        return cls(config, recordings, trainings, recognisers, decoder, uploads)

    def uploaded(self, file: Any) -> tuple[Path, str]:
        """The file that a browser or a client uploaded, and its own name.

        What comes in is a path that anybody may have written: only those of uploads do.

        Args:
            file: a dictionary with `path` and, where known, `orig_name` or `name`.

        Raises:
            UserError: it is no such file.
        """
        if not isinstance(file, dict) or not isinstance(file.get("path"), str):
            raise UserError("Send a video that was uploaded: {'path': ...} as /upload answers.")
        path = Path(file["path"].replace("\0", "")).resolve()
        if not path.is_relative_to(self.uploads.resolve()) or not path.is_file():
            raise UserError("There is no such upload; send the video again.")
        name = file.get("orig_name") or file.get("name") or path.name
        return path, Path(str(name)).name


def tell(error: UserError) -> None:
    """Show what went wrong to whoever asked."""
    gr.Warning(_escaped(str(error)), duration=15, title="That did not work")


def _escaped(text: str) -> str:
    """Gradio shows messages as HTML; what people typed must stay text."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
