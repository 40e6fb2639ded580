"""Folding linear layers changes sizes, and nothing else."""

import pytest
import torch
from torch import Tensor, nn

from signflow.models import Shape, create_model, scores
from signflow.recognition.fold import folded, weight_bytes

REPORT_NETS = ("spatial", "temporal", "early-fusion", "late-fusion")


def bytes_of_clips(count: int, *, image_size: int) -> dict[str, Tensor]:
    random = torch.Generator().manual_seed(1)
    shapes = {
        "rgb": (count, 1, image_size, image_size, 3),
        "flow": (count, 9, image_size, image_size, 2),
    }
    return {
        name: torch.randint(0, 256, shape, generator=random, dtype=torch.uint8)
        for name, shape in shapes.items()
    }


@pytest.mark.parametrize("name", REPORT_NETS)
def test_the_reports_nets_give_the_same_scores_with_a_hundredth_of_the_weights(name: str):
    torch.manual_seed(0)
    model = create_model(name, shape=Shape(classes=10, image_size=64)).eval()
    clips = bytes_of_clips(4, image_size=64)

    with torch.inference_mode():
        small = folded(model)
        before, after = scores(model(**clips)), scores(small(**clips))

    torch.testing.assert_close(after, before, rtol=1e-6, atol=0)
    convolutions = sum(
        weight_bytes(each) for each in model.modules() if isinstance(each, nn.Conv2d)
    )
    before_bytes = weight_bytes(model) - convolutions
    assert (weight_bytes(small) - convolutions) * 99 < before_bytes


def test_the_model_itself_stays_and_what_is_not_folded_is_shared():
    model = create_model("temporal", shape=Shape(classes=3, image_size=32)).eval()
    layers = [type(each) for each in model.modules()]

    small = folded(model)

    assert [type(each) for each in model.modules()] == layers
    pointers = {each.data_ptr() for each in model.parameters()}
    assert sum(each.data_ptr() in pointers for each in small.parameters()) == 4
    assert [type(each) for each in small.get_submodule("classifier")] == [nn.Linear]
    assert not any(each.training for each in small.modules())


@pytest.mark.parametrize(("first", "second"), [(True, True), (True, False), (False, True)])
def test_biases_are_folded_where_there_are_any(first: bool, second: bool):
    model = nn.Sequential(
        nn.Linear(40, 30, bias=first), nn.Dropout(), nn.Identity(), nn.Linear(30, 5, bias=second)
    ).eval()
    given = torch.randn(7, 40, generator=torch.Generator().manual_seed(0))

    (one,) = small = folded(model)

    torch.testing.assert_close(small(given), model(given), rtol=1e-5, atol=1e-6)
    assert isinstance(one, nn.Linear)


def test_two_matrices_without_a_bias_fold_into_one_without():
    model = nn.Sequential(nn.Linear(9, 8, bias=False), nn.Linear(8, 2, bias=False)).eval()

    (one,) = folded(model)

    assert one.bias is None


def test_a_chain_folds_to_the_end_also_deep_inside():
    chain = nn.Sequential(nn.Linear(20, 10), nn.Linear(10, 9), nn.Dropout(), nn.Linear(9, 2))
    model = nn.Sequential(nn.ReLU(), nn.ModuleDict({"head": chain})["head"], nn.Sigmoid()).eval()
    given = torch.randn(3, 20, generator=torch.Generator().manual_seed(0))

    small = folded(model)

    torch.testing.assert_close(small(given), model(given), rtol=1e-5, atol=1e-6)
    assert sum(isinstance(each, nn.Linear) for each in small.modules()) == 1


@pytest.mark.parametrize(
    "between",
    [nn.ReLU(), nn.LayerNorm(8), nn.Dropout2d(), nn.Softmax(dim=1)],
    ids=lambda layer: type(layer).__name__,
)
def test_what_has_something_between_stays(between: nn.Module):
    model = nn.Sequential(nn.Linear(20, 8), between, nn.Linear(8, 2)).eval()

    assert list(map(type, folded(model))) == list(map(type, model))


def test_a_bottleneck_stays_since_one_matrix_would_be_larger():
    model = nn.Sequential(nn.Linear(100, 4), nn.Linear(4, 100)).eval()

    assert len(folded(model)) == 2


def test_a_model_in_training_is_refused():
    with pytest.raises(ValueError, match="training mode"):
        folded(nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2)))
