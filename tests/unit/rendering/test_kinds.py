import pytest

from deployer.rendering.kinds import explain_kind, group_of, is_cluster_wide


@pytest.mark.parametrize(
    ("api_version", "kind", "why"),
    [
        ("v1", "ConfigMap", ""),
        ("batch/v1", "CronJob", ""),
        ("example.com/v1", "Anything", ""),
        ("apps/v1", "SomethingNew", ""),
        ("v1", "Configmap", "there is no kind Configmap in v1 (did you mean ConfigMap?)"),
        ("apps/v1", "Deploymnet", "did you mean Deployment?"),
        ("extensions/v1beta1", "Ingress", "Ingress is of networking.k8s.io, not extensions"),
        ("v1", "Deployment", "Deployment is of apps, not v1"),
        ("v1", "ClusterRole", "ClusterRole is of rbac.authorization.k8s.io, not v1"),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition", ""),
        ("rbac.authorization.k8s.io/v1", "ClusterRol", "did you mean ClusterRole?"),
    ],
)
def test_a_kind_that_there_is_not_is_explained(api_version: str, kind: str, why: str) -> None:
    found = explain_kind(api_version, kind)
    assert bool(found) == bool(why)
    assert why in found


@pytest.mark.parametrize(("api_version", "group"), [("v1", ""), ("apps/v1", "apps")])
def test_the_cores_group_is_empty(api_version: str, group: str) -> None:
    assert group_of(api_version) == group


def test_some_objects_have_no_namespace() -> None:
    assert is_cluster_wide("v1", "Namespace")
    assert is_cluster_wide("rbac.authorization.k8s.io/v1", "ClusterRole")
    assert not is_cluster_wide("v1", "Service")
    assert not is_cluster_wide("example.com/v1", "Namespace")
