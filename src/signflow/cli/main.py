"""`signflow COMMAND ...`: finds the command, and turns errors into one line and an exit status."""

import sys
from collections.abc import Sequence
from importlib import import_module

from rich.markup import escape
from rich.table import Table

import signflow
from signflow.errors import UserError
from signflow.progress import console, console_err

# Commands are imported when they are used: `signflow build` need not wait for PyTorch.
COMMANDS = {
    "synth": "render signers: stand-in videos with MS-ASL annotations",
    "download": "fetch the videos that annotations speak of",
    "audit": "look at a set before any training: what is there, and what leaks",
    "build": "turn clips into a store of frames and optical flow",
    "show": "draw a clip of a store: frames, flow, what a run takes it for",
    "models": "list the networks",
    "train": "train a network on a store",
    "sweep": "train many: a protocol, a grid, a search",
    "evaluate": "measure a run on a split",
    "predict": "say which sign a video shows",
    "spot": "find the signs of a long video: when, which, how sure",
    "export": "write a run as one ONNX file, checked, with a model card",
    "app": "open a web page: record signs, train on them, recognise them",
    "report": "make one page, or tables for a paper, of runs",
}
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit: 0 done, 1 came to nothing, 2 wrong use, 130 interrupted."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(_run(words))


def _run(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help"):
        _print_help()
        return 0 if words else 2
    if words[0] == "--version":
        console.print(f"signflow {signflow.__version__}", highlight=False)
        return 0
    if words[0] not in COMMANDS:
        return _fail(f"{words[0]!r} is no command; the commands are {', '.join(COMMANDS)}", 2)
    command = import_module(f"signflow.cli.{words[0]}")
    try:
        command.run(words[1:])
    except UserError as error:
        return _fail(str(error), error.exit_status)
    except KeyboardInterrupt:
        return _fail("stopped; the same command goes on from here", INTERRUPTED)
    except OSError as error:
        # A full disk, a directory without permission: what is finished is kept.
        where = f"{error.filename}: " if error.filename else ""
        return _fail(f"{where}{error.strerror or error}", 1)
    return 0


def _fail(message: str, status: int) -> int:
    console_err.print(f"[bold red]signflow:[/] {escape(message)}", highlight=False, soft_wrap=True)
    return status


def _print_help() -> None:
    console.print("Usage: [bold]signflow COMMAND ...[/]    recognise signs in video\n")
    table = Table(box=None, show_header=False, padding=(0, 2))
    for name, line in COMMANDS.items():
        table.add_row(f"[bold]{name}[/]", line)
    console.print(table)
    console.print("\n[bold]signflow COMMAND --help[/] lists a command's options.")


if __name__ == "__main__":
    main()
