"""The console script: answers what needs no command line at once, and starts it for the rest.

Importing typer takes 80 ms, so ``deployer --help`` prints a page that `docs/generate_commands.py`
wrote; a test keeps it equal to what typer would say. And what is imported at start is no garbage:
the collector stays off until a command runs (`deployer.cli.app` turns it on).
"""

import gc
import os
import sys

__all__ = ["HELP_COLUMNS", "discard_output", "main"]

HELP_COLUMNS = 80
"""The width that the page of help is written for; a narrower terminal gets typer's own."""


def main() -> None:
    """Run the command line."""
    if sys.argv[1:] in (["--help"], ["-h"]) and _columns() >= HELP_COLUMNS:
        _print_help()
        return
    gc.disable()
    from deployer.cli.app import main as run

    run()


def discard_output() -> None:
    """Let what is still to be written go nowhere: nobody reads the pipe any more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _print_help() -> None:
    from deployer.cli.help import HELP

    try:
        sys.stdout.write(HELP)
        sys.stdout.flush()
    except BrokenPipeError:
        discard_output()


def _columns() -> int:
    """Return the terminal's width as `shutil.get_terminal_size` finds it, without its imports."""
    wanted = os.environ.get("COLUMNS", "")
    if wanted.isdecimal() and int(wanted):
        return int(wanted)
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or HELP_COLUMNS
    except (ValueError, OSError):
        return HELP_COLUMNS
