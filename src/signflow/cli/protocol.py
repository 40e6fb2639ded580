"""`--protocol`, read before all other options, whose defaults it gives."""

from collections.abc import Sequence

from signflow.cli.parse import option
from signflow.errors import UserError
from signflow.store import RECIPES, Protocol


def protocol_in(words: Sequence[str]) -> Protocol | None:
    """The protocol that is asked for; None where none is.

    Raises:
        UserError: there is none of this name.
    """
    name = option(words, "--protocol")
    if name is not None and name not in RECIPES:
        raise UserError(f"--protocol {name!r}: unknown; the protocols are {', '.join(RECIPES)}")
    return name
