"""Training in several processes: what they learn together, and how they are started and ended."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from signflow.errors import UserError
from signflow.store import Store
from signflow.training import Processes, Run, TrainConfig, load_model, processes_asked, train

CONFIG = TrainConfig(
    model="late-fusion", batch_size=5, learning_rate=1e-3, epochs=5, augment="standard"
)
FIRST, LATER = 2e-4, 2e-3
"""How far losses may be apart, in the first epoch and after it: gradients are summed in another
order, in 32 bits, and where one is all but nothing Adam takes a step by what is left of it.
Convolutions by tiles also tell pixels apart by rounding that come out alike, which makes 5e-5."""


@pytest.fixture(scope="module")
def alone(square_store: Path, tmp_path_factory: pytest.TempPathFactory) -> list[float]:
    """The losses of one process, epoch by epoch. The last of the 18 clips make a step of three."""
    out = tmp_path_factory.mktemp("runs") / "alone"
    train(Store.open(square_store), config=CONFIG, out=out, device="cpu")
    return losses(out)


def losses(run: Path) -> list[float]:
    epochs = Run.open(run).read_metrics()
    return [number for e in epochs for number in (e.train_loss, e.val_loss, e.val_top1)]


def words(store: Path, out: Path, *more: str) -> list[str]:
    options = [*CONFIG.command_options(), "--device", "cpu", *more]
    return ["signflow.cli.main", "train", str(store), *options, "--out", str(out)]


def followers_of(out: Path) -> list[int]:
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            command = (place / "cmdline").read_bytes()
        except OSError:
            continue
        if b"signflow.training.follow" in command and str(out).encode() in command:
            found.append(int(place.name))
    return found


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds processes in /proc")
def test_two_processes_that_are_killed_and_go_on_learn_what_one_learns(
    alone: list[float], square_store: Path, tmp_path: Path
):
    out = tmp_path / "run"
    command = [sys.executable, "-m", *words(square_store, out, "--devices", "2")]
    command += ["--checkpoint-seconds", "0"]

    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 200
    while not (out / "last.pt").exists():
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    while followers_of(out):
        assert time.monotonic() < deadline, "the second process outlived the first"
        time.sleep(0.05)
    train(
        Store.open(square_store),
        config=CONFIG,
        out=out,
        device="cpu",
        processes=processes_asked(devices=2),
    )

    assert losses(out)[:3] == pytest.approx(alone[:3], abs=FIRST)
    assert losses(out) == pytest.approx(alone, abs=LATER)
    assert load_model(out / "model.safetensors").calibration.clips == 9
    assert followers_of(out) == []
    assert sorted(path.name for path in out.iterdir()) == [
        "config.json",
        "environment.json",
        "metrics.jsonl",
        "model.safetensors",
    ]


@pytest.mark.slow
def test_two_machines_started_by_torchrun_learn_what_one_process_learns(
    alone: list[float], square_store: Path, tmp_path: Path
):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    started = []
    for rank in ("0", "1"):
        command = [sys.executable, "-m", "torch.distributed.run", "--nnodes", "2"]
        command += ["--nproc-per-node", "1", "--node-rank", rank]
        command += ["--master-addr", "127.0.0.1", "--master-port", port, "-m"]
        command += words(square_store, tmp_path / "run")
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))

    said = [process.communicate(timeout=240)[0] for process in started]

    assert [process.returncode for process in started] == [0, 0]
    assert losses(tmp_path / "run")[:3] == pytest.approx(alone[:3], abs=FIRST)
    assert losses(tmp_path / "run") == pytest.approx(alone, abs=LATER)
    assert "".join(said).count("best epoch") == 1


TORCHRUN = {"TORCHELASTIC_RUN_ID": "none", "LOCAL_WORLD_SIZE": "4", "WORLD_SIZE": "8", "RANK": "5"}
SLURM = {"SLURM_STEP_ID": "0", "SLURM_NTASKS": "8", "SLURM_NNODES": "2", "SLURM_PROCID": "0"}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, str]], None]:
    def become(variables: dict[str, str]) -> None:
        for name in (*TORCHRUN, *SLURM):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return become


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, Processes()),
        (TORCHRUN, Processes(devices=4, nodes=2, rank=5, outside=True)),
        (SLURM, Processes(devices=4, nodes=2, rank=0, outside=True)),
        # In a batch script, outside of srun: one process, whatever the job has been given.
        ({**SLURM, "SLURM_STEP_ID": ""}, Processes()),
        ({**SLURM, "SLURM_NTASKS": "1", "SLURM_NNODES": "1"}, Processes()),
    ],
)
def test_what_started_the_processes_says_how_many_there_are(
    variables: dict[str, str],
    expected: Processes,
    environment: Callable[[dict[str, str]], None],
):
    environment({name: value for name, value in variables.items() if value})

    assert processes_asked() == expected


@pytest.mark.parametrize(
    ("variables", "devices", "nodes", "message"),
    [
        ({}, 0, None, "--devices 0: must be 1 or more"),
        ({}, None, 2, "--nodes 2: several machines are started by torchrun or Slurm"),
        (TORCHRUN, 2, None, "--devices 2: torchrun or Slurm started 4"),
        (SLURM, None, 3, "--nodes 3: torchrun or Slurm started 2"),
    ],
)
def test_options_that_contradict_the_environment_are_refused(
    variables: dict[str, str],
    devices: int | None,
    nodes: int | None,
    message: str,
    environment: Callable[[dict[str, str]], None],
):
    environment(variables)

    with pytest.raises(UserError, match=message):
        processes_asked(devices, nodes)


def test_who_trains_alone_does_so_whatever_slurm_has_started(
    square_store: Path, tmp_path: Path, environment: Callable[[dict[str, str]], None]
):
    environment({**SLURM, "SLURM_PROCID": "3"})
    config = replace(CONFIG, model="temporal", epochs=1)

    run = train(Store.open(square_store), config=config, out=tmp_path / "run", device="cpu")

    assert run.complete


def test_a_batch_smaller_than_the_number_of_processes_is_refused(
    square_store: Path, tmp_path: Path
):
    with pytest.raises(UserError, match=r"--batch-size 5: is that of all 6 processes"):
        train(
            Store.open(square_store),
            config=CONFIG,
            out=tmp_path / "run",
            device="cpu",
            processes=processes_asked(devices=6),
        )

    assert not (tmp_path / "run").exists()
