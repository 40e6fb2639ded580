"""`python -m signflow.training.follow ORDER`: a process that trains beside the first."""

import json
import sys
import threading
from pathlib import Path

from signflow.store import Store
from signflow.training.config import TrainConfig
from signflow.training.followers import end_with_the_first
from signflow.training.processes import Processes
from signflow.training.train import train


def main() -> None:
    """Train as one of several, as the first process says; it alone writes and speaks."""
    order = json.loads(sys.argv[1])
    threading.Thread(target=end_with_the_first, args=(sys.stdin.fileno(),), daemon=True).start()
    train(
        Store.open(Path(order["store"])),
        config=TrainConfig(**order["config"]),
        out=Path(order["out"]),
        device=order["device"],
        processes=Processes(devices=order["devices"], rank=order["rank"], port=order["port"]),
    )


if __name__ == "__main__":
    main()
