"""How much one request to the page may ask for."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much one request may ask for.

    Attributes:
        upload_mb: of one uploaded file, in megabytes.
        seconds: of one clip.
        pixels: of a video's longer side; what is recorded is scaled down to 1280.
        decode_seconds: to decode one clip; then its decoder is ended.
        decode_mb: of memory for one decoder, in megabytes, where the system keeps count (Linux).
    """

    upload_mb: int = 200
    seconds: float = 30.0
    pixels: int = 4096
    decode_seconds: float = 120.0
    decode_mb: int = 4096

    def __post_init__(self) -> None:
        """Check every value.

        Raises:
            ValueError: naming the value and what is allowed.
        """
        for name in ("upload_mb", "seconds", "pixels", "decode_seconds", "decode_mb"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}; must be above 0")

    @property
    def upload_bytes(self) -> int:
        """The most bytes of one file."""
        return self.upload_mb * 2**20
