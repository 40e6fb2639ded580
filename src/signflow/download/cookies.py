"""A browser's cookies, read and never written."""

from dataclasses import dataclass
from http.cookiejar import LoadError, MozillaCookieJar
from pathlib import Path

from signflow.errors import UserError


@dataclass(frozen=True, kw_only=True)
class Cookies:
    """A cookies file as both ways of fetching want it.

    Attributes:
        text: what is in the file; None where there is none.
        jar: its cookies; None where there is none.
    """

    text: str | None = None
    jar: MozillaCookieJar | None = None

    @classmethod
    def load(cls, path: Path | None) -> "Cookies":
        """Read a cookies file in Netscape format.

        Raises:
            UserError: it cannot be read, or is none.
        """
        if path is None:
            return cls()
        jar = MozillaCookieJar(str(path))
        try:
            text = path.read_text(encoding="utf-8")
            jar.load(ignore_discard=True, ignore_expires=True)
        except OSError as error:
            if isinstance(error, LoadError):
                raise UserError(
                    f"{path}: is no cookies file in Netscape format (cookies.txt); export one from"
                    " a browser"
                ) from None
            raise UserError(f"{path}: cannot be read: {error.strerror}") from None
        for cookie in jar:
            if cookie.expires == 0:  # how browsers' exports mark the cookies of a session
                cookie.expires, cookie.discard = None, True
        return cls(text=text, jar=jar)
