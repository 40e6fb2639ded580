"""Command lines from dataclasses."""

import json
from collections.abc import Sequence
from typing import Any, TypeVar

import tyro

from signflow.errors import UserError

Arguments = TypeVar("Arguments")


def parse(
    kind: type[Arguments],
    words: Sequence[str],
    *,
    command: str,
    default: Arguments | None = None,
) -> Arguments:
    """Fill a dataclass from words; wrong ones end the process with status 2 and say what is wrong.

    A ValueError of the dataclass (a value out of range) is wrong use as well.

    Args:
        kind: the dataclass.
        words: the command's words.
        command: its name.
        default: what the words change; None: the dataclass's own defaults.
    """
    start = tyro.MISSING_NONPROP if default is None else default
    try:
        return tyro.cli(kind, args=list(words), prog=f"signflow {command}", default=start)
    except ValueError as error:
        raise UserError(str(error)) from None


def option(words: Sequence[str], name: str) -> str | None:
    """The value of an option, before the words are parsed; None where it is not given.

    Example:
        >>> option(["store", "--model", "compact"], "--model")
        'compact'
    """
    value = None
    for word, following in zip(words, [*words[1:], None], strict=True):
        if word == name:
            value = following
        elif word.startswith(f"{name}="):
            value = word.removeprefix(f"{name}=")
    return value


def key_values(words: Sequence[str], *, option: str) -> dict[str, Any]:
    """Turn `winsize=15 preset=fast` into a dictionary; values that are JSON become that.

    Raises:
        UserError: a word is no KEY=VALUE.
    """
    values = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals or not key:
            raise UserError(f"{option} {word!r}: expected KEY=VALUE, for example winsize=15")
        try:
            values[key] = json.loads(text)
        except json.JSONDecodeError:
            values[key] = text
    return values
