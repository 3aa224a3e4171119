"""``deployer destroy``: take the deployment off targets."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deployer.cli import output
from deployer.cli.narrator import narrate
from deployer.cli.options import Format, Output, Quiet, SpecFile, Takeover, Yes
from deployer.values import format_count

if TYPE_CHECKING:
    from deployer.errors import DeployerError
    from deployer.execution import Session
    from deployer.ports import ObjectRef

    Belongings = Mapping[str, tuple[ObjectRef, ...] | DeployerError]

__all__ = ["DESTROY_SCHEMA", "destroy"]

DESTROY_SCHEMA = "deployer/destroy/v1"


def destroy(
    file: SpecFile = Path("deployer.yaml"),
    target: Annotated[
        list[str] | None,
        typer.Option("--target", metavar="NAME", help="Only this one; the spec may have lost it."),
    ] = None,
    yes: Yes = False,
    output_format: Output = Format.TABLE,
    takeover: Takeover = False,
    quiet: Quiet = False,
) -> None:
    """Delete what runs on the targets, or on one of them.

    Traffic is taken away first. Models in the stores and the record of releases stay. A target that
    was removed from the spec is found in the record. Without --yes the name has to be typed.

    Example: deployer destroy --target gcp-iowa
    """
    from deployer import execution
    from deployer.wiring import open_session

    session = _with_orphans(open_session(file), target or [])
    names = target or _all_targets(session)
    if not yes:
        _confirm(session.spec.name, execution.find_belongings(session, names))
    with narrate(quiet=quiet) as tell:
        done = execution.destroy(session, names, tell=tell, takeover=takeover)
    if output_format is Format.JSON:
        output.print_json(DESTROY_SCHEMA, {"name": done.name, "deleted": dict(done.deleted)})
        return
    for name, count in done.deleted.items():
        typer.echo(f"{name}: {format_count(count, 'object')} deleted")


def _with_orphans(session: "Session", targets: list[str]) -> "Session":
    from deployer.wiring import open_orphan

    for name in targets:
        if name not in session.providers:
            session = open_orphan(session, name)
    return session


def _all_targets(session: "Session") -> list[str]:
    return [target.name for target in session.spec.targets]


def _confirm(name: str, belongings: "Belongings") -> None:
    from deployer.errors import DeployerError, SourceError

    for target, found in belongings.items():
        if isinstance(found, DeployerError):
            raise found
        refs = ", ".join(map(str, found)) or "nothing"
        typer.echo(f"{target}: {format_count(len(found), 'object')}: {refs}", err=True)
    if not sys.stdin.isatty():
        raise SourceError(
            "this deletes what is listed above, and nobody is there to agree",
            hint="Say so beforehand: deployer destroy --yes",
        )
    if typer.prompt(f"Type the deployment's name, {name}, to delete it", err=True) != name:
        raise SourceError("that is not the deployment's name; nothing was deleted")
