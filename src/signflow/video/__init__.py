"""How to see it: decode a span, choose frames, compute optical flow."""
