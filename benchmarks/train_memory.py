"""Does the memory of `signflow train` grow with the clips? Against a loader that keeps all in RAM.

    python benchmarks/train_memory.py

renders sets of 500 and 5,000 clips, builds them, trains one epoch on each in a process of its own,
by `signflow train` and by a plain loop that first reads everything into float tensors, and notes
the most memory that was ever resident in each process. Writes the table in docs/training.md.
"""

import tempfile
from pathlib import Path

import tyro
from flow_bound import write_between_markers
from side_by_side import spent, spent_by_signflow

from signflow.files import read_json
from signflow.progress import console

PAGE = Path(__file__).parents[1] / "docs" / "training.md"
MODEL = "temporal"
BATCH_SIZE = 16


def main(
    *,
    clips: tuple[int, ...] = (500, 5000),
    image_size: int = 112,
    work: Path | None = None,
    plain_on: Path | None = None,
    write: bool = True,
) -> None:
    """Render, build, train in both ways, and write the table.

    Args:
        clips: how many, for each line of the table; an eighth of them validate, an eighth test.
        image_size: of the stores.
        work: where sets and stores lie, to be used again; by default a folder that is removed.
        plain_on: only train plainly on this store (what this script starts for itself).
        write: whether the table goes into docs/training.md.
    """
    if plain_on is not None:
        train_plainly(plain_on)
        return
    with tempfile.TemporaryDirectory() as folder:
        place = work or Path(folder)
        lines = [_line(place, count, image_size=image_size) for count in clips]
    text = "\n".join(
        [
            f"One epoch of {MODEL}, batch size {BATCH_SIZE}, rendered clips of 10 frames of"
            f" {image_size} x {image_size}, on a CPU.",
            "",
            "| clips | store on disk (MB) | `signflow train`: peak (MB) | all in RAM: peak (MB) |",
            "|---:|---:|---:|---:|",
            *lines,
        ]
    )
    console.print(text, markup=False, highlight=False, soft_wrap=True)
    if write:
        write_between_markers(PAGE, text)


def _line(place: Path, count: int, *, image_size: int) -> str:
    data, store = place / f"set-{count}", place / f"store-{count}"
    part = count // 8
    spent_by_signflow(
        *("synth", data, "--train", count - 2 * part, "--val", part, "--test", part),
        *("--width", 160, "--height", 120),
    )
    spent_by_signflow(
        *("build", data, "--videos", data / "videos", "--protocol", "report"),
        *("--image-size", image_size, "--out", store),
    )
    counts = read_json(store / "store.json", what="a store's description")["counts"]
    built = sum(split["built"] for split in counts.values())
    size = sum(path.stat().st_size for path in store.rglob("*") if path.is_file()) / 1e6
    with tempfile.TemporaryDirectory() as runs:
        _, ours = spent_by_signflow(
            *("train", store, "--model", MODEL, "--batch-size", BATCH_SIZE),
            *("--epochs", 1, "--device", "cpu", "--out", Path(runs) / "run"),
        )
    _, plain = spent(__file__, "--plain-on", store)
    return f"| {built:,} | {size:,.0f} | {ours:,.0f} | {plain:,.0f} |"


def train_plainly(path: Path) -> None:
    """Train as a student's script does: all clips as float tensors, a DataLoader, Adam."""
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    from signflow.models import create_model, joint_loss
    from signflow.store import Store
    from signflow.training.weights import model_shape

    store = Store.open(path)
    rows = [row for row in store.splits()["train"] if row.built]
    samples = [store.sample(row.clip.clip_id) for row in rows]
    flow = torch.stack([torch.tensor(sample.flow, dtype=torch.float32) for sample in samples])
    labels = torch.tensor([sample.label for sample in samples])
    model = create_model(MODEL, shape=model_shape(store.recipe, store.classes))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-5, fused=True)
    for batch, wanted in DataLoader(TensorDataset(flow, labels), BATCH_SIZE, shuffle=True):
        optimizer.zero_grad()
        joint_loss(model(None, batch), wanted).backward()
        optimizer.step()


if __name__ == "__main__":
    tyro.cli(main)
