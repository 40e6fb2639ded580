"""The registry: `create_model` and `list_models` are the whole public face."""

from collections.abc import Callable
from difflib import get_close_matches

from signflow.errors import UserError
from signflow.models.contract import Shape, SignModel

_models: dict[str, Callable[[Shape], SignModel]] = {}


def register_model(
    function: Callable[[Shape], SignModel],
) -> Callable[[Shape], SignModel]:
    """Register a function that makes a model; `early_fusion` becomes the name "early-fusion"."""
    _models[function.__name__.replace("_", "-")] = function
    return function


def list_models() -> list[str]:
    """Names of all models, in alphabetical order."""
    return sorted(_models)


def create_model(name: str, *, shape: Shape) -> SignModel:
    """Make a model with fresh weights, drawn from PyTorch's current random state.

    Args:
        name: one of `list_models()`.
        shape: what it is made for.

    Raises:
        UserError: no model has this name, or it cannot be made for this shape.

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
    try:
        return _models[name](shape)
    except ValueError as error:
        raise UserError(f"--model {name}: {error}") from None
