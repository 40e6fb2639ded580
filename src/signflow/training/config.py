"""What a training run is: the configuration that is saved with it."""

import math
from dataclasses import asdict, dataclass, fields, replace
from typing import Annotated, Any, Literal, get_args

from tyro.conf import arg

from signflow.models import Fusion, InputsChoice, ModelOptions
from signflow.store import Protocol
from signflow.training.augment.strengths import PRESETS, STRENGTHS, Augmentation, AugmentPreset
from signflow.training.online import FlowSource

SCHEMA_VERSION = 1

Precision = Literal["32-true", "bf16-mixed", "16-mixed"]
Schedule = Literal["constant", "cosine", "step"]
ClassWeights = Literal["none", "balanced"]

REPORT_NETS = ("spatial", "temporal", "early-fusion", "late-fusion")

_ALWAYS_TOLD = ("model", "batch_size", "learning_rate", "epochs", "seed", "fold")
_SHORT_OPTIONS = {"learning_rate": "lr"}


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Everything that the result of a run depends on, the store and the machine apart.

    The defaults are the report's protocol; from `precision` on it uses none of the options. What
    `signflow train` begins with is `default_config`.

    Attributes:
        model: name of a registered model (`signflow models`).
        batch_size: clips per step, over all processes and parts together.
        learning_rate: of Adam; with a schedule or warm-up, the highest.
        epochs: passes over the training clips, at most.
        seed: of weights, order and dropout.
        fold: test on this fold of a cross-validation, validate on the one before it, train on the
            rest; None uses the splits that the store's clips name.
        precision: 32-true computes in 32 bits; bf16-mixed and 16-mixed compute the matrix products
            in 16 and keep the weights in 32.
        accumulate: work through a step in this many parts, each of which needs memory for its own
            clips only. The step is that of the whole batch.
        schedule: what the learning rate does after warm-up: constant; cosine falls to 0 at the end
            of the last epoch; step is multiplied by step_factor every step_epochs epochs.
        step_epochs: of the step schedule.
        step_factor: of the step schedule.
        warmup_epochs: the learning rate rises in a straight line over these epochs; may be 0.5.
        weight_decay: decoupled, as in AdamW; of weight matrices and kernels, not of biases.
        label_smoothing: share of each label that is spread over all classes, 0 to below 1.
        class_weights: balanced weighs a clip's loss by the rarity of its sign in training.
        clips_per_sign: learn from at most so many clips of each sign, drawn by the seed; those that
            a smaller number draws are among them. None: from all. Validation stays whole.
        patience: stop when validation has not become better for so many epochs; None: never.
        encoder: the library net that the model is built around; None: the model's own choice.
        inputs: what the model looks at, where it has the choice; None: its own.
        fusion: where its streams meet, likewise; learned weighs their scores by validation.
        pretrained: begin with weights that the encoder's library offers.
        flow: of training clips: stored, and changed as augmentation asks; or computed online, anew
            from the augmented frames, by the store's method (meant for a GPU).
        augment: change training clips at random, frames and flow alike: lightly, or by the standard
            strengths of `docs/augmentation.md`. Each strength that follows replaces the preset's;
            None: as the preset has it.
        scale: grow or shrink by up to this share.
        aspect: change width against height by up to this share.
        shift: move by up to this share of width and height.
        rotation: turn by up to so many degrees.
        flip: mirror half of the clips; only for signs that mean the same with either hand.
        speed: up to this share faster or slower.
        temporal_crop: cut off up to this share of the time, and stretch the rest.
        jitter: take each frame up to so many frames earlier or later, below 0.5.
        frame_drop: lose this share of the frames, so that the one before stays.
        brightness: frames up to this share brighter or darker.
        contrast: up to this share more or less.
        saturation: up to this share more or less.
        hue: turn hues by up to this share of the circle.
        noise: highest standard deviation in frames, in bytes; in flow, an eighth.
        erase_still: share of the clips whose frames lose what stands still throughout.
        mixup: parameter of the Beta distribution by which two clips are blended; 0: never.
        cutmix: likewise, a rectangle of one clip put into another.
    """

    model: str = "early-fusion"
    batch_size: int = 16
    learning_rate: Annotated[float, arg(aliases=["--lr"])] = 1e-5
    epochs: int = 10
    seed: int = 0
    fold: int | None = None
    precision: Precision = "32-true"
    accumulate: int = 1
    schedule: Schedule = "constant"
    step_epochs: int = 3
    step_factor: float = 0.1
    warmup_epochs: float = 0.0
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    class_weights: ClassWeights = "none"
    clips_per_sign: int | None = None
    patience: int | None = None
    encoder: str | None = None
    inputs: InputsChoice | None = None
    fusion: Fusion | None = None
    pretrained: bool = False
    flow: FlowSource = "stored"
    augment: AugmentPreset = "none"
    scale: float | None = None
    aspect: float | None = None
    shift: float | None = None
    rotation: float | None = None
    flip: bool = False
    speed: float | None = None
    temporal_crop: float | None = None
    jitter: float | None = None
    frame_drop: float | None = None
    brightness: float | None = None
    contrast: float | None = None
    saturation: float | None = None
    hue: float | None = None
    noise: float | None = None
    erase_still: float | None = None
    mixup: float | None = None
    cutmix: float | None = None

    def __post_init__(self) -> None:
        """Check every value.

        Raises:
            ValueError: naming the value and what is allowed.
        """
        for name in ("batch_size", "epochs", "accumulate", "step_epochs"):
            self._require(name, getattr(self, name) >= 1, "1 or more")
        for name in ("patience", "clips_per_sign"):
            value = getattr(self, name)
            self._require(name, value is None or value >= 1, "1 or more")
        self._require("seed", self.seed >= 0, "0 or more")
        finite_above_0 = math.isfinite(self.learning_rate) and self.learning_rate > 0
        self._require("learning_rate", finite_above_0, "above 0")
        for name in ("warmup_epochs", "weight_decay"):
            value = getattr(self, name)
            self._require(name, math.isfinite(value) and value >= 0, "0 or more")
        self._require("step_factor", 0 < self.step_factor <= 1, "above 0 and at most 1")
        self._require("label_smoothing", 0 <= self.label_smoothing < 1, "0 or more and below 1")
        self._require(
            "accumulate",
            self.accumulate <= self.batch_size,
            f"at most batch_size {self.batch_size}",
        )
        for name, choice in (
            ("precision", Precision),
            ("schedule", Schedule),
            ("class_weights", ClassWeights),
            ("flow", FlowSource),
            ("augment", AugmentPreset),
        ):
            allowed = get_args(choice)
            self._require(name, getattr(self, name) in allowed, f"one of {', '.join(allowed)}")
        for name, choice in (("inputs", InputsChoice), ("fusion", Fusion)):
            allowed = get_args(choice)
            value = getattr(self, name)
            self._require(name, value is None or value in allowed, f"one of {', '.join(allowed)}")
        _ = self.augmentation  # checks the strengths

    def _require(self, name: str, kept: bool, allowed: str) -> None:
        if not kept:
            raise ValueError(f"{name} is {getattr(self, name)}; must be {allowed}")

    @property
    def model_options(self) -> ModelOptions:
        """The choices within the model."""
        return ModelOptions(encoder=self.encoder, inputs=self.inputs, fusion=self.fusion)

    @property
    def augmentation(self) -> Augmentation:
        """The strengths of augmentation: the preset's, and those that replace them."""
        given = {name: getattr(self, name) for name in STRENGTHS}
        return replace(
            PRESETS[self.augment],
            **{name: value for name, value in given.items() if value is not None},
        )

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)

    @property
    def protocol(self) -> Protocol:
        """The protocol that the model was made for."""
        return protocol_of(self.model)

    def beyond_protocol(self) -> dict[str, Any]:
        """The options in which this differs from its model's protocol, with their values.

        Batch size, learning rate and epochs are told of every run, and not among them.
        """
        usual = PROTOCOLS[self.protocol]
        return {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if field.name not in _ALWAYS_TOLD
            and getattr(self, field.name) != getattr(usual, field.name, field.default)
        }

    def command_options(self) -> list[str]:
        """The options of `signflow train` that give this configuration.

        Example:
            >>> TrainConfig(model="temporal", patience=3).command_options()[-2:]
            ['--patience', '3']
        """
        told = {name: getattr(self, name) for name in _ALWAYS_TOLD} | self.beyond_protocol()
        usual = PROTOCOLS[self.protocol]
        words = []
        for name, value in told.items():
            if value is not None or getattr(usual, name) is not None:
                words += _option(_SHORT_OPTIONS.get(name, name).replace("_", "-"), value)
        return words


