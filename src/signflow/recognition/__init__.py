"""Put to use: a run becomes a recogniser."""

from signflow.recognition.recognizer import Prediction, Recognizer
from signflow.recognition.source import Video

__all__ = ["Prediction", "Recognizer", "Video"]
