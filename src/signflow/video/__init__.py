"""How to see it: decode a span, choose frames, compute optical flow."""

from signflow.video.arrays import choose_frames, decode_array
from signflow.video.camera import Camera, remove_camera
from signflow.video.colour import flow_to_colour
from signflow.video.container import probe
from signflow.video.decode import decode_spans
from signflow.video.dis import Dis
from signflow.video.flow import (
    Farneback,
    FlowMethod,
    compute_flow,
    create_flow,
    flow_from_dict,
    flow_methods,
    flow_to_dict,
    prepare_flow,
    register_flow,
)
from signflow.video.online import online_flow
from signflow.video.quantise import DEFAULT_FLOW_BOUND, dequantise_flow, quantise_flow
from signflow.video.raft import Raft
from signflow.video.reading import read_frames
from signflow.video.sampling import (
    middle_index,
    sample_centre,
    sample_even,
    sample_floor,
    sample_rate,
    sample_segments,
)
from signflow.video.spans import (
    FAULT_CODES,
    DecodedSpan,
    FaultCode,
    Span,
    VideoFault,
    VideoInfo,
)
from signflow.video.view import Fit, View, square_window

__all__ = [
    "DEFAULT_FLOW_BOUND",
    "FAULT_CODES",
    "Camera",
    "DecodedSpan",
    "Dis",
    "Farneback",
    "FaultCode",
    "Fit",
    "FlowMethod",
    "Raft",
    "Span",
    "VideoFault",
    "VideoInfo",
    "View",
    "choose_frames",
    "compute_flow",
    "create_flow",
    "decode_array",
    "decode_spans",
    "dequantise_flow",
    "flow_from_dict",
    "flow_methods",
    "flow_to_colour",
    "flow_to_dict",
    "middle_index",
    "online_flow",
    "prepare_flow",
    "probe",
    "quantise_flow",
    "read_frames",
    "register_flow",
    "remove_camera",
    "sample_centre",
    "sample_even",
    "sample_floor",
    "sample_rate",
    "sample_segments",
    "square_window",
]
