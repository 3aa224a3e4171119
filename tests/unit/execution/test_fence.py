from base64 import urlsafe_b64encode
from hashlib import sha256

import pytest

from deployer.errors import AccessDeniedError, LeaseLostError, PreconditionError, TransientError
from deployer.execution.fence import Fence, apply_fenced, hold_fence, settle_inventory
from deployer.ports import ObjectRef
from deployer.providers.local.clock import ManualClock
from deployer.providers.local.cluster_faults import ClusterFault, FlakyCluster
from deployer.providers.local.memory_cluster import MemoryCluster

FENCE = ObjectRef("v1", "ConfigMap", "iris-deployer")
CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "1"}}

ACCOUNT = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "a"}}


@pytest.fixture
def cluster() -> FlakyCluster:
    clock = ManualClock()
    return FlakyCluster(MemoryCluster(clock=clock), clock)


def token(cluster: FlakyCluster) -> str:
    live = cluster.get(FENCE)
    assert live is not None
    found: str = live["data"]["token"]
    return found


def moved() -> PreconditionError:
    return PreconditionError("another writer", operation="apply", resource="c")


def test_the_token_is_raised_and_never_lowered(cluster: FlakyCluster) -> None:
    hold_fence(cluster, Fence("iris", 3))
    hold_fence(cluster, Fence("iris", 3))
    hold_fence(cluster, Fence("iris", 5))
    with pytest.raises(LeaseLostError, match="a later run has changed iris") as caught:
        hold_fence(cluster, Fence("iris", 4))
    assert token(cluster) == "5"
    assert "delete ConfigMap/iris-deployer" in str(caught.value.hint)


def test_a_fence_that_moved_in_between_is_looked_at_again(cluster: FlakyCluster) -> None:
    cluster.faults.append(ClusterFault("apply", moved))
    hold_fence(cluster, Fence("iris", 3))
    assert token(cluster) == "3"


def test_a_fence_that_never_stands_still_stops_the_run(cluster: FlakyCluster) -> None:
    cluster.faults.append(ClusterFault("apply", moved, times=-1))
    with pytest.raises(LeaseLostError, match="contended"):
        hold_fence(cluster, Fence("iris", 3))


def test_a_run_that_sleeps_right_before_its_write_overwrites_nothing(cluster: FlakyCluster) -> None:
    apply_fenced(cluster, [CONFIG], Fence("iris", 1))
    slept: list[str] = []

    def sleep(method: str, name: str) -> None:
        if (method, name) == ("apply", "c") and not slept:
            slept.append("here")
            apply_fenced(cluster, [{**CONFIG, "data": {"a": "2"}}], Fence("iris", 2))

    cluster.watch = sleep
    with pytest.raises(LeaseLostError):
        apply_fenced(cluster, [{**CONFIG, "data": {"a": "old"}}], Fence("iris", 1))
    live = cluster.get(ObjectRef.of(CONFIG))
    assert live is not None
    assert live["data"] == {"a": "2"}


def kinds(cluster: FlakyCluster) -> str:
    live = cluster.get(FENCE)
    assert live is not None
    found: str = live["metadata"]["annotations"]["applyset.kubernetes.io/contains-group-kinds"]
    return found


def test_the_inventory_names_a_kind_before_one_is_made(cluster: FlakyCluster) -> None:
    cluster.faults.append(ClusterFault("apply", moved, name="c", times=-1))
    with pytest.raises(PreconditionError):
        apply_fenced(cluster, [CONFIG, ACCOUNT], Fence("iris", 1))
    assert kinds(cluster) == "ConfigMap,ServiceAccount"
    apply_fenced(cluster, [{**ACCOUNT, "kind": "Other", "apiVersion": "x.io/v1"}], Fence("iris", 1))
    assert kinds(cluster) == "ConfigMap,Other.x.io,ServiceAccount"


def test_the_inventory_forgets_a_kind_once_none_is_left(cluster: FlakyCluster) -> None:
    apply_fenced(cluster, [CONFIG, ACCOUNT], Fence("iris", 1))
    cluster.delete(ObjectRef.of(ACCOUNT))
    settle_inventory(cluster, Fence("iris", 1))
    assert kinds(cluster) == "ConfigMap"
    with pytest.raises(LeaseLostError):
        settle_inventory(cluster, Fence("iris", 0))


def test_the_parent_is_what_the_specification_says(cluster: FlakyCluster) -> None:
    apply_fenced(cluster, [CONFIG], Fence("iris", 1))
    parent, member = cluster.get(FENCE), cluster.get(ObjectRef.of(CONFIG))
    assert parent is not None
    assert member is not None
    text = b"iris-deployer.default.ConfigMap."
    digest = urlsafe_b64encode(sha256(text).digest()).rstrip(b"=").decode()
    expected = f"applyset-{digest}-v1"
    assert parent["metadata"]["labels"]["applyset.kubernetes.io/id"] == expected
    assert member["metadata"]["labels"]["applyset.kubernetes.io/part-of"] == expected
    tooling = parent["metadata"]["annotations"]["applyset.kubernetes.io/tooling"]
    assert tooling.startswith("deployer/v")


def test_of_many_refusals_the_lasting_one_is_told(cluster: FlakyCluster) -> None:
    away = TransientError("away", operation="apply", resource="c")
    denied = AccessDeniedError("denied", operation="apply", resource="a")
    cluster.faults.append(ClusterFault("apply", lambda: away, name="c"))
    cluster.faults.append(ClusterFault("apply", lambda: denied, name="a"))
    with pytest.raises(AccessDeniedError, match="denied; and 1 more"):
        apply_fenced(cluster, [CONFIG, ACCOUNT], Fence("iris", 1))
