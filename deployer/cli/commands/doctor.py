"""``deployer doctor``: everything that would keep a deploy from working, at once."""

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deployer.cli import output
from deployer.cli.options import Format, Output, SpecFile
from deployer.values import format_count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.execution import Session
    from deployer.preflight import Checkup

__all__ = ["doctor"]

_SCHEMA = "deployer/doctor/v1"
_WRONG = 5
_WIDTH, _LEAST = 100, 20
_COLUMNS = (
    output.Column("target"),
    output.Column("check"),
    output.Column("state"),
    output.Column("found"),
)


def doctor(
    targets: Annotated[
        list[str] | None, typer.Argument(metavar="[TARGET]...", help="Only these; else all.")
    ] = None,
    file: SpecFile = Path("deployer.yaml"),
    output_format: Output = Format.TABLE,
    timeout: Annotated[
        float,
        typer.Option(
            "--timeout",
            metavar="SECONDS",
            min=0.1,
            help="How long each may take.",
            show_default=True,
        ),
    ] = 30.0,
) -> None:
    """Find what would keep a deploy from working.

    All targets at once: way in, version, kinds of objects, rights, quotas, room on the nodes,
    storage, secrets; and each store. Nothing is changed, but for an object of its own that each
    store is tried with. Exits 5 when something is wrong.

    Example: deployer doctor aws-virginia -f deployer.yaml
    """
    from deployer.execution import check_session
    from deployer.wiring import open_session

    session = open_session(file)
    checkups = check_session(
        session, only=_choose(session, targets or []), thorough=True, timeout_seconds=timeout
    )
    if output_format is Format.JSON:
        output.print_json(_SCHEMA, _describe(session.spec.name, checkups))
    else:
        _print(session.spec.name, checkups, wide=output_format is Format.WIDE)
    if any(checkup.errors for checkup in checkups):
        raise typer.Exit(_WRONG)


def _choose(session: "Session", names: "Sequence[str]") -> "list[str]":
    from deployer.errors import SourceError

    known = [target.name for target in session.spec.targets]
    for name in names:
        if name not in known:
            raise SourceError(f"the spec has no target {name!r}; it has {', '.join(known)}")
    return list(names) or known


def _describe(name: str, checkups: "Sequence[Checkup]") -> dict[str, Any]:
    return {
        "name": name,
        "targets": [
            {
                "target": checkup.target,
                "findings": [
                    {
                        "check": each.check,
                        "state": each.severity.value,
                        "found": each.message,
                        "hint": each.hint or None,
                    }
                    for each in checkup.findings
                ],
            }
            for checkup in checkups
        ],
    }


def _print(name: str, checkups: "Sequence[Checkup]", *, wide: bool) -> None:
    wrong = sum(bool(checkup.errors) for checkup in checkups)
    count = format_count(len(checkups), "target")
    state = f"{wrong} of {count} cannot take a deploy" if wrong else f"{count} can take a deploy"
    typer.echo(f"{name}: {state}\n")
    rows = [
        [checkup.target, each.check, each.severity.value, each.message]
        for checkup in checkups
        for each in checkup.findings
    ]
    output.print_table(_COLUMNS, rows if wide else _cut(rows), wide=wide)
    for checkup in checkups:
        for each in checkup.findings:
            if each.severity != "ok":
                typer.echo(f"\n{checkup.target}: {each.severity.value}: {each.message}")
                typer.echo(textwrap.indent(each.hint.rstrip(), "  "), nl=bool(each.hint))


def _cut(rows: "Sequence[Sequence[str]]") -> list[list[str]]:
    """Cut the sentences so that the table fits; what is wrong is told in full below it."""
    titles = [column.title for column in _COLUMNS]
    others = sum(max(map(len, cells)) + 2 for cells in list(zip(titles, *rows, strict=True))[:-1])
    left = max(_LEAST, min(_WIDTH, output.count_columns()) - others)
    return [
        [*row[:-1], row[-1] if len(row[-1]) <= left else f"{row[-1][: left - 1]}…"] for row in rows
    ]
