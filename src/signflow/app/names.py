"""Names that people type and that become names of folders and files."""

import re
import unicodedata

from signflow.annotations import SPLITS
from signflow.errors import UserError

MOST_LETTERS = 60
MOST_BYTES = 120
"""Of a name in UTF-8: two of them and a number fit into the 255 that file systems allow."""

_FORBIDDEN = set('/\\:*?"<>|')
_RESERVED = {"con", "prn", "aux", "nul"} | {
    f"{port}{number}" for port in ("com", "lpt") for number in "0123456789¹²³"
}


def gloss_name(typed: str) -> str:
    """The name of a sign as its folder gets it: one part of a path on any system.

    Letters of any script are kept, in Unicode's composed form (NFC), and blanks are single.

    Raises:
        UserError: it is empty, too long, holds a letter that no file name may hold, begins or ends
            with a dot, or is taken by the system or by the splits; the message says which.

    Example:
        >>> gloss_name("  hvala   lijepa ")
        'hvala lijepa'
    """
    name = _name(typed, what="The sign's name", example="thank you")
    if name.casefold() in SPLITS:
        raise UserError(
            f"The sign's name {name!r} is taken: folders named {', '.join(SPLITS)} hold splits."
            f" Choose another, such as '{name} (sign)'."
        )
    return name


def signer_name(typed: str) -> str:
    """The name of who signs, as file names begin with it; `-` becomes `_`, for it ends the name.

    Raises:
        UserError: as `gloss_name`.

    Example:
        >>> signer_name("Ana-Marija")
        'Ana_Marija'
    """
    return _name(typed, what="The signer's name", example="Ana").replace("-", "_")


def _name(typed: str, *, what: str, example: str) -> str:
    name = " ".join(unicodedata.normalize("NFC", typed).split())
    if not name:
        raise UserError(f"{what} is missing: type one, such as '{example}'.")
    if len(name) > MOST_LETTERS or len(name.encode("utf-8", "replace")) > MOST_BYTES:
        raise UserError(
            f"{what} '{name[:20]}...' is too long: at most {MOST_LETTERS} letters"
            f" ({MOST_BYTES} bytes)."
        )
    odd = [letter for letter in name if letter in _FORBIDDEN or not _is_seen(letter)]
    if odd:
        shown = odd[0] if odd[0] in _FORBIDDEN else f"U+{ord(odd[0]):04X}"
        raise UserError(
            f"{what} {name!r} holds {shown}, which a file name may not:"
            f" use letters, digits and blanks, such as '{example}'."
        )
    if name.startswith(".") or name.endswith("."):
        raise UserError(f"{what} {name!r} begins or ends with a dot: leave the dot out.")
    if re.split(r"\.", name)[0].strip().casefold() in _RESERVED:
        raise UserError(f"{what} {name!r} is reserved on Windows: choose another.")
    return name


def _is_seen(letter: str) -> bool:
    """Whether it is no control, format, surrogate or unassigned character; a blank is seen."""
    return letter == " " or unicodedata.category(letter)[0] not in "CZ"
