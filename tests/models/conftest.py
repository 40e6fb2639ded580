"""Small nets for models to be built around."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from signflow.models import ModelOptions, model_choices

SmallOptions = Callable[..., ModelOptions]
SMALL_NET = "timm/test_resnet"


@pytest.fixture(scope="session")
def tiny_videomae(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the Hugging Face hub has it, with a VideoMAE of two narrow layers."""
    from transformers import VideoMAEConfig, VideoMAEForPreTraining

    narrow = {"hidden_size": 24, "num_attention_heads": 2, "intermediate_size": 32}
    config = VideoMAEConfig(
        **narrow,
        **{f"decoder_{name}": value for name, value in narrow.items()},
        num_hidden_layers=2,
        decoder_num_hidden_layers=1,
        image_size=32,
        num_frames=4,
    )
    folder = tmp_path_factory.mktemp("hub") / "tiny-videomae"
    torch.manual_seed(5)
    VideoMAEForPreTraining(config).save_pretrained(folder)
    return folder


@pytest.fixture
def small_options(tiny_videomae: Path) -> SmallOptions:
    """Options that build a model around a small encoder, where it has the choice."""

    def options(name: str, **others: str) -> ModelOptions:
        small = str(tiny_videomae) if name == "videomae" else SMALL_NET
        has = "encoder" in model_choices(name)
        return ModelOptions(encoder=small if has else None, **others)

    return options
