"""``deployer deploy``: make the spec live on every target."""

from pathlib import Path
from typing import Annotated

import typer

from deployer.cli import output
from deployer.cli.narrator import narrate
from deployer.cli.options import Format, MaxDeletions, Output, Quiet, SpecFile, Takeover

__all__ = ["deploy"]


def deploy(
    file: SpecFile = Path("deployer.yaml"),
    output_format: Output = Format.TABLE,
    plan: Annotated[
        Path | None,
        typer.Option("--plan", metavar="FILE", help="Run this saved plan, or refuse if it moved."),
    ] = None,
    quarantined: Annotated[
        int | None,
        typer.Option("--quarantined", metavar="N", help="Try quarantined release N again."),
    ] = None,
    max_deletions: MaxDeletions = 25,
    takeover: Takeover = False,
    quiet: Quiet = False,
) -> None:
    """Deploy the model to every target.

    Push, apply, prove, shift, soak, record. The old release serves until the new one has proved
    itself on every target. Killed at any instant, the same command goes on or undoes.

    Example: deployer deploy -f deployer.yaml
    """
    with narrate(quiet=quiet) as tell, output.explain_interrupt(_interrupted(file)):
        tell.say(f"reading {file}, the model and what is recorded")
        from deployer import execution
        from deployer.artifact import scan_artifact
        from deployer.wiring import open_session, read_plan

        saved = read_plan(plan) if plan else None
        session = open_session(file)
        result = execution.deploy(
            session,
            scan_artifact(session.spec.locate(session.spec.model.path)),
            tell=tell,
            saved=saved,
            quarantined=quarantined,
            max_deletions=max_deletions,
            takeover=takeover,
        )
    output.print_result("deploy", session.spec.name, result, json=output_format is Format.JSON)


def _interrupted(file: Path) -> str:
    on, back = (output.format_command(verb, file) for verb in ("deploy", "rollback"))
    return (
        "interrupted; nothing more is submitted, and what was serving is serving. "
        f"Next: {on} goes on, {back} puts back what was there."
    )