PROTOCOLS: dict[Protocol, TrainConfig] = {
    "report": TrainConfig(),
    "standard": TrainConfig(
        model="compact",
        learning_rate=3e-3,
        epochs=60,
        schedule="cosine",
        warmup_epochs=3.0,
        weight_decay=0.05,
        label_smoothing=0.1,
        augment="standard",
    ),
}
"""The report's, and what was found to recognise most with few clips (`docs/results.md`)."""


def protocol_of(model: str) -> Protocol:
    """The protocol that a model was made for: the report's for its four nets."""
    return "report" if model in REPORT_NETS else "standard"


def default_config(model: str | None = None, *, protocol: Protocol | None = None) -> TrainConfig:
    """What `signflow train` begins with, before any other option.

    Args:
        model: the net; None: the protocol's own.
        protocol: None: the one that the model was made for; without a model, standard.

    Raises:
        ValueError: there is no such protocol.

    Example:
        >>> default_config().model, default_config("temporal").epochs
        ('compact', 10)
    """
    chosen = protocol or (protocol_of(model) if model else "standard")
    if chosen not in PROTOCOLS:
        raise ValueError(f"protocol is {chosen!r}; must be one of {', '.join(PROTOCOLS)}")
    usual = PROTOCOLS[chosen]
    return replace(usual, model=model or usual.model)


def _option(name: str, value: Any) -> list[str]:
    """An option as tyro reads it: `--name value`, `--name a b`, `--name`, `--no-name`."""
    if isinstance(value, bool):
        return [f"--{name}" if value else f"--no-{name}"]
    values = value if isinstance(value, list | tuple) else [value]
    return [f"--{name}", *map(str, values)]
