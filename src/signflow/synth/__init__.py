"""The rendered signers: source videos with annotations, for the demo, the tests and a dry run."""

from signflow.synth.config import SynthConfig
from signflow.synth.render import SynthSummary, render_annotations, render_set

__all__ = ["SynthConfig", "SynthSummary", "render_annotations", "render_set"]
