"""Image nets of torchvision and timm, by name, as encoders of single frames."""

from collections.abc import Callable
from difflib import get_close_matches
from fnmatch import fnmatch
from functools import partial
from importlib.util import find_spec
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from signflow.errors import UserError
from signflow.models.adapt import adapt_first_conv
from signflow.models.facts import TORCHVISION_LICENCE, WeightFacts
from signflow.models.pretrained import load_or_explain, load_torchvision_weights, placed_file

Library = Literal["torchvision", "timm"]

HOW_TO_LIST = "signflow models --encoders '*resnet*' lists the names that hold resnet"

# Their side classifiers help in training on ImageNet only, and their own way to draw weights takes
# a minute.
_WITH_SIDE_CLASSIFIERS = ("googlenet", "inception_v3")
_FIXED_SIZE = ("vit_", "maxvit_")
_NON_COMMERCIAL = "CC-BY-NC-4.0"


class ImageNet(nn.Module):
    """A library's image net without its classifier: (N, channels, H, W) -> (N, features).

    A net that takes pictures of one size only (vision transformers with learnt positions) gets
    them resized, on the device.
    """

    def __init__(
        self, net: nn.Module, *, features: int, facts: WeightFacts, size: int | None
    ) -> None:
        """Wrap a net; see `image_net`."""
        super().__init__()
        self.net = net
        self.features = features
        self.facts = facts
        self._size = size

    def forward(self, images: Tensor) -> Tensor:
        """Features of each image."""
        if self._size is not None and images.shape[-2:] != (self._size, self._size):
            images = functional.interpolate(
                images, size=(self._size, self._size), mode="bilinear", antialias=True
            )
        features: Tensor = self.net(images)
        return features


def image_net(
    name: str, *, sources: tuple[int | None, ...], image_size: int, pretrained: bool
) -> ImageNet:
    """Make an image net by name.

    Args:
        name: "torchvision/NAME", "timm/NAME", or a plain name, which torchvision has first.
        sources: its channels; see `adapt_first_conv`.
        image_size: height and width in pixels of the frames it will see.
        pretrained: begin with the weights that the library offers by default.

    Raises:
        UserError: there is no such net, its library is not installed, or the weights cannot be had.
        ValueError: it cannot take frames of this size, or channels other than red, green, blue.

    Example:
        >>> image_net("resnet18", sources=(0, 1, 2), image_size=112, pretrained=False).features
        512
    """
    library, plain = find_encoder(name)
    make = _from_torchvision if library == "torchvision" else _from_timm
    net = make(plain, image_size=image_size, pretrained=pretrained)
    adapt_first_conv(net, sources, pretrained=pretrained)
    return net


def find_encoder(name: str) -> tuple[Library, str]:
    """Which library has an image net, and its name there.

    Raises:
        UserError: none has; the message names what is close.
    """
    library, slash, plain = name.partition("/")
    if slash and library not in ("torchvision", "timm"):
        raise UserError(
            f"--encoder {name!r}: unknown library {library!r}; must be torchvision/NAME, timm/NAME"
            " or a plain NAME"
        )
    plain = plain if slash else name
    if library != "timm" and plain in _torchvision_names():
        return "torchvision", plain
    if slash and library == "timm":
        _require_timm(name)
    if library != "torchvision" and find_spec("timm") and plain in _timm_names():
        return "timm", plain
    names = {
        *(_torchvision_names() if library != "timm" else []),
        *(_timm_names() if library != "torchvision" and find_spec("timm") else []),
    }
    close = get_close_matches(plain, sorted(names), n=3, cutoff=0.5)
    near = f" did you mean {' or '.join(close)}?" if close else ""
    more = "" if find_spec("timm") else "; timm's nets come with pip install 'signflow[timm]'"
    raise UserError(f"--encoder {name!r}: unknown;{near} {HOW_TO_LIST}{more}")


def encoder_names(pattern: str = "*") -> list[str]:
    """Names of image nets that match a pattern, with their library: "timm/resnet18.a1_in1k".

    timm's are those with weights and, without a tag, the architectures. Where timm is not
    installed, torchvision's alone.

    Args:
        pattern: as of file names; a word without * or ? is looked for anywhere in the name.
    """
    if not set("*?[") & set(pattern):
        pattern = f"*{pattern}*"
    names = [f"torchvision/{name}" for name in _torchvision_names()]
    if find_spec("timm"):
        names += [f"timm/{name}" for name in sorted(_timm_names())]
    return [name for name in names if fnmatch(name, pattern)]


def _torchvision_names() -> list[str]:
    import torchvision

    names: list[str] = torchvision.models.list_models(module=torchvision.models)
    return names


