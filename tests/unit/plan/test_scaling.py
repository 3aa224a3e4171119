from typing import Any

import pytest

from deployer.plan.scaling import is_scaler, scale_objects, scaler_refs, starting_pods

WORKLOAD = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "iris-r42"},
    "spec": {"replicas": 2, "paused": False},
}


def scaler(kind: str, target: str = "iris-r42", **spec: Any) -> dict[str, Any]:
    api = "keda.sh/v1alpha1" if kind == "ScaledObject" else "autoscaling/v2"
    metadata = {"name": "iris-r42"}
    spec = {"scaleTargetRef": {"name": target}, **spec}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec}


HPA = scaler("HorizontalPodAutoscaler", maxReplicas=6)
KEDA = scaler("ScaledObject", maxReplicaCount=3)


def test_a_workload_is_scaled_and_nothing_else_is_touched(make_part: Any) -> None:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "iris-r42"}}
    part = make_part(objects=(service, WORKLOAD))
    scaled = {**WORKLOAD, "spec": {"replicas": 0, "paused": False}}
    assert scale_objects(part, 0) == (service, scaled)


@pytest.mark.parametrize(
    ("found", "scales"),
    [
        (HPA, True),
        (KEDA, True),
        (scaler("HorizontalPodAutoscaler", "iris-r41"), False),
        (scaler("VerticalPodAutoscaler"), False),
        (WORKLOAD, False),
        ({"kind": "ConfigMap", "metadata": {"name": "a"}}, False),
    ],
)
def test_a_scaler_is_what_sets_the_number_of_this_workloads_pods(found: Any, scales: bool) -> None:
    assert is_scaler(found, "iris-r42") is scales


@pytest.mark.parametrize(
    ("scalers", "serving", "pods"),
    [
        ((), 5, None),
        ((HPA,), 0, None),
        ((HPA,), 2, None),
        ((HPA,), 5, 5),
        ((HPA,), 9, 6),
        ((KEDA,), 9, 3),
    ],
)
def test_a_release_starts_with_as_many_pods_as_serve_if_a_scaler_would_keep_them(
    make_part: Any, scalers: Any, serving: int, pods: int | None
) -> None:
    part = make_part(objects=(WORKLOAD, *scalers))
    assert starting_pods(part, serving) == pods
    assert len(scaler_refs(part)) == len(scalers)
