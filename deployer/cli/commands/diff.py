"""``deployer diff``: what a deploy would change on the clusters, field by field."""

from pathlib import Path

import typer

from deployer.cli import output
from deployer.cli.options import Format, Output, SpecFile

__all__ = ["DIFF_SCHEMA", "diff"]

DIFF_SCHEMA = "deployer/diff/v1"

_CHANGES = 2


def diff(file: SpecFile = Path("deployer.yaml"), output_format: Output = Format.TABLE) -> None:
    """Show what a deploy would change on each cluster, field by field.

    Each cluster answers for itself, by a dry run: live value first, then the one that it would be.
    What Secrets hold is hidden. Exits 0 when nothing would change, 2 when something would.

    Example: deployer diff -o json
    """
    from deployer.artifact import scan_artifact
    from deployer.cli.differences import describe_differences, print_differences
    from deployer.execution import diff_plan, make_plan
    from deployer.wiring import open_session

    session = open_session(file)
    plan = make_plan(session, scan_artifact(session.spec.locate(session.spec.model.path)))
    found = diff_plan(session, plan)
    if output_format is Format.JSON:
        document = {"name": plan.name, "release": plan.release}
        output.print_json(DIFF_SCHEMA, {**document, "targets": describe_differences(found)})
    else:
        typer.echo(f"{plan.name}: release {plan.release} against what is live")
        print_differences(found, nothing="nothing would change")
    if any(target.differs or target.unknown for target in found):
        raise typer.Exit(_CHANGES)
