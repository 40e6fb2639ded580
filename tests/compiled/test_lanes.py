"""Eight numbers at a time are what NumPy and PyTorch have of them one by one."""

from typing import Any

import numpy as np
import pytest
import torch

numba = pytest.importorskip("numba")
lanes = pytest.importorskip("signflow.compiled.lanes")


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
