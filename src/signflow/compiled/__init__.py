"""What numba compiles (`signflow[fast]`), for every room.

numba keeps what it compiled, under the function's name and for as long as the function's own file
is the same. What a kernel calls may stand in other files, so their digest is part of the name.
"""

import hashlib
import importlib.util
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

_OURS = [Path(__file__).parent / name for name in ("lanes.py", "shuffles.py")]


@lru_cache(maxsize=1)
def has_numba() -> bool:
    """Whether anything can be compiled here."""
    return importlib.util.find_spec("numba") is not None


def compile_kernel(
    kernel: Callable[..., None], *, takes: Iterable[Any], sources: Iterable[Path]
) -> Callable[..., None]:
    """Compile a function that returns nothing, or take it from numba's cache.

    Where there is no place for the cache, or it cannot be written, it is compiled in every process.

    Args:
        kernel: written with `signflow.compiled.lanes` and `shuffles`.
        takes: numba's types of its arguments.
        sources: the files that it is made of, but for these two.
    """
    import numba

    from signflow.compiled.lanes import OPTIONS

    digest = hashlib.sha256()
    for path in (*_OURS, *sorted(sources)):
        digest.update(path.read_bytes())
    kernel.__qualname__ = f"{kernel.__name__}_{digest.hexdigest()[:12]}"
    signature = numba.types.void(*takes)
    try:
        compiled: Callable[..., None] = numba.njit(signature, cache=True, **OPTIONS)(kernel)
    except (OSError, RuntimeError):
        compiled = numba.njit(signature, cache=False, **OPTIONS)(kernel)
    return compiled
