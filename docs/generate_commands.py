"""Write docs/commands.md from the command line's own help: python docs/generate_commands.py."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from deployer.cli import app as entry

TARGET = Path(__file__).with_name("commands.md")
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
    sys.stderr.write(f"wrote {TARGET}\n")
