"""A step cut into parts: nothing twice, nothing left out, and the same gradient."""

import pytest
import torch
from torch.nn import functional
from torchvision.ops import stochastic_depth

from signflow.annotations import Clip
from signflow.models import joint_loss
from signflow.store import ClipRow
from signflow.training import TrainConfig
from signflow.training.dropout import RandomState, StepDropout
from signflow.training.objective import Objective, balanced_weights, make_objective
from signflow.training.steps import Part, parts_of


def rows_of(*labels: int) -> list[ClipRow]:
    return [
        ClipRow(
            clip=Clip(clip_id=str(n), source="", label=label, gloss="", split="train"),
            status="built",
        )
        for n, label in enumerate(labels)
    ]


def ids(part: Part) -> str:
    return "".join(row.clip.clip_id for row in part.rows)


@pytest.mark.parametrize(
    ("clips", "batch_size", "accumulate", "processes", "expected"),
    [
        (5, 2, 1, 1, [["01", "23", "4"]]),
        (8, 4, 2, 1, [["01", "23", "45", "67"]]),
        (7, 4, 1, 2, [["01", "45"], ["23", "6"]]),
        (7, 4, 2, 2, [["0", "1", "4", "5"], ["2", "3", "6"]]),
        (8, 8, 3, 1, [["012", "345", "67"]]),
    ],
)
def test_every_clip_is_in_one_part(
    clips: int, batch_size: int, accumulate: int, processes: int, expected: list[list[str]]
):
    cut = [
        parts_of(
            rows_of(*[0] * clips),
            batch_size=batch_size,
            accumulate=accumulate,
            processes=processes,
            process=process,
        )
        for process in range(processes)
    ]

    assert [[ids(part) for part in parts] for parts in cut] == expected
    steps = -(-clips // batch_size)
    assert sum(part.share for parts in cut for part in parts) == pytest.approx(steps)
    for parts in cut:
        assert [part.first for part in parts].count(True) == steps
        assert [part.last for part in parts].count(True) == steps


def test_a_process_without_a_clip_keeps_the_others_company_and_counts_for_nothing():
    parts = parts_of(rows_of(*[0] * 5), batch_size=4, processes=4, process=2)

    assert [(ids(part), part.share) for part in parts] == [("2", 0.25), ("4", 0.0)]
    assert parts[1].first
    assert parts[1].last


@pytest.mark.parametrize("class_weights", [None, (0.5, 2.0, 1.0)])
@pytest.mark.parametrize("label_smoothing", [0.0, 0.2])
def test_the_parts_gradients_sum_to_that_of_the_whole_step(
    class_weights: tuple[float, ...] | None, label_smoothing: float
):
    rows = rows_of(0, 0, 1, 2, 1, 0, 0)
    labels = torch.tensor([row.clip.label for row in rows])
    objective = Objective(class_weights=class_weights, label_smoothing=label_smoothing)
    logits = torch.randn(7, 2, 3, generator=torch.Generator().manual_seed(0))
    whole, cut = (logits.clone().requires_grad_() for _ in range(2))

    objective(whole, labels).backward()
    for part in parts_of(rows, batch_size=7, accumulate=3, weight_of=objective.weight_of):
        chosen = slice(part.start, part.start + len(part.rows))
        (objective(cut[chosen], labels[chosen]) * part.share).backward()

    torch.testing.assert_close(cut.grad, whole.grad)


def test_smoothing_and_weights_apply_to_each_stream():
    logits = torch.randn(4, 2, 3, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 1, 2, 0])
    weights = torch.tensor([0.5, 2.0, 1.0])

    loss = joint_loss(logits, labels, class_weights=weights, label_smoothing=0.1)

    streams = [
        functional.cross_entropy(logits[:, s], labels, weight=weights, label_smoothing=0.1)
        for s in (0, 1)
    ]
    torch.testing.assert_close(loss, streams[0] + streams[1])


@pytest.mark.parametrize("label_smoothing", [0.0, 0.1])
def test_shares_of_one_class_are_that_classs_label_also_under_weights(label_smoothing: float):
    logits = torch.randn(4, 2, 3, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 1, 2, 0])
    weights = torch.tensor([0.5, 2.0, 1.0])
    options = {"class_weights": weights, "label_smoothing": label_smoothing}

    loss = joint_loss(logits, functional.one_hot(labels, 3).float(), **options)

    torch.testing.assert_close(loss, joint_loss(logits, labels, **options))


def test_balanced_weights_let_every_sign_count_the_same():
    rows = rows_of(0, 0, 0, 0, 1, 1, 3, 3)

    weights = balanced_weights(rows, classes=4)

    assert weights == pytest.approx((8 / 12, 8 / 6, 1.0, 8 / 6))
    assert sum(weights[row.clip.label] for row in rows) == pytest.approx(len(rows))
    assert make_objective(TrainConfig(), rows, classes=4) == Objective()


def stochastic_depth_of(clips: torch.Tensor) -> torch.Tensor:
    return stochastic_depth(clips, 0.5, "row", training=True)


@pytest.mark.parametrize(
    ("drop", "shape"),
    [
        (functional.dropout, (6, 40)),
        (functional.dropout, (6 * 3, 40)),
        (functional.dropout3d, (6, 10, 2, 3, 3)),
        (stochastic_depth_of, (6, 10)),
    ],
)
def test_dropout_does_not_depend_on_how_a_step_is_cut(drop, shape: tuple[int, ...]):
    clips, times = rows_of(*[0] * 6), shape[0] // 6
    values = torch.rand(shape)
    torch.manual_seed(3)
    whole = drop(values)
    after = torch.rand(1)

    torch.manual_seed(3)
    random = RandomState(torch.device("cpu"))
    dropped = []
    for part in parts_of(clips, batch_size=6, accumulate=4):
        random.put_back()
        mine = values[part.start * times : (part.start + len(part.rows)) * times]
        with StepDropout(part):
            dropped.append(drop(mine))

    assert torch.equal(torch.cat(dropped), whole)
    assert torch.equal(torch.rand(1), after)
    assert (whole == 0).any()
    assert (whole != 0).any()


def test_dropout_that_is_off_drops_nothing():
    (part, _) = parts_of(rows_of(0, 0), batch_size=2, accumulate=2)
    values = torch.rand(1, 5)

    with StepDropout(part):
        assert torch.equal(functional.dropout(values, training=False), values)
