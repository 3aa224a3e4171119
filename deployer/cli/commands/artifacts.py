"""``deployer artifacts``: what lies in the targets' stores, and looking after it."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deployer.cli.artifact_rows import (
    describe_collected,
    describe_holdings,
    describe_mended,
    describe_verdict,
    print_collected,
    print_holdings,
    print_mended,
    print_verdicts,
)
from deployer.cli.options import Format, Output, SpecFile, Yes
from deployer.cli.output import format_command, print_json, print_note

if TYPE_CHECKING:
    from deployer.upkeep import Survey, Upkeep
    from deployer.values import Digest

__all__ = ["artifacts", "collect", "list_all", "repair", "verify"]

artifacts = typer.Typer(
    name="artifacts",
    help="Look after the models that lie in the targets' stores.",
    no_args_is_help=True,
)

_UNKNOWN = 3
_Digests = Annotated[
    list[str] | None,
    typer.Argument(metavar="DIGEST", help="Only these; the first digits are enough."),
]
_Deep = Annotated[bool, typer.Option("--deep", help="Read every byte to find damage.")]


@artifacts.command("list")
def list_all(
    digests: _Digests = None,
    file: SpecFile = Path("deployer.yaml"),
    output: Output = Format.TABLE,
) -> None:
    """List every artifact, where it lies, and which releases refer to it.

    Exits 3 when a store does not answer.

    Example: deployer artifacts list
    """
    from deployer.upkeep import survey_artifacts

    upkeep = _open(file)
    survey = survey_artifacts(upkeep)
    chosen = _choose(survey, digests)
    holdings = [one for one in survey.holdings if not digests or one.digest in chosen]
    if output is Format.JSON:
        print_json("deployer/artifacts/v1", describe_holdings(holdings, survey))
    else:
        print_holdings(holdings, upkeep.clock.now(), wide=output is Format.WIDE)
    _end(survey.unknown, failed=0)


@artifacts.command("verify")
def verify(
    digests: _Digests = None,
    deep: _Deep = False,
    file: SpecFile = Path("deployer.yaml"),
    output: Output = Format.TABLE,
) -> None:
    """Compare every copy with its manifest.

    Exits 1 when one is damaged or missing, 3 when a store does not answer.

    Example: deployer artifacts verify --deep
    """
    from deployer.upkeep import check_artifacts

    upkeep = _open(file)
    survey, verdicts = check_artifacts(upkeep, _resolve(upkeep, digests), deep=deep)
    if output is Format.JSON:
        found = [describe_verdict(one) for one in verdicts]
        print_json("deployer/artifacts-verify/v1", {"copies": found, "unknown": {**survey.unknown}})
    else:
        print_verdicts(verdicts, wide=output is Format.WIDE)
    bad = sum(one.state == "damaged" for one in verdicts)
    if bad and output is not Format.JSON:
        again = "artifacts repair --deep" if deep else "artifacts repair"
        print_note(f"Next: {format_command(again, file)}")
    elif output is not Format.JSON and any(one.state == "complete" for one in verdicts):
        print_note("complete: all files are there in their sizes; --deep reads every byte")
    unknown = {one.url: one.problems[0] for one in verdicts if one.state == "unknown"}
    _end({**survey.unknown, **unknown}, failed=bad)


@artifacts.command("repair")
def repair(
    digests: _Digests = None,
    deep: _Deep = False,
    file: SpecFile = Path("deployer.yaml"),
    output: Output = Format.TABLE,
) -> None:
    """Replace damaged and missing files by another store's proven copies.

    Only what a release expects in a store is brought there. Exits 1 when a copy cannot be
    repaired, 3 when a store does not answer.

    Example: deployer artifacts repair --deep
    """
    from deployer.upkeep import mend_artifacts

    upkeep = _open(file)
    survey, mended = mend_artifacts(upkeep, _resolve(upkeep, digests), deep=deep)
    if output is Format.JSON:
        found = [describe_mended(one) for one in mended]
        print_json("deployer/artifacts-repair/v1", {"copies": found, "unknown": {**survey.unknown}})
    else:
        print_mended(mended, wide=output is Format.WIDE)
    _end(survey.unknown, failed=sum(one.error is not None for one in mended))


@artifacts.command("gc")
def collect(
    older_than: Annotated[
        float,
        typer.Option(
            "--older-than", metavar="DAYS", min=0, help="Only what nobody touched for so long."
        ),
    ] = 7.0,
    at_most: Annotated[
        int, typer.Option("--at-most", metavar="N", min=1, help="Refuse to remove more artifacts.")
    ] = 20,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would go, and remove nothing.")
    ] = False,
    yes: Yes = False,
    file: SpecFile = Path("deployer.yaml"),
    output: Output = Format.TABLE,
) -> None:
    """Remove old artifacts that no release refers to.

    Old unfinished uploads go too. Refuses when a majority of the state cannot be read. Exits 3
    when a store does not answer.

    Example: deployer artifacts gc --dry-run
    """
    from deployer.artifact import Rules
    from deployer.execution import who
    from deployer.upkeep import collect_garbage

    rules = Rules(timedelta(days=older_than), at_most)
    upkeep = _open(file)
    if not (dry_run or yes):
        _confirm(upkeep, rules)
    collected = collect_garbage(upkeep, rules, holder=who(), dry_run=dry_run)
    if output is Format.JSON:
        print_json("deployer/artifacts-gc/v1", describe_collected(collected))
    else:
        print_collected(collected, dry_run=dry_run)
    _end(collected.unknown, failed=0)


def _open(file: Path) -> "Upkeep":
    from deployer.wiring import open_upkeep

    return open_upkeep(file)


def _resolve(upkeep: "Upkeep", digests: list[str] | None) -> "set[Digest]":
    """Return the artifacts meant by their first digits; none for all."""
    if not digests:
        return set()
    from deployer.upkeep import survey_artifacts

    return _choose(survey_artifacts(upkeep), digests)


def _choose(survey: "Survey", digests: list[str] | None) -> "set[Digest]":
    chosen = set()
    for text in digests or ():
        start = text.removeprefix("sha256:")
        found = [one.digest for one in survey.holdings if one.digest.hex.startswith(start)]
        if len(found) != 1:
            what = "no artifact" if not found else f"{len(found)} artifacts"
            raise typer.BadParameter(f"{text}: {what} of these begins so")
        chosen.add(found[0])
    return chosen


def _confirm(upkeep: "Upkeep", rules: Any) -> None:
    """Say what would go and ask; without a terminal there is nobody to ask."""
    import sys

    from deployer.upkeep import collect_garbage

    if not sys.stdin.isatty():
        raise typer.BadParameter("there is no terminal to ask on: look with --dry-run, then --yes")
    print_collected(collect_garbage(upkeep, rules, holder="", dry_run=True), dry_run=True)
    typer.confirm("Remove this?", abort=True, err=True)


def _end(unknown: Any, *, failed: int) -> None:
    for url, why in unknown.items():
        print_note(f"{url}: unknown: {why}")
    if failed:
        raise typer.Exit(1)
    if unknown:
        raise typer.Exit(_UNKNOWN)
