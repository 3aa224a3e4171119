from typing import Any

import pytest

from deployer.providers.kube.fields import changes_nothing
from deployer.providers.kube.kinds import object_path
from deployer.providers.kube.readiness import endpoint_pods, external_url, owned_pods


def test_only_pods_of_the_deployments_own_replica_sets_are_its_pods() -> None:
    def pod(name: str, created: str, kind: str, owner: str) -> dict[str, Any]:
        owners = [{"kind": kind, "name": owner}]
        return {"metadata": {"name": name, "creationTimestamp": created, "ownerReferences": owners}}

    pods = [
        pod("a", "2026-01-01T00:00:00Z", "ReplicaSet", "iris-r1-abc"),
        pod("b", "2026-01-02T00:00:00Z", "ReplicaSet", "iris-r1-def"),
        pod("c", "2026-01-03T00:00:00Z", "ReplicaSet", "iris-r1-x-abc"),
        pod("d", "2026-01-04T00:00:00Z", "Job", "iris-r1-abc"),
    ]
    found = owned_pods({"kind": "Deployment", "metadata": {"name": "iris-r1"}}, pods)
    assert [p["metadata"]["name"] for p in found] == ["b", "a"]


def test_endpoints_count_once_and_only_when_ready() -> None:
    pod = {"targetRef": {"kind": "Pod", "name": "iris-a"}}
    slices: list[dict[str, Any]] = [
        {"endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": True}} | pod]},
        {
            "endpoints": [
                {"addresses": ["10.0.0.1"], "conditions": {}} | pod,
                {"addresses": ["10.0.0.9"], "conditions": {"ready": True}},
                {"addresses": ["10.0.0.2"], "conditions": {"ready": False}},
            ]
        },
        {"endpoints": None},
    ]
    assert endpoint_pods(slices) == {"iris-a", "10.0.0.9"}


@pytest.mark.parametrize(
    ("ingress", "port", "url"),
    [
        ([{"hostname": "lb.example"}], 80, "http://lb.example"),
        ([{"ip": "192.0.2.1"}], 8080, "http://192.0.2.1:8080"),
        ([{"ip": "192.0.2.1"}], 443, "https://192.0.2.1"),
        ([], 80, None),
    ],
)
def test_the_endpoint_is_the_load_balancers(
    ingress: list[dict[str, str]], port: int, url: str | None
) -> None:
    status = {"loadBalancer": {"ingress": ingress}}
    assert external_url({"spec": {"ports": [{"port": port}]}, "status": status}) == url


def test_paths_follow_the_api_group() -> None:
    assert object_path("v1", "Service", "ns", "a") == "/api/v1/namespaces/ns/services/a"
    path = object_path("apps/v1", "Deployment", "ns")
    assert path == "/apis/apps/v1/namespaces/ns/deployments"


def test_what_a_controller_writes_meanwhile_is_no_change_of_ours() -> None:
    ours = {"manager": "deployer", "operation": "Apply", "fieldsV1": {"f:spec": {}}}
    manifest = {"metadata": {"name": "a"}, "spec": {"replicas": 1}}
    before = {"metadata": {"name": "a", "managedFields": [ours]}, "spec": {"replicas": 1, "x": 1}}
    after = {
        "metadata": {"name": "a", "managedFields": [ours], "annotations": {"revision": "1"}},
        "spec": {"replicas": 1, "x": 2},
    }
    assert changes_nothing(manifest, before, after, manager="deployer")
    scaled = {**after, "spec": {"replicas": 2}}
    assert not changes_nothing(manifest, before, scaled, manager="deployer")
    dropped = {**after, "metadata": {"name": "a", "managedFields": [{**ours, "fieldsV1": {}}]}}
    assert not changes_nothing(manifest, before, dropped, manager="deployer")
