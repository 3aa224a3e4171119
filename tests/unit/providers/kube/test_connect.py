from pathlib import Path

import pytest

from deployer.errors import SetupError, TransientError
from deployer.providers.kube.connect import connect_cluster
from deployer.providers.local.clock import SystemClock

KUBECONFIG = """
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "http://127.0.0.1:9"}}]
users: [{name: u, user: {token: t0psecret}}]
contexts: [{name: there, context: {cluster: c, user: u}}]
current-context: there
"""


def test_a_kubeconfig_that_is_not_there_is_a_matter_of_set_up(tmp_path: Path) -> None:
    cluster = connect_cluster(
        namespace="models", clock=SystemClock(), kubeconfig=str(tmp_path / "none")
    )
    with pytest.raises(SetupError, match="no way to reach the cluster"):
        cluster.describe()


def test_a_context_that_is_not_there_is_a_matter_of_set_up(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(KUBECONFIG)
    cluster = connect_cluster(
        namespace="models", clock=SystemClock(), kubeconfig=str(path), context="elsewhere"
    )
    with pytest.raises(SetupError, match="elsewhere"):
        cluster.describe()


def test_a_server_that_does_not_answer_is_transient_and_no_token_is_told(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(KUBECONFIG)
    cluster = connect_cluster(namespace="models", clock=SystemClock(), kubeconfig=str(path))
    with pytest.raises(TransientError, match="did not answer") as raised:
        cluster.describe()
    assert "t0psecret" not in raised.value.message
