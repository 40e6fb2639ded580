"""What is to be rendered."""

from dataclasses import dataclass

from signflow.errors import UserError


@dataclass(frozen=True, kw_only=True)
class SynthConfig:
    """A set of rendered source videos with annotations in MS-ASL's format.

    The default is the demo's set.

    Attributes:
        train: clips in the training split; labels are spread evenly.
        val: clips in the validation split.
        test: clips in the test split.
        clips_per_video: signs in each source video.
        width: of the videos, in pixels (even).
        height: of the videos, in pixels (even).
        fps: frames a second.
        left_handed_share: of the signers, 0 to 1.
        seed: everything is drawn from it; the same config gives the same videos.
    """

    train: int = 320
    val: int = 100
    test: int = 200
    clips_per_video: int = 6
    width: int = 320
    height: int = 240
    fps: float = 20.0
    left_handed_share: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("train", "val", "test"):
            _check(name, getattr(self, name), low=0, high=1_000_000)
        _check("clips_per_video", self.clips_per_video, low=1, high=1000)
        for name in ("width", "height"):
            _check(name, getattr(self, name), low=64, high=4096)
            if getattr(self, name) % 2:
                raise UserError(f"{name} {getattr(self, name)}: must be even (H.264, yuv420p)")
        _check("fps", self.fps, low=5, high=120)
        _check("left_handed_share", self.left_handed_share, low=0, high=1)
        if self.train + self.val + self.test == 0:
            raise UserError("train, val and test are all 0: ask for at least one clip")


def _check(name: str, value: float, *, low: float, high: float) -> None:
    if not low <= value <= high:
        raise UserError(f"{name} {value}: must be {low} to {high}")
