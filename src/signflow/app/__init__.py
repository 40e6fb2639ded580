"""The web page: record signs, train on them, recognise them."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from signflow.app.config import AppConfig
    from signflow.app.limits import Limits
    from signflow.app.serve import is_open, serving

__all__ = ["AppConfig", "Limits", "is_open", "serving"]

_PLACES = {"AppConfig": "config", "Limits": "limits", "is_open": "serve", "serving": "serve"}


def __getattr__(name: str) -> Any:
    """Import what is asked for, and no earlier: a process that decodes uploads needs no PyTorch."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
