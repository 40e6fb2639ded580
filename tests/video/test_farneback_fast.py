import importlib.util
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from signflow.compiled import has_numba
from signflow.video import (
    DecodedSpan,
    Farneback,
    FarnebackFast,
    Span,
    compute_flow,
    decode_spans,
    farneback_fast,
    quantise_flow,
)

farneback_kernels = pytest.importorskip("signflow.video.farneback_kernels")
REAL = Path(__file__).parents[3] / "shared" / "data"
EXAMPLES = settings(
    max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)

sizes = st.tuples(st.integers(1, 150), st.integers(1, 150))
methods = st.builds(
    dict,
    pyr_scale=st.sampled_from([0.5, 0.3, 0.8]),
    levels=st.integers(1, 6),
    winsize=st.integers(1, 40),
    iterations=st.integers(1, 6),
    poly_n=st.sampled_from([5, 7]),
    poly_sigma=st.sampled_from([1.1, 1.5, 0.6]),
    gaussian_window=st.booleans(),
)


def differences(
    greys: list[NDArray[np.uint8]], parameters: dict[str, object]
) -> NDArray[np.float64]:
    """Distance between the two methods' flow, in pixels, where neither is far outside."""
    exact = Farneback(**parameters)  # type: ignore[arg-type]
    expected = np.stack([exact.between(*pair) for pair in pairwise(greys)])
    found = np.stack([*FarnebackFast(**parameters).along(greys)])  # type: ignore[arg-type]
    assert found.dtype == np.float32
    assert found.shape == expected.shape
    return np.linalg.norm(found.astype(float) - expected, axis=-1)


