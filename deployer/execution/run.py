"""One run: records that it begins, runs the plan, and on a failure runs the undo."""

import getpass
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field

from deployer.errors import DeployerError, RolloutError
from deployer.execution.context import Context
from deployer.execution.engine import read_earlier, run_phases
from deployer.execution.events import Event
from deployer.execution.head import change_head, read_head
from deployer.plan import Plan, Reached, build_undo
from deployer.plan.model import Finish
from deployer.release.journal import begun
from deployer.release.records import RunRecord

__all__ = ["RunResult", "begin_run", "carry_out", "run_plan", "undo_run", "who"]


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended: ``failed`` holds the targets that a quorum did without, and why."""

    release: int
    seconds: float
    failed: Mapping[str, DeployerError] = field(default_factory=dict)


def run_plan(plan: Plan, context: Context) -> RunResult:
    """Run ``plan`` from its beginning.

    Raises:
        RolloutError: The release was refused; ``undone`` says whether all was put back.
        LeaseLostError: Another run took over.
        StateError: No majority of the state stores answers any more.
    """
    begin_run(plan, context)
    return carry_out(plan, context)


def begin_run(plan: Plan, context: Context) -> None:
    """Write bundle, journal, head, in this order: what a reader finds is complete (D3)."""
    _refuse_unknown(plan)
    if plan.new:
        context.state.create_release(plan.bundle)
    context.journal.write(
        "plan", detail=plan.kind, data=plan.model_dump(mode="json", by_alias=True)
    )
    record = RunRecord(
        id=context.journal.run,
        kind="rollback" if plan.kind == "rollback" else "deploy",
        release=plan.release,
        inputs=plan.inputs,
        started=context.clock.now(),
        holder=context.lease.record.holder,
    )
    change_head(context, read_head(context), run=record)
    context.tell(
        Event(
            "run",
            detail=f"{plan.name}: {plan.kind} of release {plan.release} on "
            f"{len(plan.bundle.targets)} targets, run {context.journal.run}, lease held",
        )
    )


def carry_out(plan: Plan, context: Context) -> RunResult:
    """Run the phases of a plan that has begun; undo it when more has failed than it bears."""
    started = context.clock.monotonic()
    failed = run_phases(plan, context)
    if not plan.bears(failed):
        raise undo_run(plan, context, failed)
    context.journal.write("finish", detail=f"{len(failed)} targets failed")
    seconds = context.clock.monotonic() - started
    if failed and plan.outcome == "keep-going":
        raise _left_behind(plan, failed)
    return RunResult(plan.release, seconds, failed)


def undo_run(plan: Plan, context: Context, failed: Mapping[str, DeployerError]) -> RolloutError:
    """Put back what ``plan`` changed; return the error that says why, and what came of the undo.

    The release is quarantined only when it is to blame: a gate or its own readiness failed. A cloud
    that went away proves nothing about the model.
    """
    reason = "; ".join(error.message for error in failed.values()) or "the run was given up"
    to_blame = any(isinstance(error, RolloutError) for error in failed.values())
    entries = context.journal.read()
    undo = build_undo(
        plan,
        read_earlier(plan, context),
        reached=Reached(
            begun(entries, "apply"),
            begun(entries, "shift"),
            begun(entries, "open"),
            shared=bool(begun(entries, "share")),
        ),
        verdict=f"failed: {reason}" if failed else "undone: the run was given up",
        to_blame=to_blame,
    )
    context.journal.write("undo", detail=reason, data=undo.model_dump(mode="json", by_alias=True))
    context.tell(Event("undo", detail=reason))
    stuck = run_phases(undo, context)
    context.journal.write("finish", detail="undone" if not stuck else "not fully undone")
    return _refused(undo, reason, failed, stuck)


def _refuse_unknown(plan: Plan) -> None:
    unknown = [target for target in plan.targets if target.unknown]
    if not plan.bears([target.target for target in unknown]):
        names = "; ".join(f"{target.target}: {target.unknown}" for target in unknown)
        raise RolloutError(
            f"{plan.name}: {len(unknown)} of {len(plan.targets)} targets cannot be reached, and "
            f"{_wanted(plan)}: {names}",
            release=plan.release,
            hint="Nothing was changed. Bring the target back, or take it out of the spec.",
        )


def _wanted(plan: Plan) -> str:
    count = len(plan.targets)
    needed = count - (plan.may_fail or 0)
    return "outcome is all" if needed == count else f"{needed} of {count} must take the release"


def _refused(
    plan: Plan,
    reason: str,
    failed: Mapping[str, DeployerError],
    stuck: Mapping[str, DeployerError],
) -> RolloutError:
    before = (
        f"release {plan.desired_before} never stopped serving"
        if plan.desired_before
        else "nothing was serving before"
    )
    if not stuck:
        return RolloutError(
            f"{plan.name}: release {plan.release} was refused and undone; {before}. {reason}",
            release=plan.release,
            hint=_what_now(plan, failed),
        )
    left = "; ".join(f"{name or 'the record'}: {error.message}" for name, error in stuck.items())
    return RolloutError(
        f"{plan.name}: release {plan.release} was refused ({reason}) and could not be undone "
        f"everywhere: {left}",
        release=plan.release,
        undone=False,
        hint="The next deploy or rollback removes what is left once the target answers.",
    )


def _what_now(undo: Plan, failed: Mapping[str, DeployerError]) -> str:
    """Say what is left of the release, and what its pods said last."""
    number = undo.release
    quarantined = any(
        isinstance(step, Finish) and step.quarantined
        for phase in undo.phases
        for step in phase.steps
    )
    if undo.desired_before == number:
        left = "The same command puts it right once the target answers."
    elif quarantined:
        left = (
            f"Nothing of release {number} is running; it is quarantined. "
            f"deployer history show {number} tells more."
        )
    else:
        left = (
            f"Nothing of release {number} is running; it is not to blame. "
            "The same command tries it again."
        )
    said = dict.fromkeys(error.hint for error in failed.values() if error.hint)
    return "\n".join([left, *said])


def _left_behind(plan: Plan, failed: Mapping[str, DeployerError]) -> DeployerError:
    if "" in failed:
        return failed[""]
    back = plan.kind == "rollback"
    names = "; ".join(f"{name}: {error.message}" for name, error in failed.items())
    done = len(plan.bundle.targets) - len(failed)
    return RolloutError(
        f"{plan.name}: release {plan.release} is {'back' if back else 'live'} on {done} of "
        f"{len(plan.bundle.targets)} targets, not on {names}",
        release=plan.release,
        undone=not back and all(getattr(error, "undone", True) for error in failed.values()),
        hint="Routers send nothing to a target that was left behind. Run the same command again "
        "once it answers."
        if back
        else "What was left behind serves what it had, where that could be put back. The same "
        "command tries it again.",
    )


def who() -> str:
    """Return who runs this, for leases and records: ``user@host``."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = "unknown"
    return f"{user}@{socket.gethostname()}"
