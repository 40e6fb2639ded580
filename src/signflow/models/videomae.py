"""VideoMAE: a plain vision transformer over tubes of two frames, learnt by filling in masked ones.

Source: Tong et al., "VideoMAE: Masked Autoencoders are Data-Efficient Learners for Self-Supervised
Video Pre-Training", NeurIPS 2022; the net is Hugging Face transformers'.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from signflow.errors import UserError
from signflow.models.adapt import adapt_first_conv
from signflow.models.contract import Fusion, InputsChoice, Shape, SignModel
from signflow.models.facts import WeightFacts
from signflow.models.pretrained import load_or_explain, placed_file
from signflow.models.registry import register_model
from signflow.models.streams import StreamShape
from signflow.models.two_stream import TwoStream
from signflow.models.video_nets import VideoEncoder

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_LICENCE = "CC-BY-NC-4.0"

_SMALL = {"hidden_size": 384, "num_attention_heads": 6, "intermediate_size": 1536}
_BASE: dict[str, int] = {}
_LARGE = {
    "hidden_size": 1024,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "intermediate_size": 4096,
}
# With these sizes here, a trained model needs nothing from the hub to be used.
_SIZES = {
    "MCG-NJU/videomae-small-finetuned-kinetics": _SMALL,
    "MCG-NJU/videomae-base": _BASE,
    "MCG-NJU/videomae-base-finetuned-kinetics": _BASE,
    "MCG-NJU/videomae-base-finetuned-ssv2": _BASE,
    "MCG-NJU/videomae-large": _LARGE,
    "MCG-NJU/videomae-large-finetuned-kinetics": _LARGE,
}


class MeanToken(nn.Module):
    """A VideoMAE net and the normed mean of its tokens: (B, C, steps, H, W) -> (B, features)."""

    def __init__(self, net: Any) -> None:
        super().__init__()
        self.net = net
        self.norm = nn.LayerNorm(net.config.hidden_size)

    def forward(self, clips: Tensor) -> Tensor:
        """Features of each clip."""
        tokens: Tensor = self.net(clips.transpose(1, 2)).last_hidden_state
        normed: Tensor = self.norm(tokens.mean(dim=1))
        return normed


def clip_encoder(checkpoint: str, stream: StreamShape, *, pretrained: bool) -> VideoEncoder:
    """A clip of the number of steps and pixels that the checkpoint has, mostly 16 of 224.

    Its positions are fixed to that size: steps are repeated, and frames are resized.

    Args:
        checkpoint: name on the Hugging Face hub, or a folder with config.json and, for
            `pretrained`, model.safetensors.
        stream: what it sees.
        pretrained: begin with the checkpoint's weights.

    Raises:
        UserError: transformers is not installed, or the checkpoint cannot be had.
    """
    with _quiet_transformers():
        config = _config(checkpoint)
        net = _pretrained(checkpoint, config) if pretrained else _fresh(config)
    adapt_first_conv(net, stream.sources, pretrained=pretrained)
    net.embeddings.patch_embeddings.num_channels = len(stream.sources)
    return VideoEncoder(
        MeanToken(net),
        features=config.hidden_size,
        facts=WeightFacts(mean=_MEAN, std=_STD, source=checkpoint, licence=_licence(checkpoint)),
        steps=config.num_frames,
        size=config.image_size,
    )


def _licence(checkpoint: str) -> str:
    return _LICENCE if checkpoint.startswith("MCG-NJU/") else "see its page"


def _config(checkpoint: str) -> Any:
    from transformers import VideoMAEConfig

    if checkpoint in _SIZES:
        config = VideoMAEConfig(**_SIZES[checkpoint])
    else:
        try:
            config = VideoMAEConfig.from_pretrained(checkpoint)
        except (OSError, ValueError) as error:
            raise UserError(
                f"--encoder {checkpoint!r}: is no VideoMAE checkpoint that can be had"
                f" ({_first_line(error)}); must be one of {', '.join(_SIZES)}, another name on the"
                " Hugging Face hub, or a folder with config.json and model.safetensors"
            ) from None
    # The mean over the tokens is normed here: the norm of masked learning is another.
    config.use_mean_pooling = True
    return config


def _fresh(config: Any) -> Any:
    from transformers import VideoMAEModel

    return VideoMAEModel(config)


def _pretrained(checkpoint: str, config: Any) -> Any:
    """By the hub's own route, unless the file was placed by hand."""
    from safetensors.torch import load_file
    from transformers import VideoMAEModel

    placed = placed_file(checkpoint)

    def load() -> Any:
        if placed.is_file() and not Path(checkpoint).is_dir():
            return VideoMAEModel.from_pretrained(None, config=config, state_dict=load_file(placed))
        return VideoMAEModel.from_pretrained(checkpoint, config=config, use_safetensors=True)

    remedy = (
        f"fetch model.safetensors of https://huggingface.co/{checkpoint} on a machine with a"
        f" network and place it as {placed}"
    )
    return load_or_explain(load, net=checkpoint, remedy=remedy)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0].rstrip(".")


@contextmanager
def _quiet_transformers() -> Iterator[None]:
    """Without its remarks on weights that are left out, which is meant here."""
    try:
        from transformers.utils import logging
    except ImportError:
        raise UserError(
            "--model videomae: needs transformers; pip install 'signflow[videomae]'"
        ) from None
    before = logging.get_verbosity()
    bars = logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(before)
        if bars:
            logging.enable_progress_bar()


@register_model
def videomae(
    shape: Shape,
    *,
    encoder: str = "MCG-NJU/videomae-base",
    inputs: InputsChoice = "rgb",
    fusion: Fusion | None = None,
    pretrained: bool = False,
) -> SignModel:
    """VideoMAE, by the name of a checkpoint."""
    return TwoStream(
        shape,
        lambda stream: clip_encoder(encoder, stream, pretrained=pretrained),
        inputs=inputs,
        fusion=fusion,
    )
