"""`signflow show STORE CLIP_ID`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from signflow.cli.parse import parse
from signflow.evaluation import write_clip_picture
from signflow.progress import console
from signflow.store import Store


@dataclass(frozen=True, kw_only=True)
class Show:
    """Draw a clip of a store: its frames and, as colour, the flow between them.

    Attributes:
        store: a store.
        clip_id: the clip, as clips.parquet names it.
        out: the picture; by default CLIP_ID.png here, with / as _.
    """

    store: Positional[Path]
    clip_id: Positional[str]
    out: Path | None = None


def run(words: Sequence[str]) -> None:
    """Write the picture."""
    asked = parse(Show, words, command="show")
    out = asked.out or Path(re.sub(r"[^\w.@+-]+", "_", asked.clip_id) + ".png")
    write_clip_picture(Store.open(asked.store), asked.clip_id, out)
    console.print(str(out), highlight=False, markup=False, soft_wrap=True)
