"""Write what is made of the command line's own help: python docs/generate_commands.py.

That is docs/commands.md, and the page that `deployer --help` prints.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from deployer.cli import app as entry
from deployer.cli import start

TARGET = Path(__file__).with_name("commands.md")
HELP_TARGET = Path(start.__file__).with_name("help.py")
HELP_HEAD = '''\
"""What `deployer --help` prints: written by docs/generate_commands.py, kept equal by a test."""

__all__ = ["HELP"]

HELP = """\\
'''
HEAD = """\
# Commands

Written from the help of each command by `python docs/generate_commands.py`; a test keeps it equal.

## Exit codes

{codes}
"""
WIDTH = 96


def generate_commands() -> str:
    """Return the page: the exit codes, then every command with its help."""
    parts = [HEAD.format(codes=_code_table())]
    parts += [_section(words, context) for words, context in _walk(get_command(entry.app), None)]
    return "\n".join(parts)


def generate_help() -> str:
    """Return the module with the page of `deployer --help`."""
    command = get_command(entry.app)
    settings = {**command.context_settings, "terminal_width": start.HELP_COLUMNS}
    context = command.context_class(command, info_name=command.name, **settings)
    return f'{HELP_HEAD}{command.get_help(context)}\n"""\n'


def _code_table() -> str:
    rows = re.findall(r"^(\d+) +(.+)$", entry.__doc__ or "", re.MULTILINE)
    return "\n".join(
        ["| code | meaning |", "|---|---|", *(f"| {c} | {text} |" for c, text in rows)]
    )


def _walk(command: Any, parent: Any) -> Iterator[tuple[str, Any]]:
    name = command.name if parent is None else f"{parent.command_path} {command.name}"
    settings = {**command.context_settings, "terminal_width": WIDTH}
    context = command.context_class(command, info_name=command.name, parent=parent, **settings)
    yield name, context
    for child in getattr(command, "commands", {}).values():
        yield from _walk(child, context)


def _section(words: str, context: Any) -> str:
    return f"## {words}\n\n```text\n{context.command.get_help(context)}\n```\n"


if __name__ == "__main__":
    TARGET.write_text(generate_commands())
    HELP_TARGET.write_text(generate_help())
    sys.stderr.write(f"wrote {TARGET} and {HELP_TARGET}\n")
