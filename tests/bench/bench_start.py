"""How long the command line takes to start: CPU seconds, best of several, and as a ratio.

The limit is 90 ms of CPU for ``deployer --help``; the peer is an empty typer application.
``deployer schema --help`` is there for what a command takes before it begins.
"""

import os
import resource
import subprocess
import sys
from pathlib import Path

RUNS = 15
LIMIT_MS = 90.0
DEPLOYER = str(Path(sys.executable).parent / "deployer")
EMPTY = (
    "import typer\n"
    "app = typer.Typer(rich_markup_mode=None)\n"
    "app.callback()(lambda: None)\n"
    "app.command('a')(lambda: None)\n"
    "app(['--help'])\n"
)


def cpu_ms(command: list[str]) -> float:
    """Return user and system time of the best run, in ms."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    best = float("inf")
    for _ in range(RUNS):
        before = children_seconds()
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
        best = min(best, (children_seconds() - before) * 1000)
    return best


def children_seconds() -> float:
    """Return the CPU time of ended children; `os.times` would count it in steps of 10 ms."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    python = cpu_ms([sys.executable, "-c", "pass"])
    empty = cpu_ms([sys.executable, "-c", EMPTY])
    ours = cpu_ms([DEPLOYER, "--help"])
    print(f"python -c pass            {python:6.0f} ms CPU")
    print(f"an empty typer app        {empty:6.0f} ms CPU")
    print(f"deployer --help           {ours:6.0f} ms CPU")
    command = cpu_ms([DEPLOYER, "schema", "--help"])
    print(f"deployer schema --help    {command:6.0f} ms CPU")
    print(f"ratio to the empty app    {ours / empty:6.2f}")
    print(f"ratio to the limit        {ours / LIMIT_MS:6.2f}   (limit {LIMIT_MS:.0f} ms)")


if __name__ == "__main__":
    main()
