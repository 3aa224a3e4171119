"""Looking a real API server over: what lacks is found, all at once, and nothing is changed."""

import json
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from deployer.ports import Finding, Severity
from deployer.providers.kube.cluster import KubeCluster
from deployer.providers.kube.connect import connect_cluster
from deployer.providers.local.clock import SystemClock
from tests.cluster.api import Api
from tests.cluster.rig import ApiServer


def deployment(*, secret: str = "", **resources: dict[str, str]) -> dict[str, Any]:
    labels = {"app": "web"}
    container = {"name": "server", "image": "web:1", "resources": resources}
    pod: dict[str, Any] = {"containers": [container]}
    if secret:
        pod["imagePullSecrets"] = [{"name": secret}]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def claim(name: str, storage_class: str | None = None) -> dict[str, Any]:
    spec = {} if storage_class is None else {"storageClassName": storage_class}
    metadata = {"name": name}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}


def connect(server: ApiServer, namespace: str, kubeconfig: str = "") -> KubeCluster:
    return connect_cluster(
        namespace=namespace, clock=SystemClock(), kubeconfig=kubeconfig or server.kubeconfig
    )


def found(
    cluster: KubeCluster, *manifests: dict[str, Any], thorough: bool = True
) -> dict[str, list[Finding]]:
    by_check: dict[str, list[Finding]] = {}
    for each in cluster.preflight(manifests, thorough=thorough):
        by_check.setdefault(each.check, []).append(each)
    return by_check


def severities(looked: dict[str, list[Finding]]) -> dict[str, Severity]:
    return {check: findings[0].severity for check, findings in looked.items()}


@pytest.fixture
def api(api_server: ApiServer) -> Api:
    return api_server.api()


def test_a_release_that_can_run_is_found_to(api_server: ApiServer, namespace: str) -> None:
    small = deployment(requests={"cpu": "10m", "memory": "16Mi"})
    looked = found(connect(api_server, namespace), small)
    assert severities(looked) == dict.fromkeys(looked, Severity.OK)
    assert looked["version"][0].message.startswith("Kubernetes v1.")
    assert looked["nodes"][0].message == "Deployment/web: room for 2 of 2"
    assert set(looked) == {"version", "kinds", "permissions", "quota", "limits", "nodes"}


def test_who_may_do_little_is_told_the_least_role_that_would_do(
    api_server: ApiServer, namespace: str, api: Api, tmp_path: Path
) -> None:
    if not api_server.restricted_token:
        pytest.skip("this cluster has no second user")
    config = json.loads(Path(api_server.kubeconfig).read_text())
    config["users"][0]["user"] = {"token": api_server.restricted_token}
    (tmp_path / "config").write_text(json.dumps(config))
    cluster = connect(api_server, namespace, str(tmp_path / "config"))
    looked = found(cluster, deployment(), thorough=False)
    (lacking,) = looked["permissions"]
    assert lacking.severity is Severity.ERROR
    assert "rights lack in namespace" in lacking.message
    _, _, role = lacking.hint.partition("\n")
    assert "kind: Role" in role
    _grant(api, namespace, role)
    looked = found(cluster, deployment(), thorough=True)
    assert looked["permissions"][0].severity is Severity.OK, looked["permissions"]
    assert looked["nodes"][0].severity is Severity.WARNING
    assert "not allowed to look" in looked["nodes"][0].message


def _grant(api: Api, namespace: str, role: str) -> None:
    """Do as the hint says."""
    path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
    document = YAML(typ="safe").load(role)
    assert document["metadata"]["namespace"] == namespace
    api.post(f"{path}/roles", document)
    group = "rbac.authorization.k8s.io"
    api.post(
        f"{path}/rolebindings",
        {
            "metadata": {"name": "deployer"},
            "roleRef": {"apiGroup": group, "kind": "Role", "name": "deployer"},
            "subjects": [{"apiGroup": group, "kind": "User", "name": "restricted"}],
        },
    )


def test_everything_that_lacks_is_found_at_once(
    api_server: ApiServer, namespace: str, api: Api
) -> None:
    core = f"/api/v1/namespaces/{namespace}"
    quota = {"hard": {"requests.cpu": "1", "pods": "10"}}
    api.post(f"{core}/resourcequotas", {"metadata": {"name": "gold"}, "spec": quota})
    limits = [{"type": "Container", "max": {"memory": "64Mi"}}]
    api.post(f"{core}/limitranges", {"metadata": {"name": "small"}, "spec": {"limits": limits}})
    clock = SystemClock()
    while not api.get(f"{core}/resourcequotas/gold").get("status", {}).get("hard"):
        clock.sleep(0.1)
    strange = {"apiVersion": "absent.example/v1", "kind": "Absent", "metadata": {"name": "x"}}
    big = {"cpu": "2", "memory": "1Gi", "nvidia.com/gpu": "64"}
    looked = found(
        connect(api_server, namespace),
        deployment(requests=big, secret="registry"),
        strange,
        claim("data", "fast"),
    )
    assert "no kind Absent in absent.example/v1" in looked["kinds"][0].message
    assert "leaves requests.cpu 1, the release asks for 4" in looked["quota"][0].message
    assert "allows memory 64Mi at most, container server" in looked["limits"][0].message
    assert "room for 0 of 2 pods now" in looked["nodes"][0].message
    assert "nvidia.com/gpu 64" in looked["nodes"][0].message
    assert "wants storage class fast, which is not there" in looked["storage"][0].message
    assert "no Secret registry to pull images with" in looked["secrets"][0].message
    wrong = {check for check, each in severities(looked).items() if each is Severity.ERROR}
    assert wrong == {"kinds", "quota", "limits", "storage", "secrets"}


def test_a_namespace_that_is_not_there_yet_is_no_error(api_server: ApiServer) -> None:
    looked = found(connect(api_server, "not-there-yet"), deployment())
    assert looked["namespace"][0].severity is Severity.OK
    assert looked["permissions"][0].severity is Severity.OK
