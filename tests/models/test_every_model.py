"""What every model of the registry keeps to, with every choice that it has."""

from itertools import product
from pathlib import Path
from typing import get_args

import pytest
import torch
from squares import Signflow

from signflow.models import (
    Fusion,
    InputsChoice,
    ModelOptions,
    Shape,
    create_model,
    joint_loss,
    list_models,
    model_choices,
)
from signflow.store import Recipe, Store
from signflow.training.weights import load_model, save_model

from .conftest import SmallOptions
from .small import SMALL, clips, logits_of, seen

# These are made once with memory; some of their choices are tried without.
HEAVY = ("mc3-18", "mvit-v2-s", "r2plus1d-18", "s3d", "swin3d-t")
SOME_CHOICES = [{"inputs": "difference"}, {"inputs": "rgb+flow", "fusion": "learned"}]
LIGHT = [name for name in list_models() if name not in HEAVY]


def choices_of(name: str) -> list[dict[str, str]]:
    """Every inputs and fusion of a model that has these choices."""
    if not {"inputs", "fusion"} <= model_choices(name).keys():
        return [{}]
    alone = [{"inputs": inputs} for inputs in get_args(InputsChoice) if "+" not in inputs]
    pairs = [inputs for inputs in get_args(InputsChoice) if "+" in inputs]
    return alone + [
        {"inputs": inputs, "fusion": fusion} for inputs, fusion in product(pairs, get_args(Fusion))
    ]


def streams_of(choice: dict[str, str]) -> int | None:
    if not choice:
        return None
    return 2 if choice.get("fusion") in ("late", "learned") else 1


@pytest.mark.parametrize("name", list_models())
def test_every_choice_can_be_made_without_memory_and_gives_logits(
    name: str, small_options: SmallOptions
):
    shape = Shape(classes=3, frames=7, image_size=40)
    for choice in SOME_CHOICES if name in HEAVY else choices_of(name):
        with torch.device("meta"):
            model = create_model(name, shape=shape, options=small_options(name, **choice)).eval()
            rgb = torch.empty((2, shape.frames, *2 * [shape.image_size], 3), dtype=torch.uint8)
            flow = torch.empty((2, shape.frames - 1, *2 * [shape.image_size], 2), dtype=torch.uint8)

        logits = logits_of(model, rgb, flow)

        assert logits.shape == (2, model.streams, shape.classes), choice
        assert streams_of(choice) in (None, model.streams), choice
        assert model.learned_fusion == (choice.get("fusion") == "learned"), choice


@pytest.mark.parametrize("name", LIGHT)
def test_every_weight_learns_whatever_the_choice(name: str, small_options: SmallOptions):
    for choice in choices_of(name):
        model = create_model(name, shape=SMALL, options=small_options(name, **choice))

        joint_loss(logits_of(model, *clips()), torch.tensor([0, 3])).backward()

        still = [key for key, weights in model.named_parameters() if weights.grad is None]
        assert not still, choice
        assert all(weights.grad.isfinite().all() for weights in model.parameters()), choice


def both_early(name: str, small_options: SmallOptions) -> ModelOptions:
    """Frames and flow in one encoder: each thing once, and five channels."""
    has = "fusion" in model_choices(name)
    return small_options(name, **({"inputs": "rgb+flow", "fusion": "early"} if has else {}))


@pytest.mark.parametrize("name", list_models())
def test_a_saved_model_is_loaded_whole(name: str, small_options: SmallOptions, tmp_path: Path):
    options = both_early(name, small_options)
    torch.manual_seed(0)
    model = create_model(name, shape=SMALL, options=options)
    given = clips()
    joint_loss(logits_of(model, *given), torch.tensor([0, 3])).backward()
    assert all(weights.grad is not None for weights in model.parameters())
    recipe = Recipe(frames=SMALL.frames, image_size=SMALL.image_size)
    store = Store(tmp_path, recipe=recipe, classes=tuple("abcde"), origin="", fingerprint="")
    path = tmp_path / "model.safetensors"

    save_model(path, name=name, options=options, weights=model.state_dict(), store=store)

    model.eval()
    logits = logits_of(model, *given)
    loaded = load_model(path).model
    assert all(
        torch.equal(loaded.state_dict()[key], model.state_dict()[key]) for key in model.state_dict()
    )
    # Weights that are mapped from a file lie elsewhere in memory, and sums are rounded otherwise.
    torch.testing.assert_close(logits, logits_of(loaded, *given), atol=1e-6, rtol=1e-6)
    rgb, flow = given
    assert torch.equal(logits, logits_of(model, rgb.float(), flow.float()))
    alone = logits_of(model, rgb[1:], flow[1:])
    torch.testing.assert_close(logits[1:], alone, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow) if name in HEAVY else name
        for name in list_models()
    ],
)
def test_every_model_can_be_exported_with_bytes_as_input(name: str, small_options: SmallOptions):
    model = create_model(name, shape=SMALL, options=both_early(name, small_options)).eval()
    given = seen(model, *clips())

    exported = torch.export.export(model, (), given).module()

    torch.testing.assert_close(exported(**given), model(**given), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", LIGHT)
def test_the_seed_says_what_a_model_begins_with(name: str, small_options: SmallOptions):
    def weights(seed: int) -> dict[str, torch.Tensor]:
        torch.manual_seed(seed)
        return create_model(name, shape=SMALL, options=small_options(name)).state_dict()

    first, again, other = weights(1), weights(1), weights(2)

    assert all(torch.equal(first[key], again[key]) for key in first)
    assert any(not torch.equal(first[key], other[key]) for key in first)


def test_a_two_stream_model_is_trained_and_recognises(
    square_store: Path, signflow: Signflow, tmp_path: Path
):
    run = tmp_path / "run"
    encoder = ("--encoder", "timm/test_resnet", "--inputs", "rgb+flow", "--fusion", "late")

    signflow("train", square_store, "--model", "tsm", *encoder, "--epochs", "1", "--out", run)
    signflow("evaluate", run)

    video = next(square_store.parent.parent.rglob("left0.mp4"))
    assert "left" in signflow("predict", run, video).stdout
