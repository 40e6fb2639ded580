"""The processes that train together: on one machine, or started by torchrun or Slurm."""

import logging
import os
import socket
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from signflow.errors import UserError
from signflow.training.config import TrainConfig

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from lightning_fabric.strategies.ddp import DDPStrategy

Value = TypeVar("Value")

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class Processes:
    """Who trains together.

    Attributes:
        devices: processes on each machine, each with a device of its own.
        nodes: machines.
        rank: which process this is, from 0, over all machines.
        outside: whether torchrun or Slurm started them; else `train` starts those beside the first.
        port: on the loopback, where they find each other; None where torchrun or Slurm says.
    """

    devices: int = 1
    nodes: int = 1
    rank: int = 0
    outside: bool = False
    port: int | None = None

    @property
    def count(self) -> int:
        """How many there are."""
        return self.devices * self.nodes

    @property
    def first(self) -> bool:
        """Whether this is the one that writes files and speaks to people."""
        return self.rank == 0

    def check_batch_size(self, clips: int) -> None:
        """Make sure that there is work for all.

        Raises:
            UserError: a step has fewer clips than there are processes.
        """
        if clips < self.count:
            raise UserError(
                f"--batch-size {clips}: is that of all {self.count} processes together; must be"
                f" {self.count} or more"
            )


def processes_asked(devices: int | None = None, nodes: int | None = None) -> Processes:
    """The processes that options and environment ask for.

    Args:
        devices: processes on each machine; None: as many as torchrun or Slurm started, or 1.
        nodes: machines; None: likewise.

    Raises:
        UserError: the options contradict what torchrun or Slurm started, or several machines are
            asked for and neither started this process.
    """
    for name, value in (("--devices", devices), ("--nodes", nodes)):
        if value is not None and value < 1:
            raise UserError(f"{name} {value}: must be 1 or more")
    started = _started_outside()
    if started is None:
        if nodes is not None and nodes > 1:
            raise UserError(
                f"--nodes {nodes}: several machines are started by torchrun or Slurm; the lines are"
                " in docs/training.md"
            )
        alone = devices in (None, 1)
        return Processes(devices=devices or 1, port=None if alone else _free_port())
    for name, value, there in (
        ("--devices", devices, started.devices),
        ("--nodes", nodes, started.nodes),
    ):
        if value is not None and value != there:
            raise UserError(f"{name} {value}: torchrun or Slurm started {there}; leave {name} out")
    return started


@contextmanager
def fabric_of(processes: Processes, *, config: TrainConfig, device: str) -> Iterator["Fabric"]:
    """Join the processes; they part when the block is left.

    Raises:
        UserError: there is no such device, too few of them, or it cannot compute in the precision.
    """
    # Fabric brings in PyTorch's compiler: seconds that only those who train should wait for.
    import torch.distributed
    from lightning_fabric import Fabric
    from lightning_fabric.plugins.environments.lightning import LightningEnvironment
    from lightning_fabric.utilities.exceptions import MisconfigurationException

    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            # Fabric takes bfloat16 for float16 on a CPU, with a warning; here it is refused below.
            warnings.simplefilter("ignore")
            fabric = Fabric(
                accelerator=device,
                devices=processes.devices,
                num_nodes=processes.nodes,
                strategy=_strategy(processes) if processes.count > 1 else "auto",
                # Who trains alone does so whatever torchrun or Slurm said: a sweep is started
                # several times by them, and its processes know nothing of each other.
                plugins=[LightningEnvironment()] if processes.count == 1 else None,
                precision=config.precision,
            )
    except (ImportError, MisconfigurationException, RuntimeError, ValueError) as error:
        asked = f"--device {device} with {processes.devices} of them on a machine"
        raise UserError(f"{asked}: {str(error).strip().splitlines()[0]}") from None
    if config.precision == "16-mixed" and fabric.device.type == "cpu":
        raise UserError("--precision 16-mixed: needs a GPU; on a CPU 32-true or bf16-mixed")
    try:
        fabric.launch()
        yield fabric
    finally:
        if processes.count > 1 and torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()


def first_does(fabric: "Fabric", action: Callable[[], Value]) -> Value:
    """Let the first process do something, and all know what came of it.

    Args:
        fabric: the processes.
        action: done in the first process only. Its value is sent to the others.

    Raises:
        UserError: `action` raised it; then it is raised in all processes.
    """
    if fabric.world_size == 1:
        return action()
    value: Value | None = None
    failure: tuple[str, int] | None = None
    if fabric.global_rank == 0:
        try:
            value = action()
        except UserError as error:
            failure = str(error), error.exit_status
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            failure = f"{where}{error.strerror or error}", 1
    value, failure = fabric.broadcast((value, failure))
    if failure is not None:
        raise UserError(failure[0], exit_status=failure[1])
    return value  # type: ignore[return-value]


@contextmanager
def only_the_first_speaks(processes: Processes) -> Iterator[None]:
    """End every process but the first without a word where all of them fail alike."""
    try:
        yield
    except UserError as error:
        if not processes.first:
            sys.exit(error.exit_status)
        raise


def _strategy(processes: Processes) -> "DDPStrategy":
    from lightning_fabric.plugins.environments.lightning import LightningEnvironment
    from lightning_fabric.strategies.ddp import DDPStrategy

    class Loopback(LightningEnvironment):
        """One machine, processes that `train` has started itself."""

        creates_processes_externally = True
        main_address = LOOPBACK
        main_port = processes.port or 0

        def local_rank(self) -> int:
            return processes.rank

        def node_rank(self) -> int:
            return 0

    # Gradients are views into the buckets that are sent: one copy of them less in memory.
    return DDPStrategy(
        cluster_environment=None if processes.outside else Loopback(),
        gradient_as_bucket_view=True,
    )


def _started_outside() -> Processes | None:
    """What torchrun or `srun` says about its processes."""
    if "TORCHELASTIC_RUN_ID" in os.environ:
        devices = int(os.environ["LOCAL_WORLD_SIZE"])
        count, rank = int(os.environ["WORLD_SIZE"]), int(os.environ["RANK"])
        return Processes(devices=devices, nodes=count // devices, rank=rank, outside=True)
    # Within a batch script, but not under srun, Slurm's other variables are set as well.
    if "SLURM_STEP_ID" in os.environ and int(os.environ.get("SLURM_NTASKS", "1")) > 1:
        nodes, count = int(os.environ["SLURM_NNODES"]), int(os.environ["SLURM_NTASKS"])
        rank = int(os.environ["SLURM_PROCID"])
        return Processes(devices=count // nodes, nodes=nodes, rank=rank, outside=True)
    return None


def _free_port() -> int:
    with socket.socket() as free:
        free.bind((LOOPBACK, 0))
        return int(free.getsockname()[1])
