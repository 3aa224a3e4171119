"""Everything the command line prints: tables, JSON, errors, and how numbers and times read.

Data goes to stdout, everything else to stderr. Colour only repeats what a word says, and only on a
terminal without ``NO_COLOR``.
"""

import os
import shlex
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from deployer.errors import DeployerError, Fault, NoHealthyTargetError, SpecError

if TYPE_CHECKING:
    from deployer.execution import RunResult

__all__ = [
    "Column",
    "count_columns",
    "explain_interrupt",
    "format_age",
    "format_bytes",
    "format_command",
    "format_duration",
    "format_json",
    "format_table",
    "is_terminal",
    "print_error",
    "print_json",
    "print_lines",
    "print_note",
    "print_result",
    "print_table",
]

_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Column:
    """A table's column. The highest ``drop`` goes first when it does not fit; 0 never goes."""

    title: str
    right: bool = False
    drop: int = 0


def print_json(schema: str, document: dict[str, Any]) -> None:
    """Print one JSON document that begins with its ``schema``, such as ``deployer/status/v1``."""
    typer.echo(format_json(schema, document))


def format_json(schema: str, document: dict[str, Any]) -> str:
    """Return one JSON document that begins with its ``schema``."""
    import json

    return json.dumps({"schema": schema, **document}, indent=2, ensure_ascii=False)


def print_note(text: str) -> None:
    """Print a line for people, to stderr."""
    typer.echo(text, err=True)


def print_error(error: DeployerError) -> None:
    """Print one paragraph: what failed, where, why, what to do."""
    lines = [f"error: {error.message}"]
    if isinstance(error, SpecError):
        lines += [f"  {_format_fault(error.file.name, fault)}" for fault in error.faults]
    if isinstance(error, NoHealthyTargetError):
        lines += [f"  {attempt}" for attempt in error.attempts]
    if error.hint:
        lines.append(textwrap.indent(error.hint, "  "))
    lines += [f"  {note}" for note in getattr(error, "__notes__", ())]
    typer.echo("\n".join(lines), err=True)


@contextmanager
def explain_interrupt(text: str) -> Iterator[None]:
    """On Ctrl-C, say at once what it means and what to type next."""
    try:
        yield
    except KeyboardInterrupt:
        print_note(text)
        raise typer.Exit(130) from None


def print_result(verb: str, name: str, result: "RunResult | None", *, json: bool) -> None:
    """Print how a deploy or rollback ended; None means that there was nothing to do."""
    if json:
        print_json(
            f"deployer/{verb}/v1",
            {
                "name": name,
                "changed": result is not None,
                "release": result.release if result else None,
                "seconds": round(result.seconds, 3) if result else 0.0,
                "failed": {name: error.message for name, error in result.failed.items()}
                if result
                else {},
            },
        )
    elif result is None:
        typer.echo(f"{name}: nothing to do; what was asked for is live everywhere")
    elif not result.release:
        typer.echo(f"{name}: what was begun is undone; nothing is live")
    else:
        where = "on every target" if not result.failed else "on a quorum of the targets"
        took = format_duration(result.seconds)
        typer.echo(f"{name}: release {result.release} is live {where} ({took})")
        for target, error in result.failed.items():
            typer.echo(f"  not on {target}: {error.message}")


def _format_fault(file: str, fault: Fault) -> str:
    path = f"{fault.path}: " if fault.path else ""
    return f"{file}:{fault.line}:{fault.column}: {path}{fault.message}"


def print_table(
    columns: Sequence[Column],
    rows: Sequence[Sequence[str]],
    *,
    footer: Sequence[str] | None = None,
    wide: bool = False,
) -> None:
    """Print a table that fits the terminal (100 columns at most): it drops columns, never wraps."""
    for line in format_table(columns, rows, footer=footer, width=None if wide else _table_width()):
        typer.echo(line)


def format_table(
    columns: Sequence[Column],
    rows: Sequence[Sequence[str]],
    *,
    footer: Sequence[str] | None = None,
    width: int | None = _WIDTH,
) -> list[str]:
    """Return the table's lines; ``footer`` stands under a rule. ``width`` None keeps everything."""
    every = [*rows, footer] if footer else list(rows)
    widths = [
        max([len(column.title), *(len(row[i]) for row in every)])
        for i, column in enumerate(columns)
    ]
    shown = _columns_that_fit(columns, widths, width)

    def line(cells: Sequence[str]) -> str:
        parts = [
            cells[i].rjust(widths[i]) if columns[i].right else cells[i].ljust(widths[i])
            for i in shown
        ]
        return "  ".join(parts).rstrip()

    lines = [line([column.title for column in columns]), *(line(row) for row in rows)]
    if footer:
        lines += [line(["─" * widths[i] if footer[i] else "" for i in range(len(columns))])]
        lines += [line(footer)]
    return lines


def _columns_that_fit(
    columns: Sequence[Column], widths: Sequence[int], width: int | None
) -> list[int]:
    shown = list(range(len(columns)))
    if width is None:
        return shown
    for victim in sorted(shown, key=lambda i: -columns[i].drop):
        if sum(widths[i] for i in shown) + 2 * (len(shown) - 1) <= width:
            break
        if columns[victim].drop:
            shown.remove(victim)
    return shown


def print_lines(lines: Iterable[str], *, wide: bool = False) -> None:
    """Print sentences, each wrapped at the terminal's width (100 columns at most)."""
    for text in lines:
        indent = " " * (len(text) - len(text.lstrip()) + 2)
        wrapped = textwrap.wrap(
            text, _table_width(), subsequent_indent=indent, break_on_hyphens=False
        )
        typer.echo(text if wide else "\n".join(wrapped))


def _table_width() -> int:
    return min(_WIDTH, count_columns())


def count_columns() -> int:
    """Return the terminal's width in characters; 100 where there is none."""
    return shutil.get_terminal_size((_WIDTH, 24)).columns


def is_terminal() -> bool:
    """Say whether stderr is a terminal that may be redrawn."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def format_bytes(count: int) -> str:
    """Return bytes as people read them: ``512 B``, ``18.4 MiB``."""
    size = float(count)
    unit = "B"
    for larger in ("KiB", "MiB", "GiB"):
        if size < 1024:  # noqa: PLR2004 - what KiB means
            break
        size, unit = size / 1024, larger
    return f"{count} B" if unit == "B" else f"{size:,.1f} {unit}"


def format_command(words: str, file: Path) -> str:
    """Return a command to type next, for the spec in ``file``: ``deployer plan -f other.yaml``."""
    usual = file == Path("deployer.yaml")
    return f"deployer {words}" if usual else f"deployer {words} -f {shlex.quote(str(file))}"


def format_duration(seconds: float) -> str:
    """Return a duration as people read it: ``0.3 s``, ``1 m 12 s``, ``6 d 4 h``."""
    if seconds < 10:  # noqa: PLR2004 - below ten, tenths matter
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes:02d} m"
    return f"{minutes} m {rest:02d} s" if minutes else f"{rest} s"


def format_age(then: datetime | None, now: datetime) -> str:
    """Return how long ago ``then`` was, for people; ``never`` for None."""
    if then is None:
        return "never"
    seconds = max(0.0, (now - then).total_seconds())
    return "now" if seconds < 1 else f"{format_duration(seconds)} ago"
