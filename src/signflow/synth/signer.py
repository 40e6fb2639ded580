"""Who signs: body, skin, hair, clothes and habits, drawn from a seed."""

import hashlib
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np

from signflow.synth.draw import Colour

HairStyle = Literal["short", "side", "curly", "long", "bob", "bun", "bald", "scarf"]
Pattern = Literal["plain", "stripes", "checks", "dots", "knit"]
Neckline = Literal["crew", "v", "collar"]
Rest = Literal["clasped", "dropped", "lap"]

_T = TypeVar("_T")

_SKINS: tuple[Colour, ...] = (
    (182, 205, 241),
    (164, 190, 232),
    (140, 172, 222),
    (120, 154, 206),
    (98, 134, 188),
    (76, 108, 160),
    (60, 86, 132),
    (48, 66, 104),
)
_HAIRS: tuple[Colour, ...] = (
    (28, 26, 28),
    (36, 42, 58),
    (40, 60, 92),
    (58, 88, 128),
    (96, 140, 180),
    (110, 165, 205),
    (38, 62, 130),
    (165, 168, 172),
)
_CLOTHES: tuple[Colour, ...] = (
    (52, 46, 42),
    (120, 72, 40),
    (60, 50, 140),
    (84, 110, 52),
    (130, 120, 112),
    (150, 96, 150),
    (64, 120, 190),
    (150, 140, 60),
    (190, 190, 196),
    (70, 40, 84),
    (40, 84, 60),
    (108, 150, 200),
)


@dataclass(frozen=True, kw_only=True)
class Signer:
    """A person's looks and habits. Lengths are metres, colours blue, green, red (0 to 255).

    Attributes:
        left_handed: signs with the left hand; everything is mirrored.
        shoulder: from the spine to a shoulder joint.
        torso: width of the waist, a share of the shoulders'.
        upper_arm: shoulder to elbow.
        forearm: elbow to wrist.
        hand: wrist to fingertip.
        arm_radius: of the upper arm at the shoulder.
        head: chin to crown.
        head_width: a share of `head`.
        jaw: width of the chin, 0 (pointed) to 1 (square).
        skin: where light falls straight.
        hair_style: how the hair is worn.
        hair: its colour.
        beard: 0 (none) to 1 (full).
        glasses: whether worn.
        brow: thickness of the brows, 0 to 1.
        iris: colour of the eyes.
        pattern: of the clothes.
        cloth: main colour of the clothes.
        cloth_second: colour of the pattern.
        neckline: shape at the neck.
        long_sleeves: to the wrist, else above the elbow.
        rest: where the hands are between signs.
        tempo: speed of signing, 1 is usual.
        amplitude: size of movements, 1 is usual.
        sway: how much the body moves, metres.
        spread: how far the fingers are apart, a factor.
        lift: habitual shift of the place of articulation, metres (right, down, to the camera).
        texture_seed: for the weave of the clothes and the like.
    """

    left_handed: bool
    shoulder: float
    torso: float
    upper_arm: float
    forearm: float
    hand: float
    arm_radius: float
    head: float
    head_width: float
    jaw: float
    skin: Colour
    hair_style: HairStyle
    hair: Colour
    beard: float
    glasses: bool
    brow: float
    iris: Colour
    pattern: Pattern
    cloth: Colour
    cloth_second: Colour
    neckline: Neckline
    long_sleeves: bool
    rest: Rest
    tempo: float
    amplitude: float
    sway: float
    spread: float
    lift: tuple[float, float, float]
    texture_seed: int


def random_source(*keys: int | str) -> np.random.Generator:
    """Return a generator that depends on nothing but `keys`, on every machine the same."""
    text = "\x1f".join(map(str, keys)).encode()
    digest = hashlib.blake2b(text, digest_size=16).digest()
    return np.random.default_rng(int.from_bytes(digest, "little"))


def draw_signer(key: str, *, seed: int, left_handed_share: float = 0.1) -> Signer:
    """Return the signer of that name: the same for the same `key` and `seed`."""
    rng = random_source("signer", seed, key)
    size = float(rng.normal(1.0, 0.035))
    style = _hair_style(rng)
    main, second = rng.choice(len(_CLOTHES), 2, replace=False)
    tone = int(rng.integers(len(_SKINS)))
    # Fair and red hair comes with fair skin; grey with any.
    hair = int(rng.integers(len(_HAIRS))) if tone < 3 else int(rng.choice([0, 0, 1, 1, 2, 7]))
    return Signer(
        left_handed=bool(rng.random() < left_handed_share),
        shoulder=0.178 * size * float(rng.uniform(0.93, 1.08)),
        torso=float(rng.uniform(0.72, 1.0)),
        upper_arm=0.275 * size,
        forearm=0.245 * size,
        hand=0.185 * size * float(rng.uniform(0.95, 1.08)),
        arm_radius=0.052 * float(rng.uniform(0.88, 1.2)),
        head=0.242 * float(rng.uniform(0.95, 1.05)),
        head_width=float(rng.uniform(0.66, 0.76)),
        jaw=float(rng.uniform(0.1, 0.9)),
        skin=_vary(rng, _SKINS[tone], 6),
        hair_style=style,
        hair=_vary(rng, _HAIRS[hair], 6),
        beard=float(rng.random() < 0.6) if style in ("short", "side", "bald") else 0.0,
        glasses=bool(rng.random() < 0.25),
        brow=float(rng.uniform(0.1, 0.9)),
        iris=_vary(rng, ((60, 70, 90), (110, 100, 70), (60, 100, 80))[int(rng.integers(3))], 10),
        pattern=_one_of(rng, ("plain", "plain", "stripes", "checks", "dots", "knit")),
        cloth=_vary(rng, _CLOTHES[int(main)], 14),
        cloth_second=_vary(rng, _CLOTHES[int(second)], 14),
        neckline=_one_of(rng, ("crew", "v", "collar")),
        long_sleeves=bool(rng.random() < 0.55),
        rest=_one_of(rng, ("clasped", "dropped", "lap")),
        tempo=float(np.clip(rng.normal(1.0, 0.1), 0.8, 1.25)),
        amplitude=float(np.clip(rng.normal(1.0, 0.13), 0.72, 1.3)),
        sway=float(rng.uniform(0.002, 0.006)),
        spread=float(rng.uniform(0.4, 1.4)),
        lift=(
            float(rng.normal(0, 0.02)),
            float(rng.normal(0, 0.02)),
            float(rng.normal(0, 0.02)),
        ),
        texture_seed=int(rng.integers(2**31)),
    )


def _hair_style(rng: np.random.Generator) -> HairStyle:
    styles: tuple[HairStyle, ...] = (
        "short", "short", "side", "side", "curly", "long", "long", "bob", "bun", "bald", "scarf"
    )  # fmt: skip
    return styles[int(rng.integers(len(styles)))]


def _one_of(rng: np.random.Generator, options: tuple[_T, ...]) -> _T:
    return options[int(rng.integers(len(options)))]


def _vary(rng: np.random.Generator, colour: Colour, deviation: float) -> Colour:
    shifted = np.clip(np.asarray(colour) + rng.normal(0, deviation, 3), 8, 248)
    return float(shifted[0]), float(shifted[1]), float(shifted[2])
