"""Weights that were learnt elsewhere: files as the libraries lay them out, and no network."""

from pathlib import Path
from urllib.error import URLError

import pytest
import torch
import torchvision
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from signflow.errors import UserError
from signflow.models import ModelOptions, create_model
from signflow.models.contract import SignModel

from .small import SMALL

RESNET18 = "resnet18-f37072fd.pth"
S3D = "s3d-d76dad2f.pth"
TEST_RESNET = "test_resnet.r160_in1k"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty place for weights, and no network."""
    import huggingface_hub.constants

    def no_network(*_: object, **__: object) -> None:
        raise URLError("no network")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("torch.hub.urlopen", no_network)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hf"))
    (tmp_path / "hub/checkpoints").mkdir(parents=True)
    return tmp_path


def made(name: str, *, pretrained: bool = True, **options: str) -> SignModel:
    return create_model(name, shape=SMALL, options=ModelOptions(**options), pretrained=pretrained)


def first_conv(model: nn.Module) -> Tensor:
    return next(
        module.weight for module in model.modules() if isinstance(module, nn.Conv2d | nn.Conv3d)
    )


def mean_of_colours(weights: Tensor, channels: int) -> Tensor:
    mean = weights.mean(dim=1, keepdim=True)
    return mean.expand(-1, channels, *mean.shape[2:])


def lay_into_hub_cache(home: Path, repository: str, *files: Path) -> None:
    """Files as the Hugging Face hub's client keeps them."""
    folder = home / "hf" / f"models--{repository.replace('/', '--')}"
    revision = "0123456789abcdef0123456789abcdef01234567"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs/main").write_text(revision)
    (folder / "snapshots" / revision).mkdir(parents=True)
    for file in files:
        (folder / "snapshots" / revision / file.name).write_bytes(file.read_bytes())


def test_torchvisions_weights_go_into_both_streams(home: Path):
    learnt = torchvision.models.resnet18().state_dict()
    torch.save(learnt, home / "hub/checkpoints" / RESNET18)

    model = made("tsn", inputs="rgb+flow")

    rgb, flow = model.encoders
    assert torch.equal(first_conv(rgb), learnt["conv1.weight"])
    assert torch.equal(first_conv(flow), mean_of_colours(learnt["conv1.weight"], 2))
    for encoder in (rgb, flow):
        kept = encoder.image_net.net.state_dict()
        assert torch.equal(kept["layer4.1.conv2.weight"], learnt["layer4.1.conv2.weight"])


def test_a_video_nets_weights_are_kept_where_colours_are_joined_with_flow(home: Path):
    learnt = torchvision.models.video.s3d().state_dict()
    torch.save(learnt, home / "hub/checkpoints" / S3D)

    model = made("s3d", inputs="rgb+flow", fusion="early")

    before, now = learnt["features.0.0.0.weight"], first_conv(model)
    assert torch.equal(now[:, :3], before)
    assert torch.equal(now[:, 3:], mean_of_colours(before, 2))


def test_a_file_that_holds_more_than_tensors_is_not_run(home: Path):
    class Harmful:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (home / "harm",))  # type: ignore[return-value]

    torch.save({"conv1.weight": Harmful()}, home / "hub/checkpoints" / RESNET18)

    with pytest.raises(UserError, match="weights of resnet18 cannot be loaded"):
        made("tsm")
    assert not (home / "harm").exists()


@pytest.mark.parametrize(
    ("name", "options", "place", "source"),
    [
        ("tsm", {}, RESNET18, f"https://download.pytorch.org/models/{RESNET18}"),
        ("s3d", {}, S3D, f"https://download.pytorch.org/models/{S3D}"),
        (
            "tsm",
            {"encoder": "timm/test_resnet"},
            f"{TEST_RESNET}.safetensors",
            f"model.safetensors of https://huggingface.co/timm/{TEST_RESNET}",
        ),
    ],
)
def test_without_a_network_the_error_says_which_file_to_place_where(
    home: Path, name: str, options: dict[str, str], place: str, source: str
):
    with pytest.raises(UserError, match="cannot be loaded") as raised:
        made(name, **options)

    assert f"fetch {source} " in str(raised.value)
    assert str(home / "hub/checkpoints" / place) in str(raised.value)
    assert raised.value.exit_status == 1


