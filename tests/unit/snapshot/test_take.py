import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from deployer.artifact import scan_artifact
from deployer.errors import StateError
from deployer.snapshot import Place, Snapshot, take_snapshot

World = Any


@pytest.fixture
def hang() -> Iterator[threading.Event]:
    """Hangs whoever waits for it, until the test is over."""
    over = threading.Event()
    yield over
    over.set()


def look(world: World, machine: Any, seconds: float = 15.0) -> Snapshot:
    session = machine.session
    return take_snapshot(
        {name: Place(provider, "", "m") for name, provider in session.providers.items()},
        session.state,
        scan_artifact(world.folder / "model").digest,
        clock=world.clock,
        author="ann@laptop",
        timeout_seconds=seconds,
    )


def test_before_the_first_deploy_everything_is_known_and_nothing_is_there(world: World) -> None:
    found = look(world, world.start())
    assert (found.head, found.releases, found.newest, found.desired) == (None, (), None, None)
    assert found.live == {}
    assert [(t.unknown, t.artifact_present, t.live) for t in found.targets.values()] == [
        ("", False, ())
    ] * 3


def test_what_is_live_is_found_with_its_record(world: World) -> None:
    world.start().deploy()
    found = look(world, world.start())
    assert found.releases == (1,)
    assert found.newest == found.desired == world.state.read_release(1)
    assert found.routes == world.state.read_routes()
    aws = found.targets["aws"]
    assert aws.artifact_present
    assert {manifest["metadata"]["name"] for manifest in aws.live} == {
        "iris", "iris-r1", "iris-deployer", "iris-8c7a25ff",
    }  # fmt: skip
    assert aws.price is not None
    assert aws.price.amount is None
    assert aws.price.unknown


def test_a_target_that_hangs_is_unknown_in_its_time_and_holds_nobody_up(
    world: World, hang: threading.Event
) -> None:
    machine = world.start()
    machine.clusters["azure"].watch = lambda *_: (hang.wait(60), None)[1]
    found = look(world, machine, seconds=0.3)
    assert found.targets["azure"].unknown == "azure did not answer in 0.3 s"
    assert not found.targets["azure"].live
    assert [found.targets[name].unknown for name in ("aws", "gcp")] == ["", ""]


def test_a_store_that_is_away_leaves_its_cluster_known(world: World) -> None:
    world.start().deploy()
    machine = world.start()
    machine.stores["gcp"].down = True
    found = look(world, machine)
    gcp = found.targets["gcp"]
    assert (gcp.unknown, gcp.artifact_present) == ("", False)
    assert "failed as told" in gcp.store_unknown
    assert gcp.live
    assert found.head == world.state.read_head()
    assert machine.plan().targets[2].unknown


def test_without_a_majority_there_is_no_snapshot(world: World) -> None:
    machine = world.start()
    machine.stores["gcp"].down = machine.stores["aws"].down = True
    with pytest.raises(StateError):
        look(world, machine)


def test_a_release_that_the_record_names_and_nobody_has_is_left_out(world: World) -> None:
    world.start().deploy()
    for disk in world.disks.values():
        disk.delete("deployer/iris/releases/000001.json")
    found = look(world, world.start())
    assert found.desired is None
    assert replace(found, at=world.clock.now()).live == {"aws": 1, "azure": 1, "gcp": 1}
