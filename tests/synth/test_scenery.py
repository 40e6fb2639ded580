import numpy as np
import pytest

from signflow.synth.scenery import backdrop


@pytest.mark.parametrize("size", [(48, 64), (96, 54), (60, 180)])
def test_every_background_fills_the_picture_and_is_neither_black_nor_white(
    size: tuple[int, int],
) -> None:
    seen = []
    for seed in range(80):
        scene = backdrop(size, np.random.default_rng(seed), light=0.5)
        assert scene.shape == (*size, 3)
        assert scene.dtype == np.uint8
        assert 5 < scene.mean() < 250
        seen.append(scene.tobytes())
    assert len(set(seen)) == len(seen)
