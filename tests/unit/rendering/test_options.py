from collections.abc import Callable
from typing import Any

import pytest

from deployer.errors import SpecError
from deployer.rendering import RenderedTarget

Render = Callable[..., RenderedTarget]
Find = Callable[[RenderedTarget, str], Any]


def kinds_of(rendered: RenderedTarget) -> set[str]:
    return {manifest["kind"] for manifest in rendered.objects}


def test_nothing_optional_is_there_unless_asked_for(render: Render) -> None:
    assert kinds_of(render()) == {
        "ServiceAccount",
        "ConfigMap",
        "NetworkPolicy",
        "PodDisruptionBudget",
        "Service",
        "Deployment",
    }


def test_a_largest_number_of_copies_makes_an_autoscaler(render: Render, find: Find) -> None:
    rendered = render(more="service: {replicas: {min: 2, max: 6, cpu_percent: 60}}\n")
    spec = find(rendered, "HorizontalPodAutoscaler")["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (2, 6)
    assert spec["metrics"][0]["resource"]["target"]["averageUtilization"] == 60
    assert find(rendered, "Deployment")["spec"]["replicas"] == rendered.replicas == 2


def test_a_largest_number_that_is_the_smallest_makes_none(render: Render) -> None:
    rendered = render(more="service: {replicas: {min: 2, max: 2}}\n")
    assert "HorizontalPodAutoscaler" not in kinds_of(rendered)


def test_one_machine_has_nothing_that_would_only_pretend(render: Render) -> None:
    more = "service: {replicas: {min: 1, max: 3}, monitor: {}, resources: {disk: 1Gi}}\n"
    kinds = {"ServiceAccount", "ConfigMap", "Service", "Deployment"}
    assert kinds_of(render("here", more=more)) == kinds_of(render("sandbox", more=more)) == kinds


def test_triggers_make_kedas_object_and_no_second_autoscaler(render: Render, find: Find) -> None:
    more = "service: {replicas: {max: 4, triggers: [{type: cron, metadata: {a: b}}]}}\n"
    rendered = render(more=more)
    spec = find(rendered, "ScaledObject")["spec"]
    assert spec["triggers"] == [{"type": "cron", "metadata": {"a": "b"}}]
    assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (1, 4)
    assert "HorizontalPodAutoscaler" not in kinds_of(rendered)


def test_metrics_are_read_from_each_release_on_its_own(render: Render, find: Find) -> None:
    rendered = render(more="service: {monitor: {interval: 10s, labels: {release: p}}}\n")
    monitor = find(rendered, "ServiceMonitor")
    assert monitor["metadata"]["labels"]["release"] == "p"
    assert monitor["spec"]["endpoints"] == [
        {"port": "metrics", "path": "/metrics", "interval": "10s"}
    ]
    selector = monitor["spec"]["selector"]
    assert (
        selector["matchLabels"].items() <= find(rendered, "Service")["metadata"]["labels"].items()
    )
    assert "deployer/release" not in rendered.shift["metadata"]["labels"]
    assert [port["name"] for port in rendered.shift["spec"]["ports"]] == ["http"]
    allowed = find(rendered, "NetworkPolicy")["spec"]["ingress"][0]["ports"]
    assert [port["port"] for port in allowed] == ["http", "metrics"]


def test_metrics_of_a_server_that_shows_none_are_refused(render: Render) -> None:
    with pytest.raises(SpecError, match="nothing is known of metrics") as caught:
        render(more="runtime: {image: mine}\nservice: {monitor: {}}\n")
    assert "metrics: /metrics" in str(caught.value.hint)


def test_a_disk_takes_the_place_of_the_nodes_own(render: Render, find: Find) -> None:
    def volume(target: str) -> Any:
        rendered = render(target, more="service: {resources: {disk: 20Gi}}\n")
        pod = find(rendered, "Deployment")["spec"]["template"]["spec"]
        return next(item for item in pod["volumes"] if item["name"] == "model")

    claim = volume("gcp")["ephemeral"]["volumeClaimTemplate"]["spec"]
    assert claim["resources"] == {"requests": {"storage": "20Gi"}}
    assert claim["storageClassName"] == "premium-rwo"
    assert "storageClassName" not in volume("lab")["ephemeral"]["volumeClaimTemplate"]["spec"]
    assert volume("here") == {"name": "model", "emptyDir": {}}


def expose(words: str) -> str:
    """Return the spec's text with another way in for the target aws."""
    return f"""\
targets:
  - {{name: aws, provider: aws, store: "s3://m", cluster: {{context: a}}, expose: {words}}}
"""


def test_a_host_name_comes_in_by_an_ingress(render: Render, find: Find) -> None:
    words = "{ingress: {host: i.example.com, class_name: alb, tls_secret: t}}"
    rendered = render(only=expose(words))
    spec = find(rendered, "Ingress")["spec"]
    [rule] = spec["rules"]
    assert (rule["host"], spec["ingressClassName"]) == ("i.example.com", "alb")
    assert spec["tls"] == [{"hosts": ["i.example.com"], "secretName": "t"}]
    service = rule["http"]["paths"][0]["backend"]["service"]
    assert service == {"name": rendered.service, "port": {"name": "http"}}
    assert rendered.shift["spec"]["type"] == "ClusterIP"
    assert "annotations" not in rendered.shift["metadata"]


def test_a_host_name_comes_in_by_a_gateway(render: Render, find: Find) -> None:
    rendered = render(only=expose("{gateway: {host: i.example.com, name: g, namespace: gw}}"))
    spec = find(rendered, "HTTPRoute")["spec"]
    assert spec["parentRefs"] == [{"name": "g", "namespace": "gw"}]
    assert spec["hostnames"] == ["i.example.com"]
    [backend] = spec["rules"][0]["backendRefs"]
    assert backend == {"name": "iris", "port": rendered.shift["spec"]["ports"][0]["port"]}


def test_an_internal_balancer_is_a_balancer_all_the_same(render: Render) -> None:
    shift = render(only=expose("internal")).shift
    scheme = "service.beta.kubernetes.io/aws-load-balancer-scheme"
    assert shift["spec"]["type"] == "LoadBalancer"
    assert shift["metadata"]["annotations"][scheme] == "internal"


def test_no_way_in_is_a_word_too(render: Render) -> None:
    assert render(only=expose("cluster")).shift["spec"]["type"] == "ClusterIP"
