"""The web page: record signs, train on them, recognise them."""

from signflow.app.config import AppConfig, Limits
from signflow.app.serve import is_open, serving

__all__ = ["AppConfig", "Limits", "is_open", "serving"]
