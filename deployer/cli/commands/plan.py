"""``deployer plan``: what a deploy would do."""

from enum import StrEnum
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from deployer.cli import output, plan_cost
from deployer.cli.canary import list_canary_lines
from deployer.cli.model_notes import list_model_notes
from deployer.cli.options import MaxDeletions, SpecFile
from deployer.values import format_count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.plan import Plan
    from deployer.plan.model import TargetPlan
    from deployer.release.gates import AnalysisRecord, EvaluateRecord

__all__ = ["PlanFormat", "plan"]

_CHANGES = 2


class PlanFormat(StrEnum):
    """How a plan is shown."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    MARKDOWN = "md"


def plan(
    file: SpecFile = Path("deployer.yaml"),
    output_format: Annotated[
        PlanFormat,
        typer.Option("--output", "-o", help="table, wide, json or md.", show_default=True),
    ] = PlanFormat.TABLE,
    save: Annotated[
        Path | None,
        typer.Option("--save", metavar="FILE", help="Write the plan, for deploy --plan."),
    ] = None,
    quarantined: Annotated[
        int | None,
        typer.Option("--quarantined", metavar="N", help="Try quarantined release N again."),
    ] = None,
    max_deletions: MaxDeletions = 25,
) -> None:
    """Show what a deploy would do, and change nothing.

    Exits 0 when there is nothing to do, 2 when there is, 1 when the budget denies it. With -o md
    it prints what changes of the bill, as a comment for a pull request.

    Example: deployer plan -f deployer.yaml
    """
    from deployer.artifact import scan_artifact
    from deployer.execution import make_plan
    from deployer.plan import demand_within_budget
    from deployer.release.records import encode_record
    from deployer.wiring import open_session

    session = open_session(file)
    artifact = scan_artifact(session.spec.locate(session.spec.model.path))
    made = make_plan(
        session,
        artifact,
        quarantined=quarantined,
        max_deletions=max_deletions,
    )
    if save is not None:
        save.write_bytes(encode_record(made))
    notes = list_model_notes(session.spec, artifact)
    _show(made, output_format, file, save, notes)
    demand_within_budget(made)
    if not made.nothing_to_do:
        raise typer.Exit(_CHANGES)


def _show(
    made: "Plan",
    output_format: PlanFormat,
    file: Path,
    save: Path | None,
    notes: "Sequence[str]",
) -> None:
    from deployer.report.plan_cost import describe_plan_cost, write_plan_markdown

    if output_format is PlanFormat.JSON:
        hidden = {"schema_version", "cost", "budget"}
        document = made.model_dump(mode="json", by_alias=True, exclude=hidden)
        cost = describe_plan_cost(made.cost, made.budget) if made.cost else None
        output.print_json("deployer/plan/v1", {**document, "cost": cost, "notes": notes})
    elif output_format is PlanFormat.MARKDOWN:
        typer.echo(write_plan_markdown(made), nl=False)
    else:
        words = f"deploy --plan {quote(str(save))}" if save else "deploy"
        following = output.format_command(words, file)
        _print_plan(made, following, wide=output_format is PlanFormat.WIDE)
    if output_format is not PlanFormat.JSON:
        for note in notes:
            output.print_note(note)


def _print_plan(made: "Plan", following: str, *, wide: bool) -> None:
    typer.echo(_headline(made))
    typer.echo()
    columns = [
        output.Column("target"),
        output.Column("store"),
        output.Column("cluster"),
        output.Column("traffic", drop=1),
        output.Column("USD/month", right=True, drop=2),
    ]
    output.print_table(columns, [_row(target, made) for target in made.targets], wide=wide)
    typer.echo()
    for line in _unknowns(made):
        typer.echo(line)
    output.print_lines(plan_cost.list_lines(made, wide=wide), wide=wide)
    for line in (_gates(made), *list_canary_lines(made), _outcome(made), _next(made, following)):
        if line:
            typer.echo(line)


def _unknowns(made: "Plan") -> list[str]:
    """Say why of everything that the table shows as unknown; equal reasons once."""
    lines = [f"{part.target}: unknown: {part.unknown}" for part in made.targets if part.unknown]
    return [*lines, *_orphans(made)]


def _orphans(made: "Plan") -> list[str]:
    """Say which targets the spec has lost: what runs there stays until it is told to go."""
    lost = sorted(made.before.keys() - {part.target for part in made.targets})
    return [
        f"{name}: orphaned: the spec has no such target, and release {made.before[name]} stays "
        f"there; deployer destroy --target {name} removes it"
        for name in lost
    ]


def _outcome(made: "Plan") -> str:
    """Say what may fail, where that is not the usual: nothing."""
    if not made.may_fail:
        return ""
    needed, count = len(made.targets) - made.may_fail, len(made.targets)
    return f"outcome: {needed} of {count} targets are enough; one that fails keeps what it has"


def _next(made: "Plan", following: str) -> str:
    unknown = [part.target for part in made.targets if part.unknown]
    if not made.bears(unknown):
        return (
            f"{len(unknown)} of {len(made.targets)} targets cannot be planned: deploy would "
            "refuse.\n"
            "Next: bring it back, or take it out of the spec; deployer status shows what is live"
        )
    denied = any(verdict.refuses for verdict in made.budget)
    return "" if made.nothing_to_do or denied else f"Next: {following}"


def _headline(made: "Plan") -> str:
    if made.nothing_to_do:
        return f"{made.name}: release {made.release} is live everywhere; nothing to do"
    before = made.desired_before
    upload = sum(target.upload_bytes for target in made.targets)
    deleted = sum(change.op == "delete" for target in made.targets for change in target.changes)
    release = f"{before} → {made.release}" if before else f"{made.release} (the first)"
    if before == made.release:
        release = f"{made.release}, put right where something is missing,"
    return (
        f"{made.name}: release {release} on {format_count(len(made.targets), 'target')}, "
        f"{deleted or 'nothing'} deleted, {output.format_bytes(upload)} to upload"
    )


def _row(target: "TargetPlan", made: "Plan") -> list[str]:
    cost = plan_cost.cell(target.target, made)
    if target.unknown:
        return [target.target, "unknown", "unknown", "unknown", cost]
    store = f"+ {output.format_bytes(target.upload_bytes)}" if target.upload_bytes else "present"
    total_before = sum(each.weight_before for each in made.targets)
    total_after = sum(each.weight_after for each in made.targets)
    traffic = (
        f"{_share(target.weight_before, total_before)} → {_share(target.weight_after, total_after)}"
    )
    return [target.target, store, _counts(target), traffic, cost]


def _counts(target: "TargetPlan") -> str:
    signs = {"create": "+", "change": "~", "scale": "↓", "delete": "-"}
    parts = []
    for op, sign in signs.items():
        count = sum(change.op == op for change in target.changes)
        if count:
            parts.append(f"{sign} {count} to {_OPS.get(op, op)}")
    return ", ".join(parts) or "unchanged"


_OPS = {"scale": "scale to 0"}


def _share(weight: int, total: int) -> str:
    return f"{round(100 * weight / total)} %" if total else "0 %"


def _gates(made: "Plan") -> str:
    gates = made.bundle.gates
    requests = len(gates.smoke.requests)
    shown = format_count(requests, "request") if requests else "no example requests"
    words = ["ready", f"smoke ({shown})" if requests else f"smoke ({shown}: ready only)"]
    if gates.evaluate is not None:
        words.append(f"evaluate ({_bounds(gates.evaluate)})")
    if gates.parity is not None:
        words.append(f"parity (numbers within {gates.parity.tolerance:g})")
    if gates.analysis is not None:
        words.append(_analysis(gates.analysis, made))
    soak = f"then traffic, then {made.bundle.soak_seconds:g} s of soak"
    return f"gates: {', '.join(words)}; {soak}"


def _analysis(gate: "AnalysisRecord", made: "Plan") -> str:
    when = "in the soak" if made.bundle.canary is None else "at each step and in the soak"
    least = format_count(gate.requests, "request")
    wait = output.format_duration(gate.wait_seconds)
    return f"analysis by {gate.router} {when} (of {least}; {wait} longer when fewer came)"


def _bounds(gate: "EvaluateRecord") -> str:
    """Return the bounds without their direction: that is the metric's, and known once it ran."""
    bounds = [f"{name} {bound:g}" for name, bound in gate.thresholds.items()]
    margins = [f"{name} {margin:g}" for name, margin in gate.champion.items()]
    against = [f"against the live release {', '.join(margins)}"] if margins else []
    rows = format_count(len(gate.holdout), "row")
    return "; ".join([*([", ".join(bounds)] if bounds else []), *against, rows])
