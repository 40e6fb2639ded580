"""Encoder x inputs x fusion: what the parts of a two-stream model do."""

import pytest
import torch
import torchvision
from torch import nn

from signflow.errors import UserError
from signflow.models import ModelOptions, Shape, create_model, encoder_names, model_choices
from signflow.models.adapt import adapt_first_conv
from signflow.models.facts import WeightFacts
from signflow.models.image_nets import find_encoder
from signflow.models.mc3 import FACTS as MC3
from signflow.models.mvit import FACTS as MVIT
from signflow.models.r2plus1d import FACTS as R2PLUS1D
from signflow.models.s3d import FACTS as S3D
from signflow.models.streams import frame_difference, join, scaled_flow, scaled_frames
from signflow.models.swin3d import FACTS as SWIN3D
from signflow.models.tsm import TemporalShift, insert_shifts, temporal_shift
from signflow.models.tsn import segment_spans
from signflow.models.video_nets import fit_clips
from signflow.training.dropout import StepDropout
from signflow.training.steps import Part

from .conftest import SMALL_NET
from .small import SMALL, clips, logits_of

FACTS = WeightFacts(mean=(0.1, 0.2, 0.3), std=(0.5, 1.0, 0.25), source="", licence="")


def test_frames_lose_the_mean_and_are_scaled_colour_by_colour():
    rgb = torch.full((1, 2, 4, 4, 3), 255, dtype=torch.uint8)

    frames = scaled_frames(rgb, facts=FACTS)

    assert frames.shape == (1, 3, 2, 4, 4)
    assert frames.mean(dim=(0, 2, 3, 4)).tolist() == pytest.approx([1.8, 0.8, 2.8])


def test_difference_is_a_frame_less_the_one_before():
    rgb = torch.zeros((1, 3, 2, 2, 3), dtype=torch.uint8)
    rgb[0, 1:, :, :, 1] = 51

    difference = frame_difference(rgb, facts=FACTS)

    assert difference.shape == (1, 3, 2, 2, 2)
    assert difference[0, :, :, 0, 0].flatten().tolist() == pytest.approx([0, 0, 0.2, 0, 0, 0])


def test_no_motion_is_zero_and_x_comes_before_y():
    flow = torch.full((1, 2, 3, 3, 2), 128, dtype=torch.uint8)
    flow[0, 1, :, :, 1] = 255

    scaled = scaled_flow(flow, facts=FACTS)

    scale = 255 * (0.5 + 1.0 + 0.25) / 3
    assert scaled[0, :, :, 0, 0].flatten().tolist() == pytest.approx([0, 0, 0, 127 / scale])


def test_a_joined_frame_stands_beside_the_motion_that_follows_it():
    rgb, flow = clips()

    joined = join(("rgb", "flow"), rgb, flow, facts=FACTS)

    assert joined.shape == (2, 5, SMALL.frames - 1, 32, 32)
    assert torch.equal(joined[:, :3], scaled_frames(rgb, facts=FACTS)[:, :, :-1])
    assert torch.equal(joined[:, 3:], scaled_flow(flow, facts=FACTS))


@pytest.mark.parametrize("kind", [nn.Conv2d, nn.Conv3d])
def test_learnt_colours_stay_and_other_channels_get_their_mean(kind: type[nn.Conv2d | nn.Conv3d]):
    net = nn.Sequential(kind(3, 4, 3), nn.ReLU())
    learnt = net[0].weight.detach().clone()

    adapt_first_conv(net, (0, 1, 2, None, None), pretrained=True)

    assert net[0].in_channels == 5
    assert torch.equal(net[0].weight[:, :3], learnt)
    for channel in (3, 4):
        assert torch.equal(net[0].weight[:, channel], learnt.mean(dim=1))


def test_fresh_weights_are_drawn_for_each_channel():
    net = nn.Sequential(nn.Conv2d(3, 4, 3))

    adapt_first_conv(net, (None, None), pretrained=False)

    first, second = net[0].weight.unbind(1)
    assert not torch.equal(first, second)


