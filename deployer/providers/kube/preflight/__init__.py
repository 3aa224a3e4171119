"""Looking a cluster over before a release: everything that is wrong at once, nothing changed."""

from deployer.providers.kube.preflight.check import check_cluster

__all__ = ["check_cluster"]
