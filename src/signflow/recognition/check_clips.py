"""Real clips to check an export on."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from signflow.annotations import Split
from signflow.errors import UserError
from signflow.recognition.recognizer import Recognizer
from signflow.store import ClipRow, Sample, Store
from signflow.training import Batch, Run, TrainedModel, as_batch, batches
from signflow.video import VideoFault

BATCH_SIZE = 4
"""Small, since the batches of the check share the memory with two models."""


@dataclass(frozen=True, kw_only=True)
class CheckClips:
    """Clips of a run's store, or given videos, made samples; iterating gives batches, each time.

    Attributes:
        trained: says what of a clip is looked at.
        store: where the clips lie; None where there are only videos.
        rows: the clips.
        samples: of the videos.
        source: what they are, for people.
    """

    trained: TrainedModel
    store: Store | None
    rows: tuple[ClipRow, ...]
    samples: tuple[Sample, ...]
    source: str

    def __len__(self) -> int:
        return len(self.rows) + len(self.samples)

    def __iter__(self) -> Iterator[Batch]:
        inputs = self.trained.model.inputs
        if self.store is not None:
            yield from batches(self.store, self.rows, inputs=inputs, batch_size=BATCH_SIZE)
        for start in range(0, len(self.samples), BATCH_SIZE):
            yield as_batch(self.samples[start : start + BATCH_SIZE], inputs=inputs)


def clips_to_check(
    run: Run, trained: TrainedModel, *, videos: Sequence[Path], most: int
) -> CheckClips:
    """Validation clips of a run's store, spread evenly, and what videos show.

    Args:
        run: names the store, which may be gone where there are videos.
        trained: of the run.
        videos: each of one sign.
        most: clips of the store, at most.

    Raises:
        UserError: a video cannot be had, or the store is gone and there are no videos.
    """
    samples = tuple(_sample(Recognizer(trained), video) for video in videos)
    given = f"{len(videos)} given video{'' if len(videos) == 1 else 's'}"
    try:
        clips = clips_of_split(run, trained, "val", most=most)
    except UserError as gone:
        if not videos:
            raise UserError(
                f"{gone}; without it there are no clips to check the export on: name some with"
                " --check VIDEO..."
            ) from None
        return CheckClips(
            trained=trained,
            store=None,
            rows=(),
            samples=samples,
            source=f"{given}; the store was not there ({gone})",
        )
    return CheckClips(
        trained=trained,
        store=clips.store,
        rows=clips.rows,
        samples=samples,
        source=f"{clips.source} and {given}" if videos else clips.source,
    )


def clips_of_split(run: Run, trained: TrainedModel, split: Split, *, most: int) -> CheckClips:
    """Clips of one split of a run's store, spread evenly.

    Raises:
        UserError: the store is gone, or another one.
    """
    store = run.open_store()
    built = [row for row in store.splits(fold=run.config.fold)[split] if row.built]
    rows = tuple(_spread(built, most))
    name = {"val": "validation", "train": "training"}.get(split, split)
    return CheckClips(
        trained=trained,
        store=store,
        rows=rows,
        samples=(),
        source=f"{len(rows)} of {len(built)} {name} clips of {store.path.name}",
    )


def _spread(rows: Sequence[ClipRow], most: int) -> Iterable[ClipRow]:
    chosen = min(most, len(rows))
    return (rows[number * len(rows) // chosen] for number in range(chosen))


def _sample(recognizer: Recognizer, video: Path) -> Sample:
    try:
        return recognizer.sample(video)
    except VideoFault as fault:
        raise UserError(f"--check: {fault}") from None
