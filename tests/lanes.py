"""Deals tests out to the workers of pytest-xdist: those that need the machine never meet.

What starts programs, puts load on them or watches the clock is run by one worker, a file at a
time; what computes, or waits for a server of its own, by the others. Who is done first helps. A
file stays together, and so does a folder whose tests share what takes long to set up.
"""

from typing import TYPE_CHECKING

from xdist.scheduler.loadscope import LoadScopeScheduling

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

__all__ = ["LaneScheduling"]

_LOUD = (
    "tests/cluster/",
    "tests/contract/test_cluster",
    "tests/scenario/",
    "tests/unit/providers/local/supervisor/",
    "tests/unit/sandbox/test_clouds.py",
)
_TOGETHER = ("tests/terraform/",)


class LaneScheduling(LoadScopeScheduling):  # type: ignore[misc] # xdist says no types
    """One loud lane, for the first worker; a calm one for the rest."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return next((folder for folder in _TOGETHER if file.startswith(folder)), file)

    def _assign_work_unit(self, node: "WorkerController") -> None:
        loud = node is self.nodes[0]
        mine = (scope for scope in self.workqueue if scope.startswith(_LOUD) is loud)
        scope = next(mine, None) or next(iter(self.workqueue))
        self.workqueue.move_to_end(scope, last=False)
        super()._assign_work_unit(node)
