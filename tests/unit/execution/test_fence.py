import pytest

from deployer.errors import LeaseLostError, PreconditionError
from deployer.execution.fence import apply_fenced, hold_fence
from deployer.ports import ObjectRef
from deployer.providers.local.clock import ManualClock
from deployer.providers.local.cluster_faults import ClusterFault, FlakyCluster
from deployer.providers.local.memory_cluster import MemoryCluster

FENCE = ObjectRef("v1", "ConfigMap", "iris-deployer")
CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "1"}}


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
    hold_fence(cluster, "iris", 3)
    hold_fence(cluster, "iris", 3)
    hold_fence(cluster, "iris", 5)
    with pytest.raises(LeaseLostError, match="a later run has changed iris") as caught:
        hold_fence(cluster, "iris", 4)
    assert token(cluster) == "5"
    assert "delete ConfigMap/iris-deployer" in str(caught.value.hint)


def test_a_fence_that_moved_in_between_is_looked_at_again(cluster: FlakyCluster) -> None:
    cluster.faults.append(ClusterFault("apply", moved))
    hold_fence(cluster, "iris", 3)
    assert token(cluster) == "3"


def test_a_fence_that_never_stands_still_stops_the_run(cluster: FlakyCluster) -> None:
    cluster.faults.append(ClusterFault("apply", moved, times=-1))
    with pytest.raises(LeaseLostError, match="contended"):
        hold_fence(cluster, "iris", 3)


def test_an_object_that_moved_between_look_and_write_is_tried_again(cluster: FlakyCluster) -> None:
    hold_fence(cluster, "iris", 1)
    cluster.faults.append(ClusterFault("apply", moved, name="c"))
    apply_fenced(cluster, CONFIG, name="iris", token=1)
    live = cluster.get(ObjectRef.of(CONFIG))
    assert live is not None
    assert live["data"] == {"a": "1"}


def test_a_field_that_is_somebody_elses_is_told_as_such(cluster: FlakyCluster) -> None:
    cluster.faults.append(ClusterFault("apply", moved, name="c", times=-1))
    with pytest.raises(PreconditionError, match="another writer"):
        apply_fenced(cluster, CONFIG, name="iris", token=1)


def test_a_run_that_sleeps_right_before_its_write_overwrites_nothing(cluster: FlakyCluster) -> None:
    apply_fenced(cluster, CONFIG, name="iris", token=1)
    slept: list[str] = []

    def sleep(method: str, name: str) -> None:
        if (method, name) == ("apply", "c") and not slept:
            slept.append("here")
            apply_fenced(cluster, {**CONFIG, "data": {"a": "2"}}, name="iris", token=2)

    cluster.watch = sleep
    with pytest.raises(LeaseLostError):
        apply_fenced(cluster, {**CONFIG, "data": {"a": "old"}}, name="iris", token=1)
    live = cluster.get(ObjectRef.of(CONFIG))
    assert live is not None
    assert live["data"] == {"a": "2"}
