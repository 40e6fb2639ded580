"""How much of the picture still moves when the camera's motion was taken out?

    python benchmarks/flow_camera.py --data ../shared/data

takes of the clips of egogestar (the camera on a head) and croatian_signs (the camera on a stand)
the report's 10 frames at 224 x 224, and writes the table in docs/flow.md. About five minutes on one
core; `--every 5` takes a fifth of the clips.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import tyro
from flow_bound import PAGE, croatian_signs, decode, egogestar, write_between_markers
from numpy.typing import NDArray

from signflow.progress import console, progress_bar
from signflow.video import Camera, Dis, Farneback, compute_flow, remove_camera

CAMERAS: tuple[Camera, ...] = get_args(Camera)


def main(data: Path, page: Path = PAGE, every: int = 1) -> None:
    """Measure, and write the table between the page's markers.

    Args:
        data: the folder that holds egogestar and croatian_signs.
        page: the Markdown page to bring up to date.
        every: take every so-many-th clip.
    """
    cv2.setNumThreads(1)
    sets = {"EgoGestAR": egogestar(data)[::every], "Croatian signs": croatian_signs(data)[::every]}
    figures: dict[tuple[str, int, str, Camera], list[NDArray[np.float64]]] = {}
    with progress_bar() as progress:
        for title, clips in sets.items():
            task = progress.add_task(title, total=len(clips), note="")
            for clip in clips:
                frames = decode(clip)
                for method in (Farneback(), Dis()):
                    flow = compute_flow(frames, method=method)
                    for camera in CAMERAS:
                        row = figures.setdefault((title, len(clips), method.name, camera), [])
                        row.append(what_is_left(flow, camera))
                progress.advance(task)
    lines = list(table(figures))
    write_between_markers(page, "\n".join(lines), name="camera")
    console.print("\n".join(lines), soft_wrap=True)


def what_is_left(flow: NDArray[np.float32], camera: Camera) -> NDArray[np.float64]:
    """Share of pairs changed, median length, shares of points above 1 and 2 pixels."""
    left = remove_camera(flow, camera=camera)
    length = np.linalg.norm(left, axis=-1)
    changed = (left != flow).any(axis=(1, 2, 3)).mean()
    return np.array([changed, np.median(length), (length > 1).mean(), (length > 2).mean()])


def table(figures: dict[tuple[str, int, str, Camera], list[NDArray[np.float64]]]) -> Iterator[str]:
    """A row for each set, method and camera: means over clips."""
    yield (
        "| set | clips | method | camera | pairs changed | median length | points above 1 pixel"
        " | above 2 pixels |"
    )
    yield "|---|---:|---|---|" + "---:|" * 4
    for (title, clips, method, camera), rows in figures.items():
        changed, median, above_1, above_2 = np.mean(rows, axis=0)
        yield (
            f"| {title} | {clips} | {method} | {camera} | {changed:.0%} | {median:.2f}"
            f" | {above_1:.1%} | {above_2:.1%} |"
        )


if __name__ == "__main__":
    tyro.cli(main)
