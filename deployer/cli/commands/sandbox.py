"""``deployer sandbox``: stand-in clouds on this machine."""

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from deployer.cli.options import Format, Output
from deployer.cli.output import Column, print_json, print_note, print_table
from deployer.values import Cloud

if TYPE_CHECKING:
    from deployer.sandbox.clouds import CloudStatus

__all__ = ["commands", "down", "status", "up"]

commands = typer.Typer(
    name="sandbox",
    help="Run stand-in clouds on this machine.\n\nObject stores and clusters on loopback.",
    no_args_is_help=True,
)

_Clouds = Annotated[
    list[Cloud] | None,
    typer.Argument(metavar="CLOUD", help="aws, gcp, azure; all by default."),
]
_Folder = Annotated[Path, typer.Option("--dir", metavar="DIR", help="The sandbox's folder.")]


@commands.command()
def up(
    clouds: _Clouds = None,
    folder: _Folder = Path(".sandbox"),
    example: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the example's models are, for the spec.")
    ] = Path("examples/iris/build"),
    model_server: Annotated[
        Path | None, typer.Option("--mlserver", metavar="FILE", help="MLServer's program.")
    ] = None,
    output: Output = Format.TABLE,
) -> None:
    """Start the clouds; what runs already is left as it is.

    Example: deployer sandbox up && source .sandbox/env
    """
    from deployer.providers.local.clock import SystemClock
    from deployer.sandbox.clouds import start_sandbox

    chosen = _choose(clouds)
    found = start_sandbox(
        folder, chosen, clock=SystemClock(), example=example, model_server=model_server
    )
    _show(folder, found, output)
    if output is not Format.JSON:
        env, spec = quote(f"{folder}/env"), quote(f"{folder}/deployer.yaml")
        print_note(f"Next: source {env}; deployer plan -f {spec}")


@commands.command()
def down(
    clouds: _Clouds = None,
    folder: _Folder = Path(".sandbox"),
    now: Annotated[bool, typer.Option("--now", help="Kill at once: a cloud is lost.")] = False,
    output: Output = Format.TABLE,
) -> None:
    """Stop the clouds.

    No process of theirs is left, and their stores are empty.

    Example: deployer sandbox down azure --now
    """
    from deployer.providers.local.clock import SystemClock
    from deployer.sandbox.clouds import stop_sandbox

    found = stop_sandbox(folder, _choose(clouds), clock=SystemClock(), now=now)
    _show(folder, found, output)


@commands.command()
def status(folder: _Folder = Path(".sandbox"), output: Output = Format.TABLE) -> None:
    """Show which clouds run, and where.

    Example: deployer sandbox status -o json
    """
    from deployer.providers.local.clock import SystemClock
    from deployer.sandbox.clouds import read_sandbox

    _show(folder, read_sandbox(folder, clock=SystemClock()), output)


def _choose(clouds: list[Cloud] | None) -> tuple[Cloud, ...]:
    from deployer.sandbox.state import CLOUDS

    for cloud in clouds or ():
        if cloud not in CLOUDS:
            raise typer.BadParameter(f"{cloud} has no stand-in; choose from aws, gcp, azure")
    return tuple(dict.fromkeys(clouds or CLOUDS))


def _show(folder: Path, found: "tuple[CloudStatus, ...]", output: Format) -> None:
    if output is Format.JSON:
        print_json("deployer/sandbox/v1", _document(folder, found))
        return
    if not found:
        print_note(f"there is no sandbox in {folder}")
        return
    columns = [
        Column("cloud"),
        Column("state"),
        Column("store"),
        Column("endpoint"),
        Column("cluster", drop=1),
    ]
    rows = [[one.cloud, one.state, one.store, one.endpoint, str(one.cluster)] for one in found]
    print_table(columns, rows, wide=output is Format.WIDE)


def _document(folder: Path, found: "tuple[CloudStatus, ...]") -> dict[str, object]:
    clouds = [
        {
            "cloud": one.cloud,
            "state": one.state,
            "store": {"url": one.store, "endpoint": one.endpoint, "up": one.store_up},
            "cluster": {"folder": str(one.cluster), "up": one.cluster_up},
        }
        for one in found
    ]
    place = folder.resolve()
    return {"spec": str(place / "deployer.yaml"), "env": str(place / "env"), "clouds": clouds}