def test_a_net_that_does_not_begin_with_a_convolution_over_colours_is_refused():
    with pytest.raises(ValueError, match="does not begin with a convolution"):
        adapt_first_conv(nn.Sequential(nn.Conv2d(12, 4, 3)), (None, None), pretrained=False)


@pytest.mark.parametrize(
    ("steps", "segments", "length", "spans"),
    [
        (9, 3, 3, [(0, 3), (3, 6), (6, 9)]),
        (7, 3, 3, [(0, 3), (2, 5), (4, 7)]),
        (1, 1, 1, [(0, 1)]),
        (4, 4, 1, [(0, 1), (1, 2), (2, 3), (3, 4)]),
    ],
)
def test_segments_cover_the_clip(
    steps: int, segments: int, length: int, spans: list[tuple[int, int]]
):
    assert segment_spans(steps, segments=segments, length=length) == spans


def test_the_consensus_is_the_mean_of_the_segments_logits():
    model = create_model(
        "tsn", shape=SMALL, options=ModelOptions(encoder=SMALL_NET, inputs="rgb")
    ).eval()
    rgb, flow = clips()
    (encoder,), (classify,) = model.encoders, model.classifiers
    frames = join(("rgb",), rgb, None, facts=encoder.facts)

    apart = [classify(encoder.image_net(frame)) for frame in frames.unbind(2)]

    torch.testing.assert_close(logits_of(model, rgb, flow)[:, 0], torch.stack(apart).mean(dim=0))


def test_the_shift_brings_channels_from_after_and_before():
    steps = torch.arange(1.0, 4.0)[None, :, None, None, None].expand(1, 3, 4, 1, 1)

    shifted = temporal_shift(steps, part=1)[0, :, :, 0, 0]

    assert shifted.T.tolist() == [[2, 3, 0], [0, 1, 2], [1, 2, 3], [1, 2, 3]]


@pytest.mark.parametrize(
    ("net", "shifts"),
    [
        ("resnet18", 8),
        ("resnet50", 16),
        ("mobilenet_v2", 10),
        ("regnet_y_400mf", 16),
        ("convnext_tiny", 18),
        ("vgg11", 0),
        ("shufflenet_v2_x0_5", 0),
    ],
)
def test_every_residual_block_gets_one_shift(net: str, shifts: int):
    with torch.device("meta" if "regnet" not in net else "cpu"):
        made = torchvision.models.get_model(net)

    assert insert_shifts(made, steps=4) == shifts
    assert sum(isinstance(module, TemporalShift) for module in made.modules()) == shifts


def test_a_shift_in_a_net_without_residual_blocks_is_refused():
    with pytest.raises(UserError, match=r"--model tsm: encoder timm/test_vit has no residual"):
        create_model("tsm", shape=SMALL, options=ModelOptions(encoder="timm/test_vit"))


@pytest.mark.parametrize("name", ["tsm", "frame-gru", "frame-transformer"])
def test_models_that_look_along_time_see_its_order(name: str):
    torch.manual_seed(0)
    # timm's nets begin with residual blocks that add nothing, in which a shift cannot be seen.
    options = ModelOptions(encoder="torchvision/resnet18", inputs="rgb")
    model = create_model(name, shape=SMALL, options=options).eval()
    rgb, flow = clips()

    forwards, backwards = (logits_of(model, clip, flow) for clip in (rgb, rgb.flip(1)))

    assert not torch.allclose(forwards, backwards, atol=1e-6)


def test_a_clip_is_fitted_by_repeating_steps_and_resizing_pixels():
    clip = torch.arange(5.0)[None, None, :, None, None].expand(1, 2, 5, 6, 6)

    fitted = fit_clips(clip, steps=8, size=4)

    assert fitted.shape == (1, 2, 8, 4, 4)
    assert fitted[0, 0, :, 0, 0].tolist() == [0, 0, 1, 1, 2, 3, 3, 4]


def test_one_stream_cannot_be_fused():
    options = ModelOptions(encoder=SMALL_NET, inputs="flow", fusion="late")
    with pytest.raises(UserError, match="--model tsm: inputs flow are one stream"):
        create_model("tsm", shape=SMALL, options=options)