def pattern(size: tuple[int, int], *, seed: int, smooth: float) -> NDArray[np.uint8]:
    """Random blobs, as large as pictures have them."""
    noise = np.random.default_rng(seed).uniform(0, 255, size).astype(np.float32)
    blurred = cv2.GaussianBlur(noise, (0, 0), smooth)
    return cv2.normalize(blurred, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


@EXAMPLES
@given(sizes, methods, st.integers(0, 99), st.tuples(st.integers(-40, 40), st.integers(-40, 40)))
@example((224, 150), {}, 0, (3, -2))
@example((16, 16), {"winsize": 39, "gaussian_window": True}, 0, (1, 1))
@example((15, 70), {}, 0, (1, 1))
@example((40, 17), {"winsize": 2}, 0, (0, 1))
@example((33, 130), {"winsize": 1, "gaussian_window": True}, 0, (1, 0))
@example((64, 100), {"winsize": 201}, 0, (2, 1))
def test_it_is_opencv_s_flow_at_any_size_and_by_any_parameters(
    size: tuple[int, int], parameters: dict[str, object], seed: int, shift: tuple[int, int]
) -> None:
    first = pattern(size, seed=seed, smooth=4)
    greys = [first, np.roll(first, shift, axis=(1, 0)), pattern(size, seed=seed + 1, smooth=2)]
    apart = differences(greys, parameters)
    assert np.median(apart) < 1e-3
    assert np.mean(apart > 0.1) < 0.02


@EXAMPLES
@given(sizes, st.integers(0, 255), st.integers(0, 255), st.booleans())
def test_constant_pictures_have_no_flow(
    size: tuple[int, int], grey: int, other: int, gaussian: bool
) -> None:
    greys = [np.full(size, grey, np.uint8), np.full(size, other, np.uint8)]
    flow = FarnebackFast(gaussian_window=gaussian).between(*greys)
    assert np.abs(flow).max() < 1e-3


@pytest.mark.parametrize("gaussian", [False, True])
def test_on_pure_noise_the_methods_agree_wherever_there_is_an_answer(gaussian: bool) -> None:
    rng = np.random.default_rng(5)
    greys = [rng.integers(0, 256, (120, 140)).astype(np.uint8) for _ in range(3)]
    apart = differences(greys, {"gaussian_window": gaussian})
    assert np.quantile(apart, 0.95) < 0.01


@pytest.mark.parametrize("shift", [(30, 0), (-30, 0), (0, 30), (0, -30), (60, -60)])
def test_flow_that_leads_out_of_the_picture_is_treated_alike(shift: tuple[int, int]) -> None:
    whole = pattern((300, 300), seed=1, smooth=9)
    x, y = shift
    greys = [whole[90:210, 90:210], whole[90 - y : 210 - y, 90 - x : 210 - x]]
    apart = differences([np.ascontiguousarray(grey) for grey in greys], {})
    assert np.quantile(apart, 0.99) < 0.01


@pytest.mark.parametrize("clip", ["egogestar/up/up_3.mp4", "croatian_signs/žuta/0001.mp4"])
@pytest.mark.parametrize("gaussian", [False, True])
def test_real_frames_differ_by_less_than_a_thousandth_of_a_pixel(clip: str, gaussian: bool) -> None:
    path = REAL / clip
    if not path.exists():
        pytest.skip(f"needs the development data ({clip}) in shared/data")
    ((_, result),) = decode_spans(path, spans=[Span()], count=6, size=(224, 224))
    assert isinstance(result, DecodedSpan)
    exact = compute_flow(result.frames, method=Farneback(gaussian_window=gaussian))
    found = compute_flow(result.frames, method=FarnebackFast(gaussian_window=gaussian))
    apart = np.linalg.norm(found - exact, axis=-1)
    assert apart.mean() < 1e-3
    assert np.quantile(apart, 0.999) < 0.1
    stored = quantise_flow(found, bound=64)[0].astype(int)
    steps = np.abs(stored - quantise_flow(exact, bound=64)[0])
    assert steps.max() <= 1
    assert steps.mean() < 1e-4


def test_a_pair_and_a_sequence_give_the_same_flow() -> None:
    greys = [pattern((70, 90), seed=seed, smooth=4) for seed in range(4)]
    along = [*FarnebackFast().along(greys)]
    for pair, flow in zip(pairwise(greys), along, strict=True):
        np.testing.assert_array_equal(FarnebackFast().between(*pair), flow)


def test_its_flows_are_arrays_of_their_own() -> None:
    greys = [pattern((70, 90), seed=seed, smooth=4) for seed in range(3)]
    flows = FarnebackFast().along(greys)
    first = next(flows)
    before = first.copy()
    next(flows)
    np.testing.assert_array_equal(first, before)


def test_without_numba_it_is_opencv_s_and_says_so_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def finds_no_numba(name: str) -> None:
        assert name == "numba"

    monkeypatch.setattr(importlib.util, "find_spec", finds_no_numba)
    has_numba.cache_clear()
    farneback_fast._say_that_numba_is_missing.cache_clear()
    try:
        frames = np.stack([pattern((64, 64), seed=s, smooth=4) for s in range(3)])
        frames = np.repeat(frames[..., None], 3, axis=-1)
        found = [compute_flow(frames, method=FarnebackFast()) for _ in range(2)][1]
    finally:
        has_numba.cache_clear()
        farneback_fast._say_that_numba_is_missing.cache_clear()
    np.testing.assert_array_equal(found, compute_flow(frames, method=Farneback()))
    said = capsys.readouterr().err
    assert said.count("pip install 'signflow[fast]'") == 1


def test_whatever_the_kernels_are_made_of_is_told_apart_in_the_cache(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[set[Path]] = []

    def note(kernel: object, *, takes: object, sources: Iterable[Path]) -> None:
        told.append(set(sources))

    monkeypatch.setattr(farneback_kernels, "compile_kernel", note)
    farneback_kernels.compile_kernels()

    folder = Path(farneback_kernels.__file__).parent
    assert told == [set(folder.glob("*.py"))] * 2
    assert folder / "lookup.py" in told[0]
