from typing import Any

import pytest

from deployer.errors import ProviderError
from deployer.providers.local.admission import check_manifest, check_name


@pytest.mark.parametrize("name", ["", "../up", "a/b", "Iris", "-a", "a-", "a" * 300])
def test_names_that_kubernetes_refuses_are_refused(name: str) -> None:
    with pytest.raises(ProviderError, match="valid name"):
        check_name("ConfigMap", name)


def test_a_kind_is_no_path() -> None:
    with pytest.raises(ProviderError):
        check_name("../Secret", "a")


@pytest.mark.parametrize(
    ("kind", "spec", "fault"),
    [
        ("Deployment", {}, "selector.matchLabels is missing"),
        ("Deployment", {"selector": {"matchLabels": {"a": "b"}}}, "does not match the labels"),
        ("Deployment", {"replicas": "2"}, "not a whole number"),
        ("Deployment", {"template": {"spec": {"containers": [{}]}}}, "no valid name"),
        ("Service", {}, "spec.ports is missing"),
        ("Service", {"ports": [{"name": "http"}]}, "has no number"),
    ],
)
def test_what_could_not_be_run_is_refused(kind: str, spec: dict[str, Any], fault: str) -> None:
    with pytest.raises(ProviderError, match=fault):
        check_manifest({"apiVersion": "v1", "kind": kind, "metadata": {"name": "a"}, "spec": spec})
