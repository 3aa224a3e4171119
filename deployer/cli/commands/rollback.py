"""``deployer rollback``: bring back a release that is recorded as verified."""

from pathlib import Path
from typing import Annotated

import typer

from deployer.cli import output
from deployer.cli.narrator import narrate
from deployer.cli.options import Format, Output, Quiet, SpecFile, Takeover

__all__ = ["rollback"]


def rollback(
    file: SpecFile = Path("deployer.yaml"),
    output_format: Output = Format.TABLE,
    to: Annotated[
        int | None,
        typer.Option("--to", metavar="N", help="This release instead of the one before."),
    ] = None,
    takeover: Takeover = False,
    quiet: Quiet = False,
) -> None:
    """Bring back the last release that is recorded as verified.

    Model, manifests and configuration come from the release's record, not from the files at hand.
    What is rolled back is quarantined. A deploy that never finished is undone instead.

    Example: deployer rollback
    """
    with narrate(quiet=quiet) as tell, output.explain_interrupt(_interrupted(file)):
        tell.say(f"reading {file} and what is recorded")
        from deployer import execution
        from deployer.wiring import open_session

        session = open_session(file)
        result = execution.roll_back(session, tell=tell, to=to, takeover=takeover)
    output.print_result("rollback", session.spec.name, result, json=output_format is Format.JSON)


def _interrupted(file: Path) -> str:
    following = output.format_command("rollback", file)
    return f"interrupted; nothing more is submitted. Next: {following} goes on."
