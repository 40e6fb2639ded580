import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from signflow.video import DEFAULT_FLOW_BOUND, dequantise_flow, quantise_flow

BOUNDS = st.floats(0.5, 200)
FLOWS = arrays.arrays(
    np.float32,
    arrays.array_shapes(min_dims=1, max_dims=4, max_side=5),
    elements=st.floats(-500, 500, width=32),
)


@given(flow=FLOWS, bound=BOUNDS)
def test_the_error_is_at_most_half_a_step(flow: NDArray[np.float32], bound: float) -> None:
    stored, _ = quantise_flow(flow, bound=bound)
    error = np.abs(dequantise_flow(stored, bound=bound) - np.clip(flow, -bound, bound))
    assert stored.shape == flow.shape
    assert error.max() <= bound / 127 / 2 * 1.001


@given(flow=FLOWS, bound=BOUNDS)
def test_motion_never_turns_round(flow: NDArray[np.float32], bound: float) -> None:
    stored, _ = quantise_flow(flow, bound=bound)
    assert (dequantise_flow(stored, bound=bound) * flow >= 0).all()


@given(bound=BOUNDS)
def test_no_motion_is_exact(bound: float) -> None:
    stored, saturated = quantise_flow(np.array([0.0, -0.0], np.float32), bound=bound)
    assert stored.tolist() == [128, 128]
    assert dequantise_flow(stored, bound=bound).tolist() == [0, 0]
    assert saturated == 0


@given(bound=BOUNDS)
def test_every_byte_but_zero_survives_the_way_there_and_back(bound: float) -> None:
    stored = np.arange(1, 256, dtype=np.uint8)
    again, saturated = quantise_flow(dequantise_flow(stored, bound=bound), bound=bound)
    np.testing.assert_array_equal(again, stored)
    assert saturated == 0


def test_opposite_motions_are_stored_symmetrically() -> None:
    flow = np.linspace(-25, 25, 1001)
    there, _ = quantise_flow(flow, bound=20)
    back, _ = quantise_flow(-flow, bound=20)
    np.testing.assert_array_equal(there.astype(int) - 128, 128 - back.astype(int))


def test_what_exceeds_the_bound_saturates_and_is_counted() -> None:
    flow = np.array([-1e6, -20.2, -20.0, 0.0, 19.9, 20.0, 20.05, 20.2, np.inf, 3.0])
    stored, saturated = quantise_flow(flow, bound=20)
    assert stored.tolist() == [1, 1, 1, 128, 254, 255, 255, 255, 255, 147]
    assert saturated == pytest.approx(0.4)


def test_a_large_flow_is_stored_as_its_rows_are() -> None:
    flow = np.random.default_rng(0).normal(0, 15, (700, 301)).astype(np.float32).T
    stored, saturated = quantise_flow(flow, bound=20)
    rows = [quantise_flow(row, bound=20) for row in flow]
    np.testing.assert_array_equal(stored, [row for row, _ in rows])
    assert saturated == pytest.approx(np.mean([share for _, share in rows]))


@pytest.mark.parametrize("bound", [0, -1, float("nan"), float("inf")])
def test_a_bound_must_be_a_positive_number_of_pixels(bound: float) -> None:
    with pytest.raises(ValueError, match="bound is"):
        quantise_flow(np.zeros(3), bound=bound)
    with pytest.raises(ValueError, match="bound is"):
        dequantise_flow(np.zeros(3, np.uint8), bound=bound)


def test_flow_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        quantise_flow(np.array([1.0, np.nan]), bound=20)


def test_the_default_bound_is_the_one_that_was_measured() -> None:
    page = (Path(__file__).parents[2] / "docs" / "flow.md").read_text(encoding="utf-8")
    assert re.search(rf"\| \*\*{DEFAULT_FLOW_BOUND:g}\*\* \|", page)
    assert f"**{DEFAULT_FLOW_BOUND:g} pixels**" in page
