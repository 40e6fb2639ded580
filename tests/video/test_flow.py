import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from signflow.errors import UserError
from signflow.video import (
    DecodedSpan,
    Dis,
    Farneback,
    FlowMethod,
    Span,
    compute_flow,
    create_flow,
    decode_spans,
    flow_from_dict,
    flow_methods,
    flow_to_dict,
    register_flow,
)

REAL = Path(__file__).parents[3] / "shared" / "data"
WEIGHTLESS = [name for name in flow_methods() if name != "raft"]  # see test_raft.py


@pytest.fixture(scope="module", params=["egogestar/up/up_6.mp4", "croatian_signs/žuta/0001.mp4"])
def real_frames(request: pytest.FixtureRequest) -> NDArray[np.uint8]:
    path = REAL / request.param
    if not path.exists():
        pytest.skip(f"needs the development data ({request.param}) in shared/data")
    ((_, result),) = decode_spans(path, spans=[Span()], count=5, size=(224, 224))
    assert isinstance(result, DecodedSpan)
    return result.frames


def wandering_texture(shift: tuple[int, int], frames: int = 4) -> NDArray[np.uint8]:
    """Frames of a smooth pattern whose content moves by `shift` = (x, y) pixels a frame."""
    rng = np.random.default_rng(3)
    noise = rng.integers(0, 256, (200, 200, 3)).astype(np.uint8)
    field = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 3), None, 0, 255, cv2.NORM_MINMAX)
    x, y = shift
    return np.stack(
        [field[50 - k * y : 146 - k * y, 50 - k * x : 146 - k * x] for k in range(frames)]
    )


def test_farneback_is_that_of_opencv_with_the_report_s_parameters(
    real_frames: NDArray[np.uint8],
) -> None:
    greys = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in real_frames]
    flow = compute_flow(real_frames, method=Farneback())
    assert flow.shape == (4, 224, 224, 2)
    assert flow.dtype == np.float32
    for pair in range(4):
        expected = cv2.calcOpticalFlowFarneback(
            greys[pair], greys[pair + 1], None, 0.5, 5, 11, 5, 5, 1.1, 0
        )
        np.testing.assert_array_equal(flow[pair], expected)


@pytest.mark.parametrize("preset", ["ultrafast", "fast", "medium"])
def test_dis_is_that_of_opencv(preset: Any, real_frames: NDArray[np.uint8]) -> None:
    greys = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in real_frames]
    number = {"ultrafast": 0, "fast": 1, "medium": 2}[preset]
    flow = compute_flow(real_frames, method=Dis(preset=preset))
    for pair in range(4):
        search = cv2.DISOpticalFlow.create(number)
        np.testing.assert_array_equal(flow[pair], search.calc(greys[pair], greys[pair + 1], None))


@pytest.mark.parametrize("name", WEIGHTLESS)
def test_flow_does_not_depend_on_the_number_of_threads(
    name: str, real_frames: NDArray[np.uint8]
) -> None:
    before = cv2.getNumThreads()
    try:
        flows = []
        for threads in (1, 2, 5):
            cv2.setNumThreads(threads)
            flows.append(compute_flow(real_frames, method=create_flow(name)))
    finally:
        cv2.setNumThreads(before)
    np.testing.assert_array_equal(flows[0], flows[1])
    np.testing.assert_array_equal(flows[0], flows[2])


@pytest.mark.parametrize("name", WEIGHTLESS)
@pytest.mark.parametrize("shift", [(3, 0), (-3, 0), (0, 3), (0, -3), (2, -2)])
def test_motion_to_the_right_and_down_is_positive(name: str, shift: tuple[int, int]) -> None:
    flow = compute_flow(wandering_texture(shift), method=create_flow(name))
    inner = np.median(flow[:, 20:-20, 20:-20], axis=(0, 1, 2))
    np.testing.assert_allclose(inner, shift, atol=0.3)


@pytest.mark.parametrize("name", WEIGHTLESS)
def test_what_stands_still_has_no_flow(name: str) -> None:
    still = wandering_texture((0, 0))
    assert np.abs(compute_flow(still, method=create_flow(name))).mean() < 0.01


DIFFERENT: dict[str, dict[str, Any]] = {
    "farneback": {
        "pyr_scale": 0.7,
        "levels": 1,
        "winsize": 21,
        "iterations": 1,
        "poly_n": 7,
        "poly_sigma": 1.6,
        "gaussian_window": True,
    },
    "dis": {
        "preset": "fast",
        "finest_scale": 2,
        "coarsest_scale": 2,
        "patch_size": 12,
        "patch_stride": 5,
        "gradient_descent_iterations": 3,
        "variational_refinement_iterations": 0,
        "variational_refinement_alpha": 5.0,
        "variational_refinement_delta": 1.0,
        "variational_refinement_gamma": 1.0,
        "variational_refinement_epsilon": 0.5,
        "use_mean_normalization": False,
        "use_spatial_propagation": False,
    },
    "raft": {"variant": "small", "iterations": 3},
}


