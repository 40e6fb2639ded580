"""How to see it: decode a span, choose frames, compute optical flow."""

from signflow.video.arrays import choose_frames, decode_array
from signflow.video.colour import flow_to_colour
from signflow.video.container import probe
from signflow.video.decode import decode_spans
from signflow.video.flow import (
    Dis,
    Farneback,
    FlowMethod,
    compute_flow,
    create_flow,
    flow_from_dict,
    flow_methods,
    flow_to_dict,
    register_flow,
)
from signflow.video.quantise import DEFAULT_FLOW_BOUND, dequantise_flow, quantise_flow
from signflow.video.reading import read_frames
from signflow.video.sampling import (
    middle_index,
    sample_centre,
    sample_even,
    sample_floor,
    sample_rate,
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
    "DecodedSpan",
    "Dis",
    "Farneback",
    "FaultCode",
    "Fit",
    "FlowMethod",
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
    "probe",
    "quantise_flow",
    "read_frames",
    "register_flow",
    "sample_centre",
    "sample_even",
    "sample_floor",
    "sample_rate",
    "square_window",
]
