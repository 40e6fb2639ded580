"""What the web page is started with."""

from dataclasses import dataclass, field
from pathlib import Path

from tyro.conf import Positional

from signflow.app.limits import Limits
from signflow.store import RECIPES, Recipe
from signflow.training import TrainConfig, default_config


@dataclass(frozen=True, kw_only=True)
class AppConfig:
    """Open a web page that records signs, trains on them and recognises them.

    Attributes:
        run: the run to recognise with at first; None: the last one that was trained on the page.
        folder: where recorded clips and trainings lie; made when it is first needed.
        host: the address to listen on.
        port: likewise; 0: any free one.
        auth: the name with which people log in; the password is taken from the environment variable
            SIGNFLOW_PASSWORD, or asked for. None: nobody has to log in.
        device: auto, cpu or cuda.
        limits: how much one request may ask for.
        recipe: how recorded clips become arrays.
        train: how the page trains.
        least_steps: few clips make short epochs; so many epochs are added that a training takes at
            least so many steps. 0 adds none.
        count_milliseconds: how long each number of the countdown stands.
    """

    run: Positional[Path | None] = None
    folder: Path = Path("my-signs")
    host: str = "127.0.0.1"
    port: int = 7860
    auth: str | None = None
    device: str = "auto"
    limits: Limits = field(default_factory=Limits)
    recipe: Recipe = field(default_factory=lambda: RECIPES["standard"])
    train: TrainConfig = field(default_factory=default_config)
    least_steps: int = 200
    count_milliseconds: int = 800

    def __post_init__(self) -> None:
        """Check every value.

        Raises:
            ValueError: naming the value and what is allowed.
        """
        if not 0 <= self.port <= 65535:
            raise ValueError(f"port is {self.port}; must be 0 to 65535")
        if self.auth is not None and not self.auth.strip():
            raise ValueError(f"auth is {self.auth!r}; must be a name")
        for name in ("least_steps", "count_milliseconds"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}; must be 0 or more")

    @property
    def clips(self) -> Path:
        """The recorded clips: a folder source for `signflow build`."""
        return self.folder / "clips"

    @property
    def trainings(self) -> Path:
        """What was trained on them, one numbered folder a training."""
        return self.folder / "trainings"
