"""The registry: `create_model` and `list_models` are the whole public face."""

from collections.abc import Callable
from difflib import get_close_matches
from inspect import signature
from typing import TypeVar

from signflow.errors import UserError
from signflow.models.contract import ModelOptions, Shape, SignModel

_models: dict[str, Callable[..., SignModel]] = {}
_Maker = TypeVar("_Maker", bound=Callable[..., SignModel])


def register_model(function: _Maker) -> _Maker:
    """Register a function that makes a model; `early_fusion` becomes the name "early-fusion".

    The function takes a `Shape`. Choices within the model are keyword arguments of it, named as the
    fields of `ModelOptions`, with the model's own defaults; `pretrained` is one where the model can
    begin with weights that were learnt elsewhere.
    """
    _models[function.__name__.replace("_", "-")] = function
    return function


def list_models() -> list[str]:
    """Names of all models, in alphabetical order."""
    return sorted(_models)


def model_choices(name: str) -> dict[str, object]:
    """The choices within a model (fields of `ModelOptions`, `pretrained`) with its own defaults.

    Args:
        name: one of `list_models()`.
    """
    parameters = signature(_models[name]).parameters.values()
    return {each.name: each.default for each in parameters if each.default is not each.empty}


def create_model(
    name: str,
    *,
    shape: Shape,
    options: ModelOptions | None = None,
    pretrained: bool = False,
) -> SignModel:
    """Make a model with fresh weights, drawn from PyTorch's current random state.

    Args:
        name: one of `list_models()`.
        shape: what it is made for.
        options: choices within the model; None leaves all to it.
        pretrained: begin with weights that the encoder's library offers.

    Raises:
        UserError: no model has this name, it lacks a choice that is made, or it cannot be made for
            this shape.

    Example:
        >>> create_model("early-fusion", shape=Shape(classes=10)).streams
        1
    """
    if name not in _models:
        close = get_close_matches(name, _models, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise UserError(
            f"--model {name!r}: unknown; the models are {', '.join(list_models())}.{hint}"
        )
    chosen: dict[str, object] = dict((options or ModelOptions()).given())
    if pretrained:
        chosen["pretrained"] = True
    for option in chosen.keys() - model_choices(name).keys():
        raise UserError(f"--{option}: {name} has no such choice; {_who_has(option)}")
    try:
        return _models[name](shape, **chosen)
    except ValueError as error:
        raise UserError(f"--model {name}: {error}") from None


def _who_has(option: str) -> str:
    able = [name for name in list_models() if option in model_choices(name)]
    return f"the models that have are {', '.join(able)}" if able else "no model has"
