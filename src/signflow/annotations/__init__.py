"""What to look at: MS-ASL, WLASL, folders and tables become a list of clips."""

from signflow.annotations.addresses import WantedVideo, address_book, wanted_videos
from signflow.annotations.clip import SPLITS, Box, Clip, ClipList, Split
from signflow.annotations.folder import read_folder
from signflow.annotations.msasl import read_msasl
from signflow.annotations.readers import ReadOptions, read_clips, reader
from signflow.annotations.table import read_table
from signflow.annotations.wlasl import read_wlasl

__all__ = [
    "SPLITS",
    "Box",
    "Clip",
    "ClipList",
    "ReadOptions",
    "Split",
    "WantedVideo",
    "address_book",
    "read_clips",
    "read_folder",
    "read_msasl",
    "read_table",
    "read_wlasl",
    "reader",
    "wanted_videos",
]
