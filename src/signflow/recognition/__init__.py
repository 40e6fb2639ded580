"""Put to use: a run becomes a recogniser."""

from signflow.recognition.recognizer import Prediction, Recognizer

__all__ = ["Prediction", "Recognizer"]
