"""The head, read and written by a run: every write carries its token and a later epoch."""

from deployer.execution.context import Context
from deployer.release.records import Head
from deployer.release.spans import follow_live
from deployer.release.state import next_epoch

__all__ = ["change_head", "read_head"]


def read_head(context: Context) -> Head:
    """Return the newest head of a majority; a new one before the first deploy."""
    return context.state.read_head() or Head(name=context.state.name)


def change_head(context: Context, head: Head, **changes: object) -> None:
    """Write ``head`` with ``changes``, as this run; note since when what is live is.

    Raises:
        LeaseLostError: This run has lost its lease, or a later one has written since.
    """
    context.check()
    now = context.clock.now()
    written = head.model_copy(
        update={
            "epoch": next_epoch(head.epoch, context.lease.token),
            "token": context.lease.token,
            "written": now,
            **changes,
        }
    )
    spans = follow_live(written.spans, written.live, now)
    context.state.write_head(written.model_copy(update={"spans": spans}))
