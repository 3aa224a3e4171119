"""Plans are made from what a real process reads of three clouds in memory."""

from collections.abc import Callable
from typing import Any

import pytest

from deployer.artifact import scan_artifact
from deployer.plan import Plan, build_plan
from deployer.snapshot import Snapshot

World = Any


@pytest.fixture
def look(world: World) -> Callable[[], Snapshot]:
    """Read the state and every target, as a process that is started now does."""

    def look() -> Snapshot:
        return take(world)

    return look


def take(world: World) -> Snapshot:
    found: Snapshot = world.start().session.snapshot(scan_artifact(world.folder / "model").digest)
    return found


@pytest.fixture
def plan(world: World) -> Callable[..., Plan]:
    """Plan a deploy of the files as they are, from a snapshot or from what is there now."""

    def plan(snapshot: Snapshot | None = None, **options: Any) -> Plan:
        session = world.start().session
        return build_plan(
            session.spec,
            scan_artifact(world.folder / "model"),
            snapshot or take(world),
            gates=session.gates(),
            tool="test",
            **options,
        )

    return plan
