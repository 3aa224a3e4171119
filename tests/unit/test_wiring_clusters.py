from pathlib import Path

import pytest

from deployer.errors import SetupError
from deployer.providers.kube.cluster import KubeCluster
from deployer.providers.local.cluster import LocalCluster
from deployer.spec.model import ClusterSpec
from deployer.wiring import open_cluster


def test_a_local_cluster_lies_relative_to_the_spec(tmp_path: Path) -> None:
    cluster = open_cluster(ClusterSpec(local="clusters/a"), namespace="models", base=tmp_path)
    assert isinstance(cluster, LocalCluster)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "spec", [ClusterSpec(context="prod"), ClusterSpec(kubeconfig="kubeconfig")]
)
def test_any_kubernetes_is_one_adapter(spec: ClusterSpec, tmp_path: Path) -> None:
    assert isinstance(open_cluster(spec, namespace="models", base=tmp_path), KubeCluster)


@pytest.mark.parametrize(
    ("spec", "login"),
    [
        (ClusterSpec(eks="prod"), "aws eks update-kubeconfig --name prod"),
        (ClusterSpec(gke="prod"), "gcloud container clusters get-credentials prod"),
        (ClusterSpec(aks="prod"), "az aks get-credentials"),
    ],
)
def test_a_cluster_named_by_its_cloud_is_refused_with_what_to_do(
    spec: ClusterSpec, login: str, tmp_path: Path
) -> None:
    with pytest.raises(SetupError, match="not implemented yet") as refused:
        open_cluster(spec, namespace="models", base=tmp_path)
    assert refused.value.hint is not None
    assert login in refused.value.hint
