"""Goes on with, or undoes, the run that a killed process left behind (G1)."""

from deployer.errors import DeployerError, RolloutError
from deployer.execution.context import Context
from deployer.execution.engine import run_phases
from deployer.execution.events import Event
from deployer.execution.head import change_head, read_head
from deployer.execution.run import RunResult, carry_out, undo_run
from deployer.plan import Plan
from deployer.release.records import Entry, RunRecord
from deployer.release.state import StateStore

__all__ = ["find_unfinished", "recover"]


def find_unfinished(state: StateStore) -> RunRecord | None:
    """Return the run that has begun and not finished, if there is one."""
    head = state.read_head()
    return head.run if head else None


def recover(run: RunRecord, context: Context, *, inputs: str | None) -> RunResult | None:
    """Bring ``run`` to an end; ``context.journal`` must be its journal.

    A run that was undoing goes on undoing. The same command (``inputs``) goes on with its own plan,
    and so does every rollback; the result is returned. Any other run is undone, without blame, and
    None is returned.

    Raises:
        RolloutError: It was gone on with and refused, or could not be put back everywhere.
    """
    entries = context.journal.read()
    plan, undo = _plan_of(entries, "plan"), _plan_of(entries, "undo")
    context.journal.write("takeover", detail=f"from {run.holder}")
    context.tell(Event("takeover", detail=f"{run.kind} of release {run.release} by {run.holder}"))
    if plan is None:
        _forget(context)
        return None
    if undo is not None:
        _go_on_undoing(undo, context)
        return None
    if run.inputs == inputs or run.kind == "rollback":
        return carry_out(plan, context)
    error = undo_run(plan, context, {})
    if not error.undone:
        raise error
    return None


def _plan_of(entries: list[Entry], event: str) -> Plan | None:
    found = [entry for entry in entries if entry.event == event and entry.data is not None]
    return Plan.model_validate(found[-1].data) if found else None


def _go_on_undoing(undo: Plan, context: Context) -> None:
    stuck: dict[str, DeployerError] = run_phases(undo, context)
    context.journal.write("finish", detail="undone" if not stuck else "not fully undone")
    if stuck:
        left = "; ".join(f"{name}: {error.message}" for name, error in stuck.items())
        raise RolloutError(
            f"{undo.name}: release {undo.release} could not be undone everywhere: {left}",
            release=undo.release,
            undone=False,
        )


def _forget(context: Context) -> None:
    """Clear a run whose plan never reached the journal: it has touched nothing."""
    change_head(context, read_head(context), run=None)
