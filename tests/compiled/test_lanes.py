"""Eight numbers at a time are what NumPy and PyTorch have of them one by one."""

from typing import Any

import numpy as np
import pytest
import torch

numba = pytest.importorskip("numba")
lanes = pytest.importorskip("signflow.compiled.lanes")
shuffles = pytest.importorskip("signflow.compiled.shuffles")


def test_16_bits_are_rounded_to_as_pytorch_does():
    @numba.njit(**lanes.OPTIONS)
    def shorten(given: Any, short: Any) -> None:
        for at in range(0, len(given), lanes.LANES):
            lanes.store(short, at, lanes.to_bfloats(lanes.load(given, at)))

    bits = np.random.default_rng(0).integers(0, 1 << 32, 1 << 18, dtype=np.uint32)
    bits[: 1 << 16] = np.arange(1 << 16) * 65536 + 32768  # halfway between two numbers of 16 bits
    given = bits.view(np.float32)
    given[-4:] = np.inf, -np.inf, np.nan, np.finfo(np.float32).max
    short = np.empty(given.shape, np.uint16)

    shorten(given, short)

    expected = torch.from_numpy(given).to(torch.bfloat16)
    assert expected.isnan().any()
    torch.testing.assert_close(
        torch.from_numpy(short).view(torch.bfloat16), expected, rtol=0, atol=0, equal_nan=True
    )


def test_numbers_change_places():
    @numba.njit(**lanes.OPTIONS)
    def move(square: Any, turned: Any, halves: Any, back: Any) -> None:
        a, b = lanes.load(square, 0), lanes.load(square, 8)
        c, d = lanes.load(square, 16), lanes.load(square, 24)
        e, f = lanes.load(square, 32), lanes.load(square, 40)
        g, h = lanes.load(square, 48), lanes.load(square, 56)
        to = 0
        for vector in shuffles.transpose(a, b, c, d, e, f, g, h):
            lanes.store(turned, to, vector)
            to += lanes.LANES
        evens, odds = shuffles.evens_and_odds(a, b)
        lanes.store(halves, 0, evens)
        lanes.store(halves, lanes.LANES, odds)
        one, two = shuffles.alternate(evens, odds)
        lanes.store(back, 0, one)
        lanes.store(back, lanes.LANES, two)

    square = np.random.default_rng(0).random((8, 8), np.float32)
    turned, halves, back = (
        np.empty(64, np.float32),
        np.empty(16, np.float32),
        np.empty(16, np.float32),
    )

    move(square.reshape(-1), turned, halves, back)

    assert np.array_equal(turned.reshape(8, 8), square.T)
    sixteen = square[:2].reshape(-1)
    assert np.array_equal(halves, [*sixteen[::2], *sixteen[1::2]])
    assert np.array_equal(back, sixteen)


def test_what_is_no_number_differs_from_itself():
    @numba.njit(**lanes.OPTIONS)
    def differs(given: Any, found: Any) -> None:
        numbers = lanes.load(given, 0)
        is_none = (numbers != numbers) | (numbers > lanes.floats(5.0))
        lanes.store(found, 0, lanes.to_octets(lanes.select(is_none, lanes.ints(1), lanes.ints(0))))

    given = np.array([0, np.nan, 1, -np.nan, np.inf, -np.inf, 6, 5], np.float32)
    found = np.empty(8, np.uint8)

    differs(given, found)

    assert found.tolist() == [0, 1, 0, 1, 1, 0, 1, 0]
