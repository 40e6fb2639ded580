"""Work on a cluster: the workers of a Dask scheduler as an executor."""

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

from signflow.errors import UserError

_SECONDS_TO_CONNECT = 30


@contextmanager
def dask_executor(address: str) -> Iterator[Executor]:
    """The workers of a Dask scheduler, as a `concurrent.futures.Executor`.

    A task whose worker ends is given to another one, as often as the scheduler is set up to
    (`distributed.scheduler.allowed-failures`, 3).

    Args:
        address: of the scheduler, such as "tcp://10.0.0.1:8786".

    Raises:
        UserError: Dask is not installed, nobody answers there (exit status 1), or the scheduler has
            no workers (exit status 1).

    Example:
        >>> with dask_executor("tcp://10.0.0.1:8786") as executor:  # doctest: +SKIP
        ...     build_store(clips, out=Path("store"), executor=executor)
    """
    try:
        from distributed import Client
    except ImportError:
        raise UserError("--dask needs Dask: install it with pip install 'signflow[dask]'") from None
    try:
        client = Client(address, timeout=_SECONDS_TO_CONNECT, set_as_default=False)
    except (OSError, ValueError) as error:  # no answer in time is an OSError too
        raise UserError(
            f"--dask {address}: no Dask scheduler answers there ({error}); it must look like"
            " tcp://HOST:8786",
            exit_status=1,
        ) from None
    with client:
        if not client.scheduler_info()["workers"]:
            raise UserError(
                f"--dask {address}: the scheduler has no workers; start some with dask worker"
                f" {address} --nthreads 1",
                exit_status=1,
            )
        # Not pure: a shard that was asked for before is not done for all that.
        yield client.get_executor(pure=False)
