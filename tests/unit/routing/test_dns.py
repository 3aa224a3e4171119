from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from deployer.errors import SourceError
from deployer.ports import DnsPolicy
from deployer.release.records import Routes, RouteSettings
from deployer.routing.dns import find_remarks, make_dns_name
from deployer.routing.static import parse_backend


def make(texts: Sequence[str], policy: str = "weighted") -> Routes:
    return Routes(
        name="iris",
        epoch=1,
        written=datetime(2026, 1, 1, tzinfo=UTC),
        settings=RouteSettings(policy=policy),
        backends=tuple(map(parse_backend, texts)),
    )


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (["a=http://192.0.2.1,weight=60", "b=http://192.0.2.2,weight=40"], "A"),
        (["a=https://[2001:db8::1]"], "AAAA"),
        (["a=https://a.example", "b=https://b.example"], "CNAME"),
    ],
)
def test_a_name_has_an_answer_per_backend(texts: list[str], kind: str) -> None:
    wanted = make_dns_name(make(texts), "Iris.Example.com", ttl_seconds=60)
    assert (wanted.name, wanted.type, wanted.policy) == (
        "iris.example.com.",
        kind,
        DnsPolicy.WEIGHTED,
    )
    assert [answer.target for answer in wanted.answers] == [text[0] for text in texts]
    assert wanted.probe.path == "/v2/health/ready"


def test_tiers_become_failover() -> None:
    routes = make(["a=http://192.0.2.1", "b=http://192.0.2.2,tier=1"], "priority")
    wanted = make_dns_name(routes, "iris.example.", ttl_seconds=60)
    assert wanted.policy is DnsPolicy.FAILOVER
    assert [answer.tier for answer in wanted.answers] == [0, 1]


@pytest.mark.parametrize(
    ("texts", "policy", "name", "ttl", "words"),
    [
        (["a=http://192.0.2.1"], "weighted", "not a name", 60, "no DNS name"),
        (["a=http://192.0.2.1"], "weighted", "single", 60, "no DNS name"),
        (["a=http://192.0.2.1"], "weighted", "iris.example", -1, "TTL of -1 s"),
        (["a=http://192.0.2.1/v1"], "weighted", "iris.example", 60, "leads to a host"),
        (["a=http://192.0.2.1", "b=http://192.0.2.2:81"], "weighted", "a.example", 60, "differ"),
        (["a=http://192.0.2.1", "b=https://192.0.2.2:80"], "weighted", "a.example", 60, "differ"),
        (["a=http://192.0.2.1", "b=http://b.example"], "weighted", "a.example", 60, "A, CNAME"),
        (["a=http://192.0.2.1"], "latency", "iris.example", 60, "policy latency"),
        ([], "weighted", "iris.example", 60, "no backend"),
    ],
)
def test_what_dns_can_not_lead_to_is_refused(
    texts: list[str], policy: str, name: str, ttl: int, words: str
) -> None:
    with pytest.raises(SourceError, match=words):
        make_dns_name(make(texts, policy), name, ttl_seconds=ttl)


@pytest.mark.parametrize(("fast", "ttl", "seconds"), [(False, 60, 150), (True, 30, 50)])
def test_what_failover_takes_is_told(fast: bool, ttl: int, seconds: int) -> None:
    wanted = make_dns_name(make(["a=http://192.0.2.1"]), "a.example", ttl_seconds=ttl, fast=fast)
    assert wanted.failover_seconds == seconds
    assert f"for up to {seconds} s" in find_remarks(wanted)[0]


def test_a_long_ttl_is_remarked_upon() -> None:
    wanted = make_dns_name(make(["a=http://192.0.2.1"]), "a.example", ttl_seconds=3600)
    assert "60 s is usual" in find_remarks(wanted)[-1]