@pytest.mark.parametrize(
    ("encoder", "found"),
    [
        ("resnet18", ("torchvision", "resnet18")),
        ("torchvision/vit_b_16", ("torchvision", "vit_b_16")),
        ("timm/resnet18", ("timm", "resnet18")),
        ("resnet18.a1_in1k", ("timm", "resnet18.a1_in1k")),
        ("test_vit", ("timm", "test_vit")),
    ],
)
def test_a_plain_name_is_looked_for_in_torchvision_first(encoder: str, found: tuple[str, str]):
    assert find_encoder(encoder) == found


@pytest.mark.parametrize(
    ("encoder", "message"),
    [
        ("resnet81", r"'resnet81': unknown; did you mean .*resnet18.*--encoders"),
        ("torchvision/test_vit", "'torchvision/test_vit': unknown"),
        ("keras/resnet18", "unknown library 'keras'"),
        ("squeezenet1_0", "does not end in a linear classifier"),
        ("inception_v3", "inception_v3 needs frames of 75 pixels or more, not 32"),
    ],
)
def test_an_encoder_that_cannot_be_is_wrong_use(encoder: str, message: str):
    with torch.device("meta"), pytest.raises(UserError, match=message) as raised:
        create_model("tsn", shape=SMALL, options=ModelOptions(encoder=encoder))
    assert raised.value.exit_status == 2


@pytest.mark.parametrize("encoder", ["regnet_y_400mf", "torchvision/maxvit_t", "timm/regnetx_002"])
def test_a_net_that_computes_while_it_is_made_can_be_made_without_memory(encoder: str):
    with torch.device("meta"):
        model = create_model("tsn", shape=SMALL, options=ModelOptions(encoder=encoder))

    assert {weights.device.type for weights in model.state_dict().values()} == {"meta"}


def test_encoders_are_listed_by_a_word_or_a_pattern():
    assert "torchvision/resnet18" in encoder_names("net18")
    assert "timm/resnet18.a1_in1k" in encoder_names("net18")
    assert encoder_names("*/mobilenet_v2") == ["torchvision/mobilenet_v2"]


@pytest.mark.parametrize(
    ("model", "encoder"),
    [("frame-transformer", "timm/test_vit"), ("swin3d-t", None)],
)
def test_what_is_dropped_does_not_depend_on_how_a_step_is_cut(model: str, encoder: str | None):
    torch.manual_seed(0)
    net = create_model(model, shape=SMALL, options=ModelOptions(encoder=encoder)).train()
    rgb, flow = clips(count=3)

    def logits(start: int, end: int) -> torch.Tensor:
        rows = [None] * (end - start)  # only how many there are matters
        part = Part(rows=rows, start=start, step_clips=3, share=1.0, first=True, last=True)
        torch.manual_seed(4)
        with StepDropout(part):
            return logits_of(net, rgb[start:end], flow[start:end])

    whole = logits(0, 3)

    torch.testing.assert_close(torch.cat([logits(0, 2), logits(2, 3)]), whole)
    assert not torch.allclose(net.eval()(rgb=rgb), whole)


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("r2plus1d_18", R2PLUS1D),
        ("mc3_18", MC3),
        ("s3d", S3D),
        ("mvit_v2_s", MVIT),
        ("swin3d_t", SWIN3D),
    ],
)
def test_facts_of_weights_are_torchvisions_own(name: str, facts: WeightFacts):
    transform = torchvision.models.get_model_weights(name).DEFAULT.transforms()

    assert facts.mean == pytest.approx(tuple(transform.mean))
    assert facts.std == pytest.approx(tuple(transform.std))


def test_a_vision_transformer_gets_frames_of_its_own_size():
    shape = Shape(classes=2, frames=3, image_size=40)
    options = ModelOptions(encoder="timm/test_vit", inputs="rgb")

    model = create_model("tsn", shape=shape, options=options)

    assert logits_of(model, *clips(shape)).shape == (2, 1, 2)


def test_models_with_an_encoder_have_all_choices():
    assert model_choices("tsm").keys() == {"encoder", "inputs", "fusion", "pretrained"}
    assert model_choices("swin3d-t").keys() == {"inputs", "fusion", "pretrained"}
