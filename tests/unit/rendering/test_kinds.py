import pytest

from deployer.rendering.kinds import explain_kind, group_of


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
        ("v1", "Namespace", "belongs to the whole cluster"),
        ("rbac.authorization.k8s.io/v1", "ClusterRole", "apply it once with kubectl"),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition", "belongs to the whole cluster"),
    ],
)
def test_a_kind_that_cannot_be_a_releases_is_explained(
    api_version: str, kind: str, why: str
) -> None:
    found = explain_kind(api_version, kind)
    assert bool(found) == bool(why)
    assert why in found


@pytest.mark.parametrize(("api_version", "group"), [("v1", ""), ("apps/v1", "apps")])
def test_the_cores_group_is_empty(api_version: str, group: str) -> None:
    assert group_of(api_version) == group
