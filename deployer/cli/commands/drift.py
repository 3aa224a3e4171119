"""``deployer drift``: what somebody changed on the clusters since the release."""

from pathlib import Path

import typer

from deployer.cli import output
from deployer.cli.options import Format, Output, SpecFile

__all__ = ["DRIFT_SCHEMA", "drift"]

DRIFT_SCHEMA = "deployer/drift/v1"

_DRIFTED = 2
_UNKNOWN = 3


def drift(file: SpecFile = Path("deployer.yaml"), output_format: Output = Format.TABLE) -> None:
    """Show what somebody changed on the clusters since the release.

    Only fields that the release sets count, and not those that an autoscaler or a policy of the
    spec has left to others. Exits 0 without drift, 2 with it, 3 when a target is unknown.

    Example: deployer drift
    """
    from deployer.cli.differences import describe_differences, print_differences
    from deployer.execution import find_drift
    from deployer.wiring import open_session

    session = open_session(file)
    found = find_drift(session)
    if output_format is Format.JSON:
        name = session.spec.name
        output.print_json(DRIFT_SCHEMA, {"name": name, "targets": describe_differences(found)})
    else:
        print_differences(found, nothing="as released")
        if not found:
            typer.echo(f"{session.spec.name}: nothing is deployed")
    if any(target.differs for target in found):
        typer.echo(f"Next: {output.format_command('deploy', file)} puts it back", err=True)
        raise typer.Exit(_DRIFTED)
    if any(target.unknown for target in found):
        raise typer.Exit(_UNKNOWN)
