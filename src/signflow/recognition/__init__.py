"""Put to use: a run becomes a recogniser."""

from signflow.recognition.gate import GateOptions
from signflow.recognition.recognizer import Prediction, Recognizer
from signflow.recognition.source import Video
from signflow.recognition.spot import Timeline, spot_video
from signflow.recognition.spotting_quality import Interval, SpottingQuality, spotting_quality
from signflow.recognition.stream import PROVISIONAL_AFTER, SpotOptions, Spotter
from signflow.recognition.timeline import check_timeline_path, timeline_to_dict, write_timeline
from signflow.recognition.windows import Spotted

__all__ = [
    "PROVISIONAL_AFTER",
    "GateOptions",
    "Interval",
    "Prediction",
    "Recognizer",
    "SpotOptions",
    "Spotted",
    "Spotter",
    "SpottingQuality",
    "Timeline",
    "Video",
    "check_timeline_path",
    "spot_video",
    "spotting_quality",
    "timeline_to_dict",
    "write_timeline",
]