def _timm_names() -> set[str]:
    import timm

    return {*timm.list_models(), *timm.list_models(pretrained=True)}


def _require_timm(name: str) -> None:
    if not find_spec("timm"):
        raise UserError(f"--encoder {name!r}: needs timm; pip install 'signflow[timm]'")


def _from_torchvision(name: str, *, image_size: int, pretrained: bool) -> ImageNet:
    import torchvision

    weights = torchvision.models.get_model_weights(name).DEFAULT
    least: int = min(weights.meta["min_size"])
    fixed = name.startswith(_FIXED_SIZE)
    if image_size < least and not fixed:
        raise ValueError(f"{name} needs frames of {least} pixels or more, not {image_size}")
    options: dict[str, Any] = {}
    if name in _WITH_SIDE_CLASSIFIERS:
        options = {"aux_logits": True, "init_weights": False}
    elif name.startswith("vit_"):
        options = {"image_size": least}
    net: Any = _make(partial(torchvision.models.get_model, name, weights=None, **options))
    if pretrained:
        load_torchvision_weights(net, name, weights)
    if name in _WITH_SIDE_CLASSIFIERS:
        net.aux_logits = False
        for side in ("aux1", "aux2", "AuxLogits"):
            if hasattr(net, side):
                setattr(net, side, None)
    transform = weights.transforms()
    swag = "SWAG" in weights.name  # learnt on Instagram's hashtags, not for commercial use
    facts = WeightFacts(
        mean=tuple(transform.mean),
        std=tuple(transform.std),
        source=f"torchvision, {'SWAG' if swag else 'ImageNet-1k'}",
        licence=_NON_COMMERCIAL if swag else TORCHVISION_LICENCE,
    )
    features = _without_classifier(net, name)
    return ImageNet(net, features=features, facts=facts, size=least if fixed else None)


def _make(make: Callable[[], nn.Module]) -> nn.Module:
    """Make a net; on the meta device also one that computes with tensors while it is made."""
    if torch.get_default_device().type != "meta":
        return make()
    try:
        return make()
    except RuntimeError:
        with torch.device("cpu"):
            return make().to("meta")


def _without_classifier(net: nn.Module, name: str) -> int:
    """Take the last linear layer away, in place; returns how many features it looked at."""
    layers = [(where, each) for where, each in net.named_modules() if isinstance(each, nn.Linear)]
    if not layers or layers[-1][1].out_features != 1000:
        raise ValueError(f"{name} does not end in a linear classifier, which could be taken away")
    where, last = layers[-1]
    parent, _, child = where.rpartition(".")
    setattr(net.get_submodule(parent), child, nn.Identity())
    return last.in_features


def _from_timm(name: str, *, image_size: int, pretrained: bool) -> ImageNet:
    import timm

    make = partial(timm.create_model, name, num_classes=0)
    net: Any = _with_timm_weights(make, name) if pretrained else _make(make)
    config: Any = net.pretrained_cfg
    fixed: bool = config.get("fixed_input_size", False)
    least: int = (config.get("min_input_size") or (3, 1, 1))[-1]
    if image_size < least and not fixed:
        raise ValueError(f"{name} needs frames of {least} pixels or more, not {image_size}")
    facts = WeightFacts(
        mean=tuple(config["mean"]),
        std=tuple(config["std"]),
        source=config.get("hf_hub_id") or config.get("url") or "none",
        licence=config.get("license") or "see its page",
    )
    features: int = getattr(net, "head_hidden_size", None) or net.num_features
    size: int | None = config["input_size"][-1] if fixed else None
    return ImageNet(net, features=features, facts=facts, size=size)


def _with_timm_weights(make: Callable[..., nn.Module], name: str) -> nn.Module:
    """By timm's own route, unless the file was placed by hand."""
    from timm.models import get_pretrained_cfg

    config = get_pretrained_cfg(name)
    tagged = f"{config.architecture}.{config.tag}" if config.tag else name
    placed = placed_file(tagged)
    if not (config.has_weights or placed.is_file()):
        raise UserError(f"--pretrained: timm offers no weights of {name}; {HOW_TO_LIST}")
    overlay = {"file": str(placed)} if placed.is_file() else {}
    page = config.url
    if config.hf_hub_id:
        page = f"model.safetensors of https://huggingface.co/{config.hf_hub_id}"
    return load_or_explain(
        lambda: make(pretrained=True, pretrained_cfg_overlay=overlay),
        net=tagged,
        remedy=f"fetch {page} on a machine with a network and place it as {placed}",
    )
