from decimal import Decimal
from typing import Any

import pytest

from deployer.providers.kube.preflight.demand import demands_of, quantity


def workload(kind: str, spec: dict[str, Any], **pod: Any) -> dict[str, Any]:
    return {
        "kind": kind,
        "metadata": {"name": "x"},
        "spec": {**spec, "template": {"spec": {"containers": [], **pod}}},
    }


def container(**resources: dict[str, str]) -> dict[str, Any]:
    return {"name": "c", "resources": resources}


@pytest.mark.parametrize(
    ("text", "number"),
    [("500m", Decimal("0.5")), ("1Gi", Decimal(2**30)), ("2", Decimal(2)), ("1k", Decimal(1000))],
)
def test_a_quantity_is_a_plain_number(text: str, number: Decimal) -> None:
    assert quantity(text) == number


def test_containers_run_together_and_init_containers_before_them() -> None:
    pods = [container(requests={"cpu": "1"}), container(requests={"cpu": "500m"})]
    starters = [container(requests={"cpu": "2"}), container(requests={"cpu": "1"})]
    (found,) = demands_of(
        [workload("Deployment", {"replicas": 3}, containers=pods, initContainers=starters)]
    )
    assert (found.pods, found.requests) == (3, {"cpu": Decimal(2)})


def test_what_is_limited_is_requested_and_what_has_no_pods_asks_for_nothing() -> None:
    gpu = [container(limits={"nvidia.com/gpu": "1"})]
    job, stateful = demands_of(
        [
            workload("Job", {"parallelism": 2}, containers=gpu),
            workload("StatefulSet", {}, containers=gpu),
            {"kind": "ConfigMap", "metadata": {"name": "x"}},
        ]
    )
    assert (job.pods, stateful.pods) == (2, 1)
    assert job.requests == {"nvidia.com/gpu": Decimal(1)}
