"""`signflow show STORE CLIP_ID`."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from signflow.cli.parse import parse
from signflow.errors import UserError
from signflow.evaluation import write_clip_picture
from signflow.progress import console
from signflow.recognition import Recognizer
from signflow.store import Sample, Store


@dataclass(frozen=True, kw_only=True)
class Show:
    """Draw a clip of a store: its frames, the flow between them as colour, and a run's guesses.

    Attributes:
        store: a store.
        clip_id: the clip, as clips.parquet names it.
        run: a run on this store: also list what it takes the clip for.
        out: the picture; by default CLIP_ID.png here, with / as _.
    """

    store: Positional[Path]
    clip_id: Positional[str]
    run: Path | None = None
    out: Path | None = None


def run(words: Sequence[str]) -> None:
    """Write the picture."""
    asked = parse(Show, words, command="show")
    out = asked.out or Path(re.sub(r"[^\w.@+-]+", "_", asked.clip_id) + ".png")
    store = Store.open(asked.store)
    guess = None if asked.run is None else _guesses_of(asked.run, store)
    write_clip_picture(store, asked.clip_id, out, guess=guess)
    console.print(str(out), highlight=False, markup=False, soft_wrap=True)


def _guesses_of(run: Path, store: Store) -> Callable[[Sample], list[tuple[str, float]]]:
    recognizer = Recognizer.load(run)
    if (recognizer.recipe, recognizer.classes) != (store.recipe, store.classes):
        raise UserError(
            f"--run {run}: was trained on other classes or another recipe than {store.path}"
        )
    count = len(store.classes)
    return lambda sample: [(p.gloss, p.score) for p in recognizer.rank(sample, top=count)]
