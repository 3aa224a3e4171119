"""Waiting on a cluster in memory, whose clock costs nothing."""

from collections.abc import Callable, Sequence

import pytest

from deployer.errors import AccessDeniedError, RolloutError, TransientError
from deployer.execution.events import Waiting
from deployer.execution.waiting import FLAPPED_SECONDS, STABLE_SECONDS, Wanted, await_ready
from deployer.ports import ObjectRef, Readiness, Verdict
from deployer.providers.local.clock import ManualClock
from deployer.providers.local.cluster_faults import ClusterFault, FlakyCluster
from deployer.providers.local.memory_cluster import MemoryCluster

WEB = ObjectRef("apps/v1", "Deployment", "web")
DOOR = ObjectRef("v1", "Service", "web")
READY = Readiness(Verdict.READY, 2, 2)
HALF = Readiness(Verdict.PROGRESSING, 1, 2, "1 of 2 pods are ready")


class World:
    """A Deployment and its Service on a cluster in memory, waited for."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.memory = MemoryCluster(clock=self.clock)
        self.cluster = FlakyCluster(self.memory, self.clock)
        self.told: list[Sequence[Waiting]] = []
        self.check: Callable[[], None] = lambda: None
        labels = {"app": "web"}
        template = {
            "metadata": {"labels": labels},
            "spec": {"containers": [{"name": "c", "image": "x"}]},
        }
        self.memory.apply(
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": "web"},
                "spec": {
                    "replicas": 2,
                    "selector": {"matchLabels": labels},
                    "template": template,
                },
            }
        )
        self.memory.apply(
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": "web"},
                "spec": {
                    "selector": labels,
                    "ports": [{"name": "http", "port": 80, "protocol": "TCP"}],
                },
            }
        )

    def wait(self, *script: Readiness, timeout_seconds: float = 60.0) -> str:
        self.memory.script_readiness("web", *script)
        wanted = Wanted(
            target="aws",
            release=3,
            refs=[WEB, DOOR],
            timeout_seconds=timeout_seconds,
            check=self._check,
            tell=self.told.append,
        )
        return await_ready(self.cluster, wanted, self.clock)

    def _check(self) -> None:
        self.check()


@pytest.fixture
def world() -> World:
    return World()


def test_what_is_ready_and_stays_so_is_waited_for_no_longer(world: World) -> None:
    assert world.wait(READY) == "2/2 ready"
    assert STABLE_SECONDS <= world.clock.monotonic() < 2 * STABLE_SECONDS


def test_what_flapped_has_to_stay_ready_for_longer(world: World) -> None:
    assert world.wait(READY, HALF, READY) == "2/2 ready"
    assert world.clock.monotonic() >= FLAPPED_SECONDS


def test_what_never_stays_ready_is_not_ready_in_time(world: World) -> None:
    with pytest.raises(RolloutError, match="not ready in 20 s"):
        world.wait(*[READY, HALF] * 100, timeout_seconds=20)


def test_a_failure_ends_the_wait_at_once_with_the_last_log_lines(world: World) -> None:
    world.memory.script_logs("web", "no module named sklearn")
    failed = Readiness(Verdict.FAILED, 0, 2, "pod web-1, container c: CrashLoopBackOff")
    with pytest.raises(RolloutError, match="aws: Deployment web: pod web-1") as raised:
        world.wait(HALF, failed)
    assert raised.value.release == 3
    assert "no module named sklearn" in str(raised.value.hint)
    assert world.clock.monotonic() < 2


@pytest.mark.parametrize(
    ("verdict", "message"),
    [
        (Verdict.PENDING, "pod web-1: Unschedulable: Insufficient nvidia.com/gpu"),
        (Verdict.PAUSED, "it is paused"),
        (Verdict.MISSING, "there is no Deployment/web"),
    ],
)
def test_what_may_yet_come_is_waited_for_and_then_named(
    world: World, verdict: Verdict, message: str
) -> None:
    with pytest.raises(RolloutError, match=f"not ready in 60 s: {message}"):
        world.wait(Readiness(verdict, 0, 2, message))
    assert world.clock.monotonic() == pytest.approx(60, abs=1)


def test_every_object_is_waited_for_not_only_the_workload(world: World) -> None:
    world.memory.delete(DOOR)
    with pytest.raises(RolloutError, match="Service web: not ready in 60 s: there is no"):
        world.wait(READY)


def test_each_object_is_told_of_with_what_it_does_and_for_how_long(world: World) -> None:
    world.wait(*[HALF] * 8, READY)
    first, *_, last = [told[0] for told in world.told if told]
    assert (first.name, first.state, first.message) == (
        "Deployment/web",
        "progressing",
        "1 of 2 pods are ready",
    )
    assert first.seconds == 0
    assert last.seconds > 1


def test_a_cluster_that_is_away_for_a_while_is_waited_for(world: World) -> None:
    fault = ClusterFault("readiness", _away, name="web", skip=2, times=5)
    world.cluster.faults.append(fault)
    assert world.wait(HALF, READY) == "2/2 ready"
    assert "away" in [told[0].state for told in world.told if told]


def test_a_cluster_that_stays_away_is_not_the_releases_fault(world: World) -> None:
    world.cluster.down = True
    with pytest.raises(TransientError, match="not ready in 60 s: the cluster is down"):
        world.wait(READY)


def test_a_refusal_right_after_an_answer_may_be_a_server_that_starts(world: World) -> None:
    world.cluster.faults.append(ClusterFault("readiness", _refused, skip=2, times=1))
    assert world.wait(HALF, READY) == "2/2 ready"


def test_a_refusal_at_first_or_for_long_is_a_refusal(world: World) -> None:
    world.cluster.faults.append(ClusterFault("readiness", _refused, times=1))
    with pytest.raises(AccessDeniedError):
        world.wait(READY)
    world.cluster.faults.append(ClusterFault("readiness", _refused, skip=2, times=1000))
    with pytest.raises(AccessDeniedError):
        world.wait(HALF)
    assert world.clock.monotonic() < 2 * FLAPPED_SECONDS


def test_whoever_must_stop_stops_waiting(world: World) -> None:
    def check() -> None:
        if world.clock.monotonic() > 5:
            raise KeyboardInterrupt

    world.check = check
    with pytest.raises(KeyboardInterrupt):
        world.wait(HALF)


def _away() -> TransientError:
    return TransientError("no answer", operation="readiness", resource="web")


def _refused() -> AccessDeniedError:
    return AccessDeniedError("RBAC: not yet", operation="readiness", resource="web")
