from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.providers.local.supervisor.deployments import (
    PodView,
    Progress,
    describe_status,
    hash_template,
    plan_pods,
)

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def deployment(replicas: int = 2, **spec: Any) -> dict[str, Any]:
    template = {"spec": {"containers": [{"name": "a"}]}}
    return {
        "metadata": {"name": "web", "generation": 1},
        "spec": {"replicas": replicas, "template": template, **spec},
    }


NEW = hash_template(deployment())


def pod(name: str, *, new: bool = True, ready: bool = True, terminating: bool = False) -> PodView:
    return PodView(name, NEW if new else "old", ready, terminating, NOW)


def test_missing_pods_are_started() -> None:
    assert plan_pods(deployment(), [pod("a")]).start == 1


def test_a_rollout_surges_and_keeps_the_old_until_the_new_are_ready() -> None:
    old = [pod("a", new=False), pod("b", new=False)]
    plan = plan_pods(deployment(), old)
    assert (plan.start, plan.stop) == (1, ())
    plan = plan_pods(deployment(), [*old, pod("c", ready=False)])
    assert (plan.start, plan.stop) == (0, ())
    plan = plan_pods(deployment(), [*old, pod("c")])
    assert (plan.start, len(plan.stop)) == (0, 1)


def test_unready_pods_go_first() -> None:
    pods = [pod("a"), pod("b", ready=False), pod("c")]
    assert plan_pods(deployment(), pods).stop == ("b",)


def test_recreate_stops_all_of_the_old_before_it_starts_any() -> None:
    recreate = deployment(strategy={"type": "Recreate"})
    old = pod("a", new=False)
    assert plan_pods(recreate, [old]).stop == ("a",)
    assert plan_pods(recreate, [pod("a", new=False, terminating=True)]).start == 0
    assert plan_pods(recreate, []).start == 2


@given(
    st.integers(0, 5),
    st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), max_size=10),
)
def test_ready_pods_never_fall_below_what_is_promised(
    replicas: int, shapes: list[tuple[bool, bool, bool]]
) -> None:
    pods = [
        pod(f"p{n}", new=new, ready=ready, terminating=gone)
        for n, (new, ready, gone) in enumerate(shapes)
    ]
    plan = plan_pods(deployment(replicas), pods)
    alive = [p for p in pods if not p.terminating]
    left = [p for p in alive if p.name not in plan.stop]
    before = sum(p.ready for p in alive)
    unavailable = replicas // 4
    assert sum(p.ready for p in left) >= min(before, replicas - unavailable)
    assert len(alive) <= len(left) + len(plan.stop)
    assert plan.start + len(left) <= max(replicas + -(-replicas // 4), len(left))


@pytest.mark.parametrize(
    ("seconds", "reason"), [(9, "ReplicaSetUpdated"), (11, "ProgressDeadlineExceeded")]
)
def test_the_deadline_counts_from_the_last_progress(seconds: float, reason: str) -> None:
    stuck = deployment(progressDeadlineSeconds=10)
    _, progress = describe_status(stuck, [pod("a", ready=False)], None, now=NOW)
    later = NOW + timedelta(seconds=seconds)
    status, _ = describe_status(stuck, [pod("a", ready=False)], progress, now=later)
    assert status["conditions"][1]["reason"] == reason


def test_a_rollout_that_was_complete_does_not_fail_later() -> None:
    pods = [pod("a"), pod("b")]
    _, progress = describe_status(deployment(), pods, None, now=NOW)
    later = NOW + timedelta(hours=1)
    status, _ = describe_status(deployment(), [pod("a", ready=False)], progress, now=later)
    assert status["conditions"][1]["status"] == "True"
    assert status["conditions"][0]["status"] == "False"
    assert isinstance(progress, Progress)


def test_terminating_pods_do_not_count() -> None:
    pods = [pod("a"), pod("b"), pod("c", new=False, terminating=True)]
    status, progress = describe_status(deployment(), pods, None, now=NOW)
    assert (status["replicas"], status["updatedReplicas"], status["readyReplicas"]) == (2, 2, 2)
    assert progress.complete
