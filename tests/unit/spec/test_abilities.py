from collections.abc import Callable

import pytest

from deployer.spec import Spec

Load = Callable[..., Spec]
Faults = Callable[..., list[str]]

STORES = {"aws": "s3", "gcp": "gs", "azure": "az", "kubernetes": "s3", "local": "file"}


def spec_of(provider: str, more: str, cluster: str = "{context: a}") -> str:
    return (
        "name: iris\nmodel: {path: ./model}\ntargets:\n"
        f"  - {{name: a, provider: {provider}, store: '{STORES[provider]}://models', "
        f"cluster: {cluster}, {more}}}\n"
    )


@pytest.mark.parametrize(
    ("provider", "more", "message"),
    [
        (
            "kubernetes",
            "expose: internal",
            "expose: clusters of provider kubernetes have no internal; there is cluster, load-bal",
        ),
        ("aws", "expose: {}", "expected one of ingress and gateway"),
        (
            "aws",
            "expose: {ingress: {host: a.b}, gateway: {host: a.b, name: g}}",
            "expected one of ingress and gateway",
        ),
        ("aws", "expose: nodeport", "expected one of load-balancer, internal, cluster"),
        ("aws", "expose: {ingress: {host: 'A B'}}", "a host name in small letters"),
        ("aws", "identity: admin", "identity: expected a role's ARN"),
        ("gcp", "identity: 'arn:aws:iam::123456789012:role/a'", "a service account's e-mail"),
        ("azure", "identity: iris", "a client id, which is a UUID, got 'iris'"),
        ("kubernetes", "identity: iris", "no cloud identities; annotate the ServiceAccount"),
        ("kubernetes", "nodes: {spot: true}", "nodes.spot: clusters of provider kubernetes:"),
        ("kubernetes", "nodes: {pool: gpu}", "no label of node pools that all of them agree on"),
    ],
)
def test_what_a_kind_of_cluster_cannot_give_is_refused_by_name(
    faults: Faults, provider: str, more: str, message: str
) -> None:
    [line] = faults(spec_of(provider, more))
    assert message in line


@pytest.mark.parametrize("more", ["expose: load-balancer", "nodes: {accelerator: l4}"])
def test_a_local_cluster_has_nothing_of_its_providers(faults: Faults, more: str) -> None:
    [line] = faults(spec_of("aws", more, cluster="{local: ./cluster}"))
    assert "local clusters" in line


@pytest.mark.parametrize(
    ("provider", "more"),
    [
        ("aws", "expose: internal, identity: 'arn:aws-cn:iam::123456789012:role/a/b'"),
        ("gcp", "nodes: {spot: true, pool: p, accelerator: nvidia-l4}"),
        ("azure", "identity: 00000000-0000-4000-8000-000000000000, nodes: {spot: false}"),
        ("kubernetes", "expose: {ingress: {host: iris.example.com}}, nodes: {accelerator: x}"),
        ("local", "expose: cluster"),
    ],
)
def test_what_it_can_give_is_accepted(load: Load, provider: str, more: str) -> None:
    cluster = "{local: ./cluster}" if provider == "local" else "{context: a}"
    load(spec_of(provider, more, cluster=cluster))


@pytest.mark.parametrize(
    ("expose", "address"),
    [
        ("{ingress: {host: a.example.com}}", "http://a.example.com"),
        ("{ingress: {host: a.example.com, tls_secret: t}}", "https://a.example.com"),
        ("{gateway: {host: a.example.com, name: g}}", "https://a.example.com"),
        ("{gateway: {host: a.example.com, name: g, https: false}}", "http://a.example.com"),
        ("internal", None),
    ],
)
def test_a_host_name_is_where_routers_find_it(load: Load, expose: str, address: str | None) -> None:
    assert load(spec_of("aws", f"expose: {expose}")).targets[0].address == address
    told = load(spec_of("aws", f"expose: {expose}, endpoint: 'https://told'"))
    assert told.targets[0].address == "https://told"


@pytest.mark.parametrize(
    ("replicas", "message"),
    [
        ("{triggers: [{type: cron, metadata: {}}]}", "triggers: KEDA needs to know how far to"),
        (
            "{max: 3, cpu_percent: 50, triggers: [{type: cron, metadata: {}}]}",
            "cpu_percent: triggers replace it",
        ),
        ("{min: 3, max: 2}", "max is 2, below min, 3"),
    ],
)
def test_how_it_scales_must_fit_together(
    faults: Faults, small: str, replicas: str, message: str
) -> None:
    [line] = faults(f"{small}service: {{replicas: {replicas}}}\n")
    assert message in line