def test_every_method_s_every_parameter_is_listed_here() -> None:
    for name in flow_methods():
        assert list(DIFFERENT[name]) == [field.name for field in fields(create_flow(name))]


@pytest.mark.parametrize(
    ("name", "parameter"), [(name, p) for name in WEIGHTLESS for p in DIFFERENT[name]]
)
def test_every_parameter_has_an_effect(
    name: str, parameter: str, real_frames: NDArray[np.uint8]
) -> None:
    changed = create_flow(name, **{parameter: DIFFERENT[name][parameter]})
    pair = real_frames[:2]
    usual = compute_flow(pair, method=create_flow(name))
    assert not np.array_equal(compute_flow(pair, method=changed), usual)


@pytest.mark.parametrize(
    "method", [Farneback(), Dis(), *(create_flow(n, **v) for n, v in DIFFERENT.items())]
)
def test_a_method_survives_json(method: FlowMethod) -> None:
    stored = json.loads(json.dumps(flow_to_dict(method)))
    assert stored["method"] == method.name
    assert flow_from_dict(stored) == method


@pytest.mark.parametrize(
    ("name", "parameters", "said"),
    [
        ("farnback", {}, "'farnback' is not known; choose one of: dis, farneback"),
        ("farneback", {"window": 3}, "no parameter 'window'; it has: pyr_scale, levels, winsize"),
        ("farneback", {"name": "x"}, "no parameter 'name'"),
        ("farneback", {"pyr_scale": 1.0}, "pyr_scale is 1.0, but must be a number above 0 and"),
        ("farneback", {"levels": 0}, "levels is 0, but must be a whole number from 1 on"),
        ("farneback", {"winsize": "11"}, "winsize is '11'"),
        ("farneback", {"iterations": 2.5}, "iterations is 2.5"),
        ("farneback", {"poly_n": 6}, "poly_n is 6, but must be 5 or 7"),
        ("farneback", {"poly_sigma": float("nan")}, "poly_sigma is nan"),
        ("farneback", {"gaussian_window": 1}, "gaussian_window is 1, but must be true or false"),
        ("dis", {"preset": "slow"}, "preset is 'slow', but must be one of: ultrafast, fast,"),
        ("dis", {"patch_size": 0}, "patch_size is 0"),
        ("dis", {"finest_scale": -1}, "finest_scale is -1"),
        ("dis", {"variational_refinement_alpha": -1.0}, "at least 0"),
        ("dis", {"variational_refinement_epsilon": 0.0}, "above 0"),
        ("dis", {"use_spatial_propagation": "yes"}, "true or false"),
        ("raft", {"variant": "tiny"}, "variant is 'tiny', but must be one of: large, small"),
        ("raft", {"iterations": 0}, "iterations is 0"),
    ],
)
def test_what_is_not_allowed_is_named_with_what_is(
    name: str, parameters: dict[str, Any], said: str
) -> None:
    with pytest.raises(UserError) as raised:
        create_flow(name, **parameters)
    assert said in str(raised.value)
    assert name in str(raised.value)


def test_a_method_checks_itself() -> None:
    with pytest.raises(ValueError, match="winsize is 0"):
        Farneback(winsize=0)
    with pytest.raises(ValueError, match="preset is 'best'"):
        Dis(preset="best")  # type: ignore[arg-type]


@pytest.mark.parametrize("values", [{}, {"method": None}, {"method": "gmflow"}, {"winsize": 11}])
def test_json_without_a_known_method_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="dis, farneback"):
        flow_from_dict(values)


@pytest.mark.parametrize(
    "frames",
    [
        np.zeros((1, 32, 32, 3), np.uint8),
        np.zeros((4, 32, 32), np.uint8),
        np.zeros((4, 32, 32, 1), np.uint8),
        np.zeros((4, 32, 32, 3), np.float32),
    ],
)
def test_frames_of_another_form_are_refused(frames: NDArray[Any]) -> None:
    with pytest.raises(ValueError, match=r"must be uint8 \(T, H, W, 3\)"):
        compute_flow(frames, method=Farneback())


def test_frames_that_are_too_small_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="'dis' cannot work on frames of 6 x 6 pixels"):
        compute_flow(np.zeros((2, 6, 6, 3), np.uint8), method=Dis())


def test_a_name_is_registered_once() -> None:
    with pytest.raises(ValueError, match="registered already"):
        register_flow("farneback")(Farneback)
