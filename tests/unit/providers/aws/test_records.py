from typing import Any

import pytest

from deployer.errors import SourceError
from deployer.ports import DnsAnswer, DnsName, DnsPolicy, DnsProbe
from deployer.providers.aws.records import check_name, make_checks, make_records, reference_prefix

PROBE = DnsProbe(tls=True, port=443, path="/ready", interval_seconds=10, failures=2)
ANSWERS = (DnsAnswer("eu", "192.0.2.1", 1200, 0), DnsAnswer("us", "192.0.2.2", 800, 1))


def make(**changes: Any) -> DnsName:
    given: dict[str, Any] = {
        "name": "iris.example.",
        "type": "A",
        "ttl_seconds": 60,
        "policy": DnsPolicy.WEIGHTED,
        "answers": ANSWERS,
        "probe": PROBE,
    }
    return DnsName(**(given | changes))


def test_an_address_is_probed_by_the_name_users_know() -> None:
    assert make_checks(make())["eu"] == {
        "Type": "HTTPS",
        "IPAddress": "192.0.2.1",
        "FullyQualifiedDomainName": "iris.example",
        "Port": 443,
        "ResourcePath": "/ready",
        "RequestInterval": 10,
        "FailureThreshold": 2,
        "EnableSNI": True,
    }


def test_a_name_is_probed_by_its_own() -> None:
    wanted = make(type="CNAME", answers=(DnsAnswer("eu", "eu.example"),))
    check = make_checks(wanted)["eu"]
    assert check["FullyQualifiedDomainName"] == "eu.example"
    assert "IPAddress" not in check


def test_weights_keep_their_proportion_and_never_stand_beside_a_role() -> None:
    ids = {"eu": "1", "us": "2"}
    weighted = make_records(make(), ids)
    assert [one["Weight"] for one in weighted.values()] == [3, 2]
    assert not any("Failover" in one for one in weighted.values())
    pair = make_records(make(policy=DnsPolicy.FAILOVER), ids)
    assert [one["Failover"] for one in pair.values()] == ["PRIMARY", "SECONDARY"]
    assert not any("Weight" in one for one in pair.values())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"answers": (DnsAnswer("a", "192.0.2.1", 256), ANSWERS[1])}, None),
        (
            {"answers": (DnsAnswer("a", "192.0.2.1", 257), DnsAnswer("b", "192.0.2.2"))},
            "weight 257",
        ),
        ({"answers": (DnsAnswer("a", "192.0.2.1", 0),)}, "all weights are 0"),
        ({"answers": (ANSWERS[0], ANSWERS[0])}, "a name of its own"),
        ({"answers": (DnsAnswer("x" * 129, "192.0.2.1"),)}, "128 characters"),
        ({"policy": DnsPolicy.FAILOVER, "answers": ANSWERS[:1]}, "one first and one second"),
        ({"policy": DnsPolicy.FAILOVER, "answers": (ANSWERS[0],) * 2}, "a name of its own"),
        ({"probe": DnsProbe(True, 443, "/", 15, 2)}, "every 10 or 30 s"),
        ({"probe": DnsProbe(True, 443, "/", 10, 11)}, "1 to 10 failures"),
    ],
)
def test_what_route_53_can_not_express_is_refused(
    changes: dict[str, Any], words: str | None
) -> None:
    wanted = make(**changes)
    if words is None:
        check_name(wanted)
        return
    with pytest.raises(SourceError, match=words):
        check_name(wanted)


def test_a_reference_tells_the_name_and_the_config_within_its_length() -> None:
    config = make_checks(make())["eu"]
    whole = reference_prefix("iris.example.", config)
    assert whole.startswith(reference_prefix("iris.example."))
    assert whole != reference_prefix("iris.example.", config | {"Port": 80})
    assert not whole.startswith(reference_prefix("other.example."))
    assert len(whole) + 8 <= 64
