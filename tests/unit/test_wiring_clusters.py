from pathlib import Path

import pytest

from deployer.errors import SetupError
from deployer.providers.kube.cluster import KubeCluster
from deployer.providers.local.cluster import LocalCluster
from deployer.spec.model import ClusterSpec
from deployer.wiring import find_cluster, open_cluster


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
    "spec",
    [ClusterSpec(eks="prod"), ClusterSpec(gke="prod"), ClusterSpec(aks="prod", resource_group="g")],
)
def test_a_cluster_is_opened_by_its_clouds_name_for_it_without_io(
    spec: ClusterSpec, tmp_path: Path
) -> None:
    assert isinstance(open_cluster(spec, namespace="models", base=tmp_path), KubeCluster)


def test_only_a_cloud_can_be_asked_for_a_cluster() -> None:
    with pytest.raises(SetupError, match="not named by its cloud"):
        find_cluster(ClusterSpec(context="prod"), "")
