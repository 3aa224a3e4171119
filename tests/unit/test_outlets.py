import pytest

from deployer.errors import SourceError
from deployer.outlets import write_dns_requests
from deployer.ports import DnsAnswer, DnsName, DnsPolicy, DnsProbe

WANTED = DnsName(
    name="iris.example.",
    type="A",
    ttl_seconds=60,
    policy=DnsPolicy.WEIGHTED,
    answers=(DnsAnswer("eu", "192.0.2.1"),),
    probe=DnsProbe(tls=False, port=80, path="/ready", interval_seconds=30, failures=3),
)


@pytest.mark.parametrize(
    ("provider", "place", "host"),
    [
        ("cloud-dns", "acme/main", "dns.googleapis.com"),
        ("traffic-manager", "0000/models/iris", "management.azure.com"),
    ],
)
def test_each_provider_has_its_requests(provider: str, place: str, host: str) -> None:
    assert host in write_dns_requests(WANTED, provider, place)[-1]["url"]


@pytest.mark.parametrize(
    ("provider", "place"),
    [("cloud-dns", "acme"), ("cloud-dns", "/main"), ("traffic-manager", "a/b"), ("bind", "a/b")],
)
def test_a_place_that_is_none_is_refused(provider: str, place: str) -> None:
    with pytest.raises(SourceError, match="is no place in"):
        write_dns_requests(WANTED, provider, place)
