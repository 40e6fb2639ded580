"""Recognise signs (isolated sign-language words, gestures) in video."""

__version__ = "0.1.0"
