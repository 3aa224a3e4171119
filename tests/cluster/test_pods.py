"""Pods that are processes: what the node agent owes Kubernetes."""

from tests.cluster.rig import ApiServer


def test_an_api_server_answers_and_gives_namespaces(api_server: ApiServer, namespace: str) -> None:
    found = api_server.api().get(f"/api/v1/namespaces/{namespace}")
    assert found["status"]["phase"] == "Active"
