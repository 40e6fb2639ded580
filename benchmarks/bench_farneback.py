"""Stage Farneback: milliseconds a pair of 224 x 224, one core, OpenCV beside `farneback-fast`."""

from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from plain import farneback
from side_by_side import table, take_turns

from signflow.video import (
    DecodedSpan,
    Dis,
    Farneback,
    FarnebackFast,
    FlowMethod,
    Span,
    compute_flow,
    decode_spans,
    quantise_flow,
)

TITLE = "Farneback"
NUDGED = Farneback(poly_sigma=Farneback().poly_sigma * (1 + 1e-6))
SETS = {"EgoGestAR": "egogestar", "Croatian signs": "croatian_signs"}


def measure(data: Path, *, quick: bool) -> str:
    """The stage's part of the page."""
    cv2.setNumThreads(1)
    clips, rounds = (2, 3) if quick else (6, 21)
    rows, precision = [], []
    for name, folder in SETS.items():
        films = _films(data / folder, clips)
        greys = [[cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in film] for film in films]

        def pairs_of(method: object, greys: list[list[NDArray[np.uint8]]] = greys) -> None:
            for film in greys:
                for pair in pairwise(film):
                    method(*pair)  # type: ignore[operator]

        def sequences(greys: list[list[NDArray[np.uint8]]] = greys) -> None:
            for film in greys:
                for _ in FarnebackFast().along(film):
                    pass

        turns = take_turns(
            {
                "OpenCV": lambda: pairs_of(farneback),
                "fast, pairs": lambda: pairs_of(FarnebackFast().between),
                "fast, sequences": sequences,
                "DIS": lambda: pairs_of(Dis().between),
            },
            rounds=rounds,
        )
        count = clips * (len(films[0]) - 1)
        rows += [
            [
                f"{name}: {way}",
                f"{turns.median(way) / count * 1e3:.2f}",
                f"{turns.ratio('OpenCV', way):.2f}",
                turns.raw(way, unit=count * 1e-3),
            ]
            for way in turns.seconds
        ]
        precision += [
            [name, *_precision(films, FarnebackFast())],
            [f"{name}: OpenCV itself, `poly_sigma` a millionth larger", *_precision(films, NUDGED)],
        ]
    return "\n\n".join(
        [
            "Frames of 224 x 224, the report's parameters, one core. A pair at full size, as the"
            " plain way computes it, costs as many times more as the picture is larger.",
            table(["what", "ms a pair", "x OpenCV", "all rounds (ms a pair)"], rows),
            "How far `farneback-fast` is from OpenCV on the same frames, and how far OpenCV is from"
            " itself after a change of no importance:",
            table(
                ["set", "mean (px)", "99.9 % below (px)", "bytes of a store that differ"],
                precision,
            ),
            "**The limit.** Each of 5 iterations at 3 levels reads 10 coefficients of every pixel"
            " from cache, weights 20 to 45 of the second picture's, and sums five windows: about"
            " 1.5 ms a pair on such a core, by an estimate made beforehand.",
        ]
    )


def _films(folder: Path, count: int) -> list[NDArray[np.uint8]]:
    paths = sorted(folder.rglob("*.mp4"))
    films = []
    for path in paths[:: max(1, len(paths) // count)][:count]:
        ((_, result),) = decode_spans(path, spans=[Span()], count=10, size=(224, 224))
        assert isinstance(result, DecodedSpan)
        films.append(result.frames)
    return films


def _precision(films: list[NDArray[np.uint8]], method: FlowMethod) -> list[str]:
    apart, differ = [], []
    for film in films:
        exact, found = (compute_flow(film, method=m) for m in (Farneback(), method))
        apart.append(np.linalg.norm(exact - found, axis=-1))
        stored = [quantise_flow(flow, bound=64)[0] for flow in (exact, found)]
        differ.append(np.mean(stored[0] != stored[1]))
    distances = np.stack(apart)
    return [
        f"{distances.mean():.1e}",
        f"{np.quantile(distances, 0.999):.4f}",
        f"{np.mean(differ):.1e}",
    ]
