"""Seen once, kept: clips become samples in memory-mapped Arrow shards."""

from signflow.store.build import PATIENCE, BuildSummary, LeaveOut, build_store
from signflow.store.encodings import ENCODINGS, EncodedImages, Encoding
from signflow.store.recipe import RECIPES, Protocol, Recipe
from signflow.store.rows import ClipRow
from signflow.store.samples import (
    Made,
    Sample,
    box_is_inside,
    make_sample,
    make_samples,
    pack_sample,
)
from signflow.store.store import FramesWanted, Gathered, Store

__all__ = [
    "ENCODINGS",
    "PATIENCE",
    "RECIPES",
    "BuildSummary",
    "ClipRow",
    "EncodedImages",
    "Encoding",
    "FramesWanted",
    "Gathered",
    "LeaveOut",
    "Made",
    "Protocol",
    "Recipe",
    "Sample",
    "Store",
    "box_is_inside",
    "build_store",
    "make_sample",
    "make_samples",
    "pack_sample",
]
