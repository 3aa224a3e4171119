from deployer.ports import Applied, Manifest
from deployer.providers.local.clock import ManualClock
from deployer.providers.local.memory_cluster import MemoryCluster
from deployer.routing.publish import publish_route

ROUTE: Manifest = {
    "apiVersion": "gateway.networking.k8s.io/v1",
    "kind": "HTTPRoute",
    "metadata": {"name": "iris"},
    "spec": {"parentRefs": [{"name": "public"}], "rules": []},
}


def test_a_gateway_that_says_nothing_is_waited_for_and_then_unknown() -> None:
    clock = ManualClock()
    cluster = MemoryCluster(clock=clock)
    before = clock.monotonic()
    done = publish_route(cluster, ROUTE, clock=clock, patience_seconds=3.0, dry_run=False)
    assert (done.applied.applied, done.verdicts) == (Applied.CREATED, ())
    assert 3.0 <= clock.monotonic() - before < 3.5


def test_a_dry_run_asks_no_gateway() -> None:
    clock = ManualClock()
    cluster = MemoryCluster(clock=clock)
    before = clock.monotonic()
    done = publish_route(cluster, ROUTE, clock=clock, patience_seconds=3.0, dry_run=True)
    assert (done.applied.applied, done.verdicts) == (Applied.CREATED, ())
    assert clock.monotonic() == before
