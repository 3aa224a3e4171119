"""`deployer destroy`, over three clouds in memory."""

from dataclasses import replace
from typing import Any

import pytest

from deployer.errors import RolloutError, StateError, TransientError
from deployer.execution import destroy, find_belongings
from deployer.ports import Manifest, ObjectRef
from deployer.providers.local.cluster_faults import ClusterFault

World = Any

STRANGER = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "settings", "labels": {"app": "other"}},
}


def without(world: World, *targets: str) -> Any:
    machine = world.start()
    return destroy(machine.session, targets, tell=machine.events.append)


def test_one_target_is_cleared_and_the_others_serve_on(world: World) -> None:
    world.start().deploy()
    world.clusters["gcp"].apply(STRANGER)
    done = without(world, "gcp")
    assert done.deleted["gcp"] >= 5
    left = world.clusters["gcp"].list({})
    assert [manifest["metadata"]["name"] for manifest in left] == ["settings"]
    assert world.record()["live"] == {"aws": 1, "azure": 1}
    routes = world.state.read_routes()
    assert [backend.target for backend in routes.backends] == ["aws", "azure"]
    assert [world.selected(target) for target in ("aws", "azure")] == ["iris-r1"] * 2


def test_a_whole_deployment_goes_and_can_come_back(world: World) -> None:
    world.start().deploy()
    without(world, "aws", "azure", "gcp")
    assert [world.clusters[name].list({}) for name in world.clusters] == [(), (), ()]
    assert world.state.read_head().desired is None
    assert world.state.read_routes().backends == ()
    assert world.start().deploy() is not None
    assert world.selected("aws") is not None


def test_a_destroy_that_was_killed_goes_on_with_the_same_call(world: World) -> None:
    world.start().deploy()
    machine = world.start()
    gone = TransientError("gone", operation="delete", resource="iris")
    machine.clusters["gcp"].faults.append(ClusterFault("delete", lambda: gone, skip=2))
    with pytest.raises(TransientError):
        destroy(machine.session, ["gcp"], tell=machine.events.append)
    assert [backend.target for backend in world.state.read_routes().backends] == ["aws", "azure"]
    assert "gcp" in world.record()["live"]
    without(world, "gcp")
    assert world.clusters["gcp"].list({}) == ()
    assert world.record()["live"] == {"aws": 1, "azure": 1}


def test_what_hangs_on_a_finalizer_is_named_and_stays_in_the_record(world: World) -> None:
    world.start().deploy()
    machine = world.start()
    cluster = world.clusters["gcp"]
    ref = ObjectRef("v1", "Service", "iris")

    class Hanging:
        """A cluster on which one object does not go."""

        def __getattr__(self, name: str) -> Any:
            return getattr(cluster, name)

        def delete(self, wanted: ObjectRef, *, if_version: str | None = None) -> None:
            if wanted != ref:
                cluster.delete(wanted, if_version=if_version)

        def get(self, wanted: ObjectRef) -> Manifest | None:
            found: Manifest | None = cluster.get(wanted)
            if wanted != ref or found is None:
                return found
            held = {"deletionTimestamp": "2026-11-23T12:00:00Z", "finalizers": ["acme/hold"]}
            return {**found, "metadata": {**found["metadata"], **held}}

    provider = replace(machine.session.providers["gcp"], cluster=Hanging())
    session = replace(machine.session, providers={**machine.session.providers, "gcp": provider})
    with pytest.raises(RolloutError, match="Service/iris: held by finalizer acme/hold") as caught:
        destroy(session, ["gcp"], tell=machine.events.append)
    assert not caught.value.undone
    assert "gcp" in world.record()["live"]
    assert cluster.get(ObjectRef("v1", "ConfigMap", "iris-deployer")) is not None


def test_what_would_go_is_listed_pods_first(world: World) -> None:
    world.start().deploy()
    found = find_belongings(world.start().session, ["aws"])["aws"]
    assert not isinstance(found, Exception)
    kinds = [ref.kind for ref in found]
    assert kinds[0] == "Deployment"
    assert ObjectRef("v1", "ConfigMap", "iris-deployer") not in found


def test_nothing_is_destroyed_while_a_run_has_not_finished(world: World) -> None:
    world.start().deploy()
    world.write_model("two")
    machine = world.start()
    machine.dies_at = lambda _where, method, name: (method, name) == ("readiness", "iris-r2")
    with pytest.raises(machine.raises):
        machine.deploy()
    world.clock.sleep(300)
    with pytest.raises(StateError, match="never finished"):
        without(world, "gcp")
