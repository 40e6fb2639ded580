"""The learning rate of every step."""

import pytest

from signflow.training import TrainConfig
from signflow.training.schedule import learning_rate_at


def rates(**options: object) -> list[float]:
    config = TrainConfig(learning_rate=1.0, epochs=4, **options)
    return [round(learning_rate_at(config, step, steps_per_epoch=2), 4) for step in range(8)]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [1, 1, 1, 1, 1, 1, 1, 1]),
        ({"warmup_epochs": 2}, [0.25, 0.5, 0.75, 1, 1, 1, 1, 1]),
        ({"warmup_epochs": 0.5}, [1, 1, 1, 1, 1, 1, 1, 1]),
        ({"schedule": "step", "step_epochs": 1, "step_factor": 0.5},
         [1, 1, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125]),
        ({"schedule": "step"}, [1, 1, 1, 1, 1, 1, 0.1, 0.1]),
        ({"schedule": "cosine"}, [1, 0.9619, 0.8536, 0.6913, 0.5, 0.3087, 0.1464, 0.0381]),
        ({"schedule": "cosine", "warmup_epochs": 2},
         [0.25, 0.5, 0.75, 1, 1, 0.8536, 0.5, 0.1464]),
        ({"schedule": "cosine", "warmup_epochs": 9}, [0.0556, 0.1111, 0.1667, 0.2222, 0.2778,
                                                      0.3333, 0.3889, 0.4444]),
    ],
)  # fmt: skip
def test_the_rate_follows_schedule_and_warm_up(options: dict[str, object], expected: list[float]):
    assert rates(**options) == expected


def test_the_protocol_keeps_the_very_number_that_was_asked_for():
    config = TrainConfig(learning_rate=1e-5)

    assert {learning_rate_at(config, step, steps_per_epoch=3) for step in range(30)} == {1e-5}
