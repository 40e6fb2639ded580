"""The report's four nets, exact to the layer, under the one contract."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from signflow.errors import UserError
from signflow.models import ModelOptions, Shape, create_model, joint_loss, scores
from signflow.models.contract import SignModel, flow_channels, rgb_channels

REPORT_NETS = ("early-fusion", "late-fusion", "spatial", "temporal")
STACK = 32 * 64 * 25 + 64
SMALL = Shape(classes=5, frames=4, image_size=24)


def made_on_meta(name: str, shape: Shape) -> SignModel:
    """A model without its hundreds of megabytes of weights."""
    with torch.device("meta"):
        return create_model(name, shape=shape)


def batch(shape: Shape, clips: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    side = shape.image_size

    def bytes_of(*size: int) -> torch.Tensor:
        return torch.randint(0, 256, size, generator=generator, dtype=torch.uint8)

    return bytes_of(clips, 1, side, side, 3), bytes_of(clips, shape.frames - 1, side, side, 2)


def logits_of(model: SignModel, shape: Shape, clips: int = 3) -> torch.Tensor:
    rgb, flow = batch(shape, clips)
    return model(rgb=rgb if model.inputs.rgb else None, flow=flow if model.inputs.flow else None)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("spatial", {
            "features.0.weight": (32, 3, 5, 5),
            "features.3.weight": (64, 32, 5, 5),
            "classifier.1.weight": (1000, 200_704),
            "classifier.2.weight": (10, 1000),
        }),
        ("temporal", {
            "features.0.weight": (32, 18, 5, 5),
            "features.3.weight": (64, 32, 5, 5),
            "classifier.1.weight": (1000, 200_704),
            "classifier.2.weight": (10, 1000),
        }),
        ("early-fusion", {
            "rgb_features.0.weight": (32, 3, 5, 5),
            "rgb_features.3.weight": (64, 32, 5, 5),
            "flow_features.0.weight": (32, 18, 5, 5),
            "flow_features.3.weight": (64, 32, 5, 5),
            "classifier.1.weight": (1000, 401_408),
            "classifier.2.weight": (10, 1000),
        }),
        ("late-fusion", {
            "spatial.features.0.weight": (32, 3, 5, 5),
            "spatial.features.3.weight": (64, 32, 5, 5),
            "spatial.classifier.1.weight": (1000, 200_704),
            "spatial.classifier.2.weight": (10, 1000),
            "temporal.features.0.weight": (32, 18, 5, 5),
            "temporal.features.3.weight": (64, 32, 5, 5),
            "temporal.classifier.1.weight": (1000, 200_704),
            "temporal.classifier.2.weight": (10, 1000),
        }),
    ],
)  # fmt: skip
def test_every_weight_has_the_reports_shape(name: str, expected: dict[str, tuple[int, ...]]):
    model = made_on_meta(name, Shape(classes=10))

    shapes = {key: tuple(value.shape) for key, value in model.named_parameters()}

    biases = {key.replace("weight", "bias"): (shape[0],) for key, shape in expected.items()}
    assert shapes == {**expected, **biases}


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("spatial", (3 * 32 * 25 + 32) + STACK + 200_705_000 + 10_010),
        ("temporal", (18 * 32 * 25 + 32) + STACK + 200_705_000 + 10_010),
        ("early-fusion", 2432 + 14_432 + 2 * STACK + 401_409_000 + 10_010),
        ("late-fusion", 2432 + 14_432 + 2 * (STACK + 200_705_000 + 10_010)),
    ],
)
def test_every_net_has_the_reports_number_of_weights(name: str, parameters: int):
    model = made_on_meta(name, Shape(classes=10))

    assert sum(parameter.numel() for parameter in model.parameters()) == parameters


def kinds(module: nn.Module) -> list[str]:
    return [str(layer) for layer in module.children()]


def test_the_conv_stack_and_the_classifier_are_those_of_the_report():
    model = made_on_meta("spatial", Shape(classes=10))

    assert kinds(model.features) == [
        "Conv2d(3, 32, kernel_size=(5, 5), stride=(1, 1), padding=(2, 2))",
        "ReLU(inplace=True)",
        "MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)",
        "Conv2d(32, 64, kernel_size=(5, 5), stride=(1, 1), padding=(2, 2))",
        "ReLU(inplace=True)",
        "MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)",
        "Flatten(start_dim=1, end_dim=-1)",
    ]
    assert kinds(model.classifier) == [
        "Dropout(p=0.5, inplace=False)",
        "Linear(in_features=200704, out_features=1000, bias=True)",
        "Linear(in_features=1000, out_features=10, bias=True)",
    ]


@pytest.mark.parametrize("name", REPORT_NETS)
@pytest.mark.parametrize(
    "shape",
    [SMALL, Shape(classes=2, frames=2, image_size=8), Shape(classes=17, frames=10, image_size=31)],
)
def test_every_net_keeps_the_contract_at_any_size(name: str, shape: Shape):
    model = create_model(name, shape=shape)

    logits = logits_of(model, shape)
    joint_loss(logits, torch.tensor([0, 1, 0])).backward()

    assert logits.shape == (3, model.streams, shape.classes)
    assert all(
        parameter.grad is not None and parameter.grad.isfinite().all()
        for parameter in model.parameters()
    )


@pytest.mark.parametrize("name", REPORT_NETS)
def test_saved_weights_give_the_same_logits(name: str):
    model = create_model(name, shape=SMALL).eval()
    other = create_model(name, shape=SMALL).eval()
    assert not torch.equal(logits_of(model, SMALL), logits_of(other, SMALL))

    other.load_state_dict(model.state_dict())

    assert torch.equal(logits_of(model, SMALL), logits_of(other, SMALL))


@pytest.mark.parametrize("name", REPORT_NETS)
def test_a_clips_logits_do_not_depend_on_its_batch(name: str):
    model = create_model(name, shape=SMALL).eval()
    rgb, flow = batch(SMALL)

    def run(clips: slice) -> torch.Tensor:
        return model(
            rgb=rgb[clips] if model.inputs.rgb else None,
            flow=flow[clips] if model.inputs.flow else None,
        )

    torch.testing.assert_close(run(slice(0, 3))[1:2], run(slice(1, 2)))


def test_flow_channels_are_x_then_y_of_each_pair_with_no_motion_at_zero():
    flow = torch.full((1, 2, 4, 4, 2), 128, dtype=torch.uint8)
    flow[0, 1, :, :, 0] = 255
    flow[0, 1, :, :, 1] = 1

    channels = flow_channels(flow)

    assert channels.shape == (1, 4, 4, 4)
    assert channels.mean(dim=(0, 2, 3)).tolist() == [0, 0, 1, -1]


def test_rgb_channels_keep_red_green_blue_and_span_minus_one_to_one():
    rgb = torch.zeros((1, 1, 2, 2, 3), dtype=torch.uint8)
    rgb[..., 2] = 255

    assert rgb_channels(rgb).mean(dim=(0, 2, 3)).tolist() == [-1, -1, 1]


def test_one_adam_over_late_fusion_is_the_reports_two():
    shape = Shape(classes=3, frames=3, image_size=16)
    torch.manual_seed(0)
    one = create_model("late-fusion", shape=shape)
    two = create_model("late-fusion", shape=shape)
    two.load_state_dict(one.state_dict())
    joint = torch.optim.Adam(one.parameters(), lr=1e-3)
    apart = [
        torch.optim.Adam(two.spatial.parameters(), lr=1e-3),
        torch.optim.Adam(two.temporal.parameters(), lr=1e-3),
    ]
    rgb, flow = batch(shape, clips=4)
    labels = torch.tensor([0, 1, 2, 0])

    for step in range(5):
        torch.manual_seed(step)
        joint.zero_grad()
        joint_loss(one(rgb=rgb, flow=flow), labels).backward()
        joint.step()

        torch.manual_seed(step)
        for optimizer in apart:
            optimizer.zero_grad()
        frame, motion = two(rgb=rgb, flow=flow).unbind(1)
        (
            functional.cross_entropy(frame, labels) + functional.cross_entropy(motion, labels)
        ).backward()
        for optimizer in apart:
            optimizer.step()

    for joined, separate in zip(one.parameters(), two.parameters(), strict=True):
        assert torch.equal(joined, separate)


def test_scores_are_the_mean_of_the_streams_softmaxes_and_may_be_weighted():
    logits = torch.tensor([[[0.0, 2.0], [3.0, 0.0]]])
    first, second = logits[0].softmax(dim=1)

    assert torch.allclose(scores(logits), ((first + second) / 2)[None])
    weighted = scores(logits, weights=torch.tensor([0.25, 0.75]))
    assert torch.allclose(weighted, (0.25 * first + 0.75 * second)[None])


def test_an_unknown_model_is_named_with_the_known_ones_and_a_guess():
    with pytest.raises(UserError, match=r"early-fuson.*early-fusion, late-fusion.*Did you mean"):
        create_model("early-fuson", shape=SMALL)


def test_an_option_that_a_model_lacks_is_wrong_use():
    with pytest.raises(UserError, match="--fusion: spatial has no such choice"):
        create_model("spatial", shape=SMALL, options=ModelOptions(fusion="late"))


def test_shares_of_classes_are_labels_too():
    logits = torch.randn(3, 2, 5, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 3, 4])

    loss = joint_loss(logits, functional.one_hot(labels, 5).float())

    assert torch.allclose(loss, joint_loss(logits, labels))


@pytest.mark.parametrize("name", REPORT_NETS)
def test_floats_on_the_scale_of_bytes_give_the_same_logits(name: str):
    model = create_model(name, shape=SMALL).eval()
    rgb, flow = batch(SMALL)

    given = model(rgb=rgb, flow=flow)

    assert torch.equal(given, model(rgb=rgb.float(), flow=flow.float()))
