"""A run made ready to use: video in, ranked signs out."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from signflow.annotations import Clip
from signflow.models import SignModel, scores
from signflow.store import Made, Sample, make_samples
from signflow.training import TrainedModel, as_batch, inference_device, load_model


@dataclass(frozen=True)
class Prediction:
    """A sign that a video may show.

    Attributes:
        gloss: the sign's name.
        score: softmax score, 0 to 1; those of all signs sum to 1.
    """

    gloss: str
    score: float


class Recognizer:
    """Recognises signs in videos as the store's recipe would have seen them.

    Example:
        >>> recognizer = Recognizer.load(Path("runs/mine"))
        >>> recognizer.predict(Path("new.mp4"), top=2)
        [Prediction(gloss='hello', score=0.93), Prediction(gloss='nice', score=0.04)]
    """

    def __init__(self, trained: TrainedModel, *, device: torch.device) -> None:
        """Use `Recognizer.load`."""
        self._model: SignModel = trained.model
        self._device = device
        self.recipe = trained.recipe
        self.classes = trained.classes

    @classmethod
    def load(cls, run: Path, *, device: str = "auto") -> "Recognizer":
        """Make a run ready; its store is not needed.

        Raises:
            UserError: there is no trained model in `run`.
        """
        chosen = inference_device(device)
        return cls(load_model(run / "model.safetensors", device=chosen), device=chosen)

    def predict(
        self,
        video: Path,
        *,
        start: float | None = None,
        end: float | None = None,
        top: int = 5,
    ) -> list[Prediction]:
        """Recognise the one sign that a video, or a stretch of it, shows.

        Args:
            video: the file.
            start: seconds from its first frame; None: from the start.
            end: likewise, exclusive; None: to the end.
            top: how many guesses, the likeliest first.

        Raises:
            VideoFault: the video or the stretch cannot be had; the message says why.
        """
        clip = Clip(
            clip_id=str(video),
            source=str(video),
            start=start,
            end=end,
            label=0,
            gloss="",
            split="test",
        )
        ((_, made),) = make_samples([clip], recipe=self.recipe)
        if not isinstance(made, Made):
            raise made
        return self.rank(made.sample, top=top)

    def rank(self, sample: Sample, *, top: int = 5) -> list[Prediction]:
        """Recognise a sample that was made by this recognizer's recipe.

        Args:
            sample: of a store, or just made.
            top: how many guesses, the likeliest first.
        """
        batch = as_batch([sample], inputs=self._model.inputs).to(self._device)
        with torch.inference_mode():
            (given,) = scores(self._model(rgb=batch.rgb, flow=batch.flow)).cpu().numpy()
        ranked = np.argsort(-given, kind="stable")[:top]
        return [Prediction(self.classes[label], float(given[label])) for label in ranked]