@pytest.mark.parametrize("content", [b"", b"no weights", b"PK\x03\x04 cut off"])
def test_a_broken_file_is_named(home: Path, content: bytes):
    (home / "hub/checkpoints" / RESNET18).write_bytes(content)

    with pytest.raises(UserError, match=f"resnet18 cannot be loaded.*{RESNET18}"):
        made("tsm")


def timm_weights(folder: Path) -> Path:
    import timm

    torch.manual_seed(3)
    path = folder / "model.safetensors"
    save_file(timm.create_model("test_resnet").state_dict(), path)
    return path


def test_timms_weights_come_from_the_hubs_cache(home: Path):
    path = timm_weights(home)
    lay_into_hub_cache(home, f"timm/{TEST_RESNET}", path)

    model = made("tsm", encoder="timm/test_resnet", inputs="difference")

    (stem,) = [value for key, value in load_file(path).items() if key == "conv1.0.weight"]
    assert torch.equal(first_conv(model), mean_of_colours(stem, 3))


def test_timms_weights_may_be_placed_by_hand(home: Path):
    path = timm_weights(home)
    path.rename(home / "hub/checkpoints" / f"{TEST_RESNET}.safetensors")

    model = made("tsn", encoder="test_resnet", inputs="rgb")

    placed = load_file(home / "hub/checkpoints" / f"{TEST_RESNET}.safetensors")
    assert torch.equal(first_conv(model), placed["conv1.0.weight"])


def test_a_net_of_timm_without_weights_is_wrong_use():
    with pytest.raises(UserError, match="timm offers no weights of resnet50_mlp"):
        made("tsn", encoder="timm/resnet50_mlp")


STEM = "videomae.embeddings.patch_embeddings.projection.weight"


@pytest.mark.parametrize("way", ["folder", "cache", "placed"])
def test_videomaes_weights_come_from_a_folder_the_cache_or_a_placed_file(
    home: Path, tiny_videomae: Path, way: str
):
    config, weights = tiny_videomae / "config.json", tiny_videomae / "model.safetensors"
    checkpoint = "someone/tiny-videomae"
    if way == "folder":
        checkpoint = str(tiny_videomae)
    elif way == "cache":
        lay_into_hub_cache(home, checkpoint, config, weights)
    else:
        lay_into_hub_cache(home, checkpoint, config)
        placed = home / "hub/checkpoints/someone--tiny-videomae.safetensors"
        placed.write_bytes(weights.read_bytes())

    model = made("videomae", encoder=checkpoint, inputs="rgb+flow", fusion="feature")

    learnt = load_file(weights)
    rgb, flow = model.encoders
    assert torch.equal(first_conv(rgb), learnt[STEM])
    assert torch.equal(first_conv(flow), mean_of_colours(learnt[STEM], 2))
    layer = "encoder.layer.1.output.dense.weight"
    assert torch.equal(rgb.net.net.state_dict()[layer], learnt[f"videomae.{layer}"])


def test_a_videomae_that_cannot_be_had_is_named_with_those_that_need_nothing():
    with pytest.raises(UserError, match=r"'nobody/videomae'.*MCG-NJU/videomae-base.*config.json"):
        made("videomae", encoder="nobody/videomae")


def test_a_known_videomae_needs_no_network_to_be_made():
    with torch.device("meta"):
        model = made("videomae", encoder="MCG-NJU/videomae-base", pretrained=False)

    assert first_conv(model).shape == (768, 3, 2, 16, 16)
