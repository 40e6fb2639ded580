"""A run made ready to use: video in, ranked signs out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from signflow.annotations import Box, Clip
from signflow.recognition.source import Video, name_of, on_disk
from signflow.store import Sample, make_sample, make_samples
from signflow.training import TrainedModel, as_batch, inference_device, load_model
from signflow.video import VideoFault

BATCH_SIZE = 16


@dataclass(frozen=True)
class Prediction:
    """A sign that a video may show.

    Attributes:
        gloss: the sign's name.
        score: calibrated softmax score, 0 to 1; those of all signs sum to 1.
    """

    gloss: str
    score: float


class Recognizer:
    """Recognises signs in videos as the store's recipe would have seen them.

    Attributes:
        recipe: how a video becomes what the net sees.
        classes: the glosses; the position is the label.
        calibration: what validation taught about the scores.

    Example:
        >>> recognizer = Recognizer.load(Path("runs/mine"))
        >>> predictions = recognizer.predict(Path("new.mp4"), top=2)
        >>> predictions
        [Prediction(gloss='hello', score=0.93), Prediction(gloss='nice', score=0.04)]
        >>> predictions[0].gloss if recognizer.is_sure(predictions) else "not sure"
        'hello'
    """

    def __init__(self, trained: TrainedModel) -> None:
        """Use `Recognizer.load`."""
        self._trained = trained
        self.recipe = trained.recipe
        self.classes = trained.classes
        self.calibration = trained.calibration

    @classmethod
    def load(cls, run: Path, *, device: str = "auto") -> "Recognizer":
        """Make a run ready; its store is not needed.

        Args:
            run: a run directory, or its `model.safetensors`, which may lie anywhere.
            device: "auto", "cpu" or "cuda".

        Raises:
            UserError: there is no trained model in `run`.
        """
        path = run if run.suffix == ".safetensors" else run / "model.safetensors"
        return cls(load_model(path, device=inference_device(device)))

    @property
    def threshold(self) -> float:
        """The score from which on it is sure, 0 to 1; 0 where it was never calibrated."""
        return self.calibration.threshold

    @property
    def sees_flow(self) -> bool:
        """Whether the net looks at optical flow; else none needs to be computed for it."""
        return self._trained.model.inputs.flow

    def is_sure(self, predictions: Sequence[Prediction]) -> bool:
        """Whether the best of predictions is worth saying; else the answer is "not sure"."""
        return max(prediction.score for prediction in predictions) >= self.threshold

    def predict(
        self,
        video: Video,
        *,
        start: float | None = None,
        end: float | None = None,
        box: Box | None = None,
        frame_rate: float | None = None,
        top: int = 5,
    ) -> list[Prediction]:
        """Recognise the one sign that a video, or a stretch of it, shows.

        Args:
            video: a file's path; a folder of numbered images; a file open for reading bytes, read
                from where it stands; or frames, uint8 (T, H, W, 3), RGB.
            start: seconds from its first frame; None: from the start.
            end: likewise, exclusive; None: to the end.
            box: where the signer is, for recipes that crop: (y0, x0, y1, x1), as shares of height
                and width.
            frame_rate: images or frames per second; None: 25. Not looked at for a video file.
            top: how many guesses, the likeliest first.

        Raises:
            VideoFault: the video or the stretch cannot be had; the message says why.
            ValueError: an array of another shape or type, a frame rate that is none, top below 1.
        """
        sample = self.sample(video, start=start, end=end, box=box, frame_rate=frame_rate)
        return self.rank(sample, top=top)

    def predict_batch(
        self,
        videos: Sequence[Video],
        *,
        start: float | None = None,
        end: float | None = None,
        box: Box | None = None,
        frame_rate: float | None = None,
        top: int = 5,
    ) -> list[list[Prediction] | VideoFault]:
        """Recognise several videos, sixteen at a time: quicker than one by one on a GPU.

        Args:
            videos: as of `predict`; the other arguments too, and they hold for all videos.
            start: see `predict`.
            end: see `predict`.
            box: see `predict`.
            frame_rate: see `predict`.
            top: see `predict`.

        Returns:
            For each video its predictions, or the reason why there are none.
        """
        found: list[list[Prediction] | VideoFault] = []
        for first in range(0, len(videos), BATCH_SIZE):
            made: list[Sample | VideoFault] = []
            for video in videos[first : first + BATCH_SIZE]:
                try:
                    made.append(
                        self.sample(video, start=start, end=end, box=box, frame_rate=frame_rate)
                    )
                except VideoFault as fault:
                    made.append(fault)
            ranked = iter(self.rank_batch([s for s in made if isinstance(s, Sample)], top=top))
            found += [each if isinstance(each, VideoFault) else next(ranked) for each in made]
        return found

    def sample(
        self,
        video: Video,
        *,
        start: float | None = None,
        end: float | None = None,
        box: Box | None = None,
        frame_rate: float | None = None,
    ) -> Sample:
        """Look at a video as the recipe says: what the net is going to see; see `predict`."""
        name = name_of(video)
        clip = Clip(
            clip_id=name,
            source=name,
            start=start,
            end=end,
            label=0,
            gloss="",
            split="test",
            box=box,
            frame_rate=frame_rate,
        )
        if isinstance(video, np.ndarray):
            made = make_sample(clip, video, recipe=self.recipe)
        else:
            with on_disk(video) as path:
                there = replace(clip, source=str(path))
                ((_, made),) = make_samples([there], recipe=self.recipe)
            if isinstance(made, VideoFault):
                made = VideoFault(made.code, str(made).replace(str(path), name))
        if isinstance(made, VideoFault):
            raise made
        return made.sample

    def rank(self, sample: Sample, *, top: int = 5) -> list[Prediction]:
        """Recognise a sample that was made by this recognizer's recipe.

        Args:
            sample: of a store, or just made.
            top: how many guesses, the likeliest first.
        """
        return self.rank_batch([sample], top=top)[0]

    def rank_batch(self, samples: Sequence[Sample], *, top: int = 5) -> list[list[Prediction]]:
        """Recognise several samples at once; see `rank`."""
        if top < 1:
            raise ValueError(f"top is {top}, but must be at least 1")
        return [self._ranked(given, top) for given in self.scores(samples)]

    def scores(self, samples: Sequence[Sample]) -> NDArray[np.float32]:
        """The calibrated scores of samples: float32 (samples, classes), each row summing to 1."""
        if not samples:
            return np.empty((0, len(self.classes)), dtype=np.float32)
        return self._trained.scores(as_batch(samples, inputs=self._trained.model.inputs))

    def _ranked(self, given: NDArray[np.float32], top: int) -> list[Prediction]:
        ranked = np.argsort(-given, kind="stable")[:top]
        return [Prediction(self.classes[label], float(given[label])) for label in ranked]
