from types import SimpleNamespace
from typing import Any

import pytest

from deployer.errors import RolloutError, TransientError
from deployer.execution.endpoints import await_endpoints, demand_pods
from deployer.ports import PodState, Readiness, Verdict
from deployer.providers.local.clock import ManualClock


class Watched:
    """A cluster whose Service and Deployment show one thing after the other, the last for good."""

    def __init__(self, service: list[Any], workload: list[Any]) -> None:
        self._shows = {"Service": service, "Deployment": workload}

    def readiness(self, ref: Any) -> Readiness:
        shows = self._shows[ref.kind]
        shown = shows.pop(0) if len(shows) > 1 else shows[0]
        if isinstance(shown, Exception):
            raise shown
        pods = tuple(
            PodState(name, name[0].islower(), 0, "Terminating" if name.endswith("-") else "")
            for name in shown.split()
        )
        ready = sum(pod.ready for pod in pods)
        return Readiness(Verdict.READY if ready else Verdict.PROGRESSING, ready, 1, "why", pods)


def watch(service: list[Any], workload: list[Any]) -> Any:
    return Watched(service, workload)


AWAY = TransientError("no route", operation="readiness", resource="iris")


@pytest.fixture
def context() -> Any:
    return SimpleNamespace(clock=ManualClock(), check=lambda: None)


@pytest.mark.parametrize(
    ("service", "workload", "looks"),
    [
        (["new"], ["new"], 0),
        (["old", "old new", "new"], ["new"], 2),
        (["", "new"], ["new"], 1),
        (["a", "a b"], ["a b"], 1),
        (["a"], ["a B"], 0),
        (["a"], ["a b-"], 0),
        ([AWAY, "new"], ["new"], 1),
    ],
)
def test_the_endpoints_have_followed_when_all_ready_pods_are_in_and_no_others(
    make_part: Any, context: Any, service: list[Any], workload: list[Any], looks: int
) -> None:
    before = context.clock.monotonic()
    await_endpoints(watch(service, workload), make_part(), "iris", context)
    assert context.clock.monotonic() - before == pytest.approx(looks * 0.1)


@pytest.mark.parametrize(
    ("service", "words"),
    [
        (["old new"], "it still leads to pod old"),
        ([""], "it does not lead to pod new"),
        ([AWAY], "no route"),
    ],
)
def test_endpoints_that_never_follow_are_the_clusters_fault(
    make_part: Any, context: Any, service: list[Any], words: str
) -> None:
    with pytest.raises(TransientError, match=words):
        await_endpoints(watch(service, ["new"]), make_part(), "iris", context)


def test_a_service_that_leads_nowhere_is_said_to(make_part: Any, context: Any) -> None:
    with pytest.raises(TransientError, match="it leads to no pod"):
        await_endpoints(watch([""], [""]), make_part(), "iris", context)


def test_a_pod_that_is_ready_in_time_takes_the_traffic(make_part: Any, context: Any) -> None:
    demand_pods(watch([""], ["NEW", AWAY, "new"]), make_part(), 42, context)


def test_without_a_ready_pod_no_traffic_is_moved(make_part: Any, context: Any) -> None:
    with pytest.raises(RolloutError, match="release 42 has no pod to give the traffic to: why"):
        demand_pods(watch([""], ["NEW"]), make_part(), 42, context)
