"""Where things lie in a store's directory.

store.json             recipe, classes, counts, versions; written last: with it the store is whole
clips.parquet          a row for every clip that was asked for
shards/00000.arrow     samples
building/              only while a build is under way: what it builds, and which shards are done
"""

from pathlib import Path

SCHEMA_VERSION = 1


def store_json(store: Path) -> Path:
    """The file that makes a directory a store."""
    return store / "store.json"


def clips_path(store: Path) -> Path:
    """The table of clips."""
    return store / "clips.parquet"


def shards_folder(store: Path) -> Path:
    """Where the shards lie."""
    return store / "shards"


def shard_path(store: Path, number: int) -> Path:
    """A shard."""
    return shards_folder(store) / f"{number:05d}.arrow"


def building_folder(store: Path) -> Path:
    """What is known of a build under way."""
    return store / "building"


def rows_path(store: Path, number: int) -> Path:
    """The rows of a shard's clips; its presence says that the shard is done."""
    return building_folder(store) / f"{number:05d}.parquet"


def place_path(store: Path, number: int) -> Path:
    """What the worker of a shard is at; without rows, its process ended there."""
    return building_folder(store) / f"{number:05d}.at.json"


def hung_path(store: Path, number: int) -> Path:
    """Where the worker of a shard leaves its stack when it ends itself because a decoder hangs."""
    return building_folder(store) / f"{number:05d}.hung.txt"
