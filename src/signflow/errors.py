"""Errors that are meant for people."""

from collections.abc import Mapping
from typing import Any


class UserError(Exception):
    """Something the user can put right: wrong input, wrong options, a file that is not there.

    The message is one line that names the file, the value, what is allowed and what to do. The
    command line prints it without a traceback and exits with `exit_status`.

    Args:
        message: the line to show.
        exit_status: 2 for wrong use (the default), 1 for work that was done and came to nothing.
    """

    def __init__(self, message: str, *, exit_status: int = 2) -> None:
        super().__init__(message)
        self.exit_status = exit_status


def what_differs(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """Say in what found settings are not the wanted ones, of those that both have.

    Example:
        >>> what_differs({"frames": 16, "image_size": 64}, {"frames": 16, "image_size": 112})
        'image_size 64, not 112'
    """
    return ", ".join(
        f"{name} {value}, not {wanted[name]}"
        for name, value in found.items()
        if name in wanted and value != wanted[name]
    )
