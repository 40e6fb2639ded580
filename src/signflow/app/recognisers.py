"""Which run the page recognises with, and what came of a clip."""

import threading
from dataclasses import dataclass
from pathlib import Path

from signflow.app.config import AppConfig
from signflow.app.decoder import Decoder
from signflow.app.trainings import Trainings
from signflow.errors import UserError
from signflow.evaluation.strip import Strip, clip_strip
from signflow.recognition import Prediction, Recognizer


@dataclass(frozen=True, eq=False)
class Recognised:
    """What came of a clip.

    Attributes:
        guesses: the likeliest first.
        sure: whether the first is worth saying.
        threshold: the score from which on it is, 0 to 1.
        strip: the frames and the flow that the net was given.
        by: the recogniser, for people.
    """

    guesses: list[Prediction]
    sure: bool
    threshold: float
    strip: Strip
    by: str


@dataclass(frozen=True, eq=False)
class Current:
    """The recogniser in use.

    Attributes:
        recognizer: ready to use.
        name: for people.
        run: where it was loaded from.
    """

    recognizer: Recognizer
    name: str
    run: Path


class Recognisers:
    """Holds the run that is recognised with; a training that completes takes its place."""

    def __init__(
        self, config: AppConfig, trainings: Trainings, decoder: Decoder | None = None
    ) -> None:
        """Load the run that was given, if one was.

        Args:
            config: of the page.
            trainings: what it trains.
            decoder: who decodes; None: one of its own.

        Raises:
            UserError: there is no trained model in it.
        """
        self._config = config
        self._trainings = trainings
        self._decoder = decoder or Decoder(config.limits)
        self._loading = threading.Lock()
        self._current: Current | None = None
        self._trained_before = 0
        if config.run is not None:
            self._trained_before = max((number for number, _ in trainings.finished()), default=0)
            self._load(config.run, config.run.resolve().name)

    def current(self) -> Current | None:
        """The recogniser in use; None before anything was trained.

        Raises:
            UserError: the run of the last training cannot be loaded.
        """
        finished = self._trainings.finished()
        with self._loading:
            if finished and finished[-1][0] > self._trained_before:
                number, run = finished[-1]
                if self._current is None or self._current.run != run:
                    self._load(run, f"training {number}")
            return self._current

    def recognise(self, video: Path, *, top: int, name: str | None = None) -> Recognised:
        """Say which sign a video shows.

        Args:
            video: an uploaded file.
            top: how many guesses.
            name: what messages call it.

        Raises:
            UserError: there is no recogniser yet, or the file is no video within the limits.
        """
        current = self.current()
        if current is None:
            raise UserError(
                "There is no recogniser yet. Record some signs and train on them first, or start"
                " the page with one: signflow app RUN."
            )
        recognizer = current.recognizer
        sample = self._decoder.sample(video, recipe=recognizer.recipe, name=name or video.name)
        guesses = recognizer.rank(sample, top=top)
        return Recognised(
            guesses=guesses,
            sure=recognizer.is_sure(guesses),
            threshold=recognizer.threshold,
            strip=clip_strip(sample, flow_bound=recognizer.recipe.bound),
            by=current.name,
        )

    def _load(self, run: Path, name: str) -> None:
        recognizer = Recognizer.load(run, device=self._config.device)
        self._current = Current(recognizer, name, run)
