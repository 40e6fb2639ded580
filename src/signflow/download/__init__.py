"""The videos that annotations speak of, fetched politely and each once, with a ledger."""

from signflow.download.config import DownloadConfig
from signflow.download.download import DownloadSummary, VideoStanding, download_videos

__all__ = ["DownloadConfig", "DownloadSummary", "VideoStanding", "download_videos"]
