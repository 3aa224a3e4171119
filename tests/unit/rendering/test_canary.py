from collections.abc import Callable
from typing import Any

import pytest

from deployer.errors import SpecError
from deployer.rendering import RenderedTarget

Render = Callable[..., RenderedTarget]
CANARY = "strategy: {type: canary}\n"
SERVICE = """\
apiVersion: v1
kind: Service
metadata:
  name: iris
  annotations: {external-dns.alpha.kubernetes.io/hostname: iris.example.com, team: vision}
spec:
  loadBalancerIP: 203.0.113.7
  loadBalancerSourceRanges: [10.0.0.0/8]
"""
TARGET = """\
targets:
  - name: aws
    provider: aws
    region: us-east-1
    store: "s3://models"
    cluster: {context: a}
    expose: WAY
"""


def ways(way: str) -> str:
    return TARGET.replace("WAY", way)


def by_kind(rendered: RenderedTarget) -> dict[str, Any]:
    return {manifest["kind"]: manifest for manifest in rendered.canary}


CLOUD_ONLY = ways("load-balancer")


def test_without_a_canary_there_is_one_way_in(render: Render) -> None:
    assert render().canary == ()
    assert (
        render(more=CANARY, only=ways("load-balancer")).objects
        == render(only=ways("load-balancer")).objects
    )


def test_its_service_is_the_stable_one_once_more(render: Render) -> None:
    rendered = render(more=CANARY, only=CLOUD_ONLY)
    [service] = rendered.canary
    stable = rendered.shift
    assert service["metadata"]["name"] == "iris-canary"
    assert service["spec"] == stable["spec"]
    assert service["spec"]["selector"] == {"deployer/name": "iris", "deployer/release": "42"}
    assert service["metadata"]["labels"] == stable["metadata"]["labels"]
    assert service["metadata"]["annotations"] == stable["metadata"]["annotations"]
    assert "iris-canary" not in {it["metadata"]["name"] for it in rendered.objects}


def test_a_patch_holds_for_it_but_not_an_address_that_only_one_can_have(render: Render) -> None:
    rendered = render(more=CANARY, only=CLOUD_ONLY, patch=SERVICE)
    [service] = rendered.canary
    assert rendered.shift["spec"]["loadBalancerIP"] == "203.0.113.7"
    assert "loadBalancerIP" not in service["spec"]
    assert service["spec"]["loadBalancerSourceRanges"] == ["10.0.0.0/8"]
    assert service["metadata"]["annotations"]["team"] == "vision"
    assert not [name for name in service["metadata"]["annotations"] if "external-dns" in name]


def test_an_ingress_leads_to_it_by_a_host_of_its_own(render: Render) -> None:
    way = "{ingress: {host: iris.example.com, canary: next.example.com, tls_secret: both}}"
    found = by_kind(render(more=CANARY, only=ways(way)))
    assert list(found) == ["Service", "Ingress"]
    spec = found["Ingress"]["spec"]
    [rule] = spec["rules"]
    assert rule["host"] == "next.example.com"
    [path] = rule["http"]["paths"]
    assert path["backend"]["service"] == {"name": "iris-canary", "port": {"name": "http"}}
    assert spec["tls"] == [{"hosts": ["next.example.com"], "secretName": "both"}]
    assert found["Ingress"]["metadata"]["name"] == "iris-canary"


def test_a_gateway_leads_to_it_by_a_host_of_its_own(render: Render) -> None:
    way = "{gateway: {host: iris.example.com, canary: next.example.com, name: edge}}"
    spec = by_kind(render(more=CANARY, only=ways(way)))["HTTPRoute"]["spec"]
    assert spec["hostnames"] == ["next.example.com"]
    assert spec["parentRefs"] == [{"name": "edge"}]
    [reference] = spec["rules"][0]["backendRefs"]
    assert (reference["name"], reference["port"]) == ("iris-canary", 80)


def test_an_object_of_the_users_that_has_its_name_is_refused(render: Render) -> None:
    taken = SERVICE.replace("name: iris\n", "name: iris-canary\n")
    with pytest.raises(SpecError, match="Service/iris-canary is made for the canary"):
        render(more=CANARY, only=CLOUD_ONLY, patch=taken)
