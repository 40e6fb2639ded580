"""A run made ready to use: video in, ranked signs out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from signflow.annotations import Clip
from signflow.models import SignModel, scores
from signflow.store import Made, Sample, make_samples
from signflow.training import TrainedModel, inference_device, load_model


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
        (given,) = self.scores([made.sample])
        ranked = np.argsort(-given, kind="stable")[:top]
        return [Prediction(self.classes[label], float(given[label])) for label in ranked]

    def scores(self, samples: Sequence[Sample]) -> np.ndarray:
        """Scores of samples of this recognizer's recipe: float32 (samples, classes), 0 to 1."""
        inputs = self._model.inputs
        rgb = [s.middle_frame[None] if inputs.rgb == "middle" else s.frames for s in samples]
        with torch.inference_mode():
            logits = self._model(
                rgb=self._tensor(rgb) if inputs.rgb else None,
                flow=self._tensor([s.flow for s in samples]) if inputs.flow else None,
            )
            return scores(logits).cpu().numpy()

    def _tensor(self, arrays: Sequence[np.ndarray]) -> torch.Tensor:
        return torch.from_numpy(np.stack(arrays)).to(self._device)
