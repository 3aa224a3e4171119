"""Traffic Manager profiles, held to the models of the vendor's SDK."""

from typing import Any

import pytest
from azure.mgmt.trafficmanager import models

from deployer.errors import SourceError
from deployer.ports import DnsAnswer, DnsName, DnsPolicy, DnsProbe
from deployer.providers.azure.records import make_requests

PROBE = DnsProbe(tls=True, port=443, path="/ready", interval_seconds=10, failures=2)
ANSWERS = (DnsAnswer("eu", "eu.example", 60, 0), DnsAnswer("us", "us.example", 0, 1))
PLACE = {"subscription": "0000", "resource_group": "models", "profile": "iris"}


def make(**changes: Any) -> DnsName:
    given: dict[str, Any] = {
        "name": "iris.example.",
        "type": "CNAME",
        "ttl_seconds": 30,
        "policy": DnsPolicy.WEIGHTED,
        "answers": ANSWERS,
        "probe": PROBE,
    }
    return DnsName(**(given | changes))


def unknown_fields(body: Any, model: Any) -> set[str]:
    """Return the fields that a model of the SDK does not have."""
    return set(body) - {field._rest_name for field in model({})._attr_to_rest_field.values()}


def test_a_profile_has_only_fields_that_there_are() -> None:
    [request] = make_requests(make(), **PLACE)
    body = request["body"]
    properties = body["properties"]
    endpoint = properties["endpoints"][0]
    for part, model in (
        (body, models.Profile),
        (properties, models.ProfileProperties),
        (properties["monitorConfig"], models.MonitorConfig),
        (properties["dnsConfig"], models.DnsConfig),
        (endpoint, models.Endpoint),
        (endpoint["properties"], models.EndpointProperties),
    ):
        assert unknown_fields(part, model) == set()
    assert unknown_fields({"weights": 1}, models.EndpointProperties) == {"weights"}
    assert request["method"] == "PUT"
    assert request["url"].endswith("/trafficmanagerprofiles/iris?api-version=2022-04-01")


def test_weights_are_written_and_0_is_off() -> None:
    properties = make_requests(make(), **PLACE)[0]["body"]["properties"]
    assert properties["trafficRoutingMethod"] == models.TrafficRoutingMethod.WEIGHTED
    assert [e["properties"]["weight"] for e in properties["endpoints"]] == [60, 1]
    states = [e["properties"]["endpointStatus"] for e in properties["endpoints"]]
    assert states == [models.EndpointStatus.ENABLED, models.EndpointStatus.DISABLED]
    assert properties["monitorConfig"]["toleratedNumberOfFailures"] == 1


def test_tiers_become_priorities() -> None:
    properties = make_requests(make(policy=DnsPolicy.FAILOVER), **PLACE)[0]["body"]["properties"]
    assert properties["trafficRoutingMethod"] == models.TrafficRoutingMethod.PRIORITY
    assert [e["properties"]["priority"] for e in properties["endpoints"]] == [1, 2]
    states = {e["properties"]["endpointStatus"] for e in properties["endpoints"]}
    assert states == {models.EndpointStatus.ENABLED}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"answers": (DnsAnswer("eu", "eu.example", 1001),)}, "up to 1000"),
        (
            {
                "policy": DnsPolicy.FAILOVER,
                "answers": (DnsAnswer("a", "a.example"), DnsAnswer("b", "b.example")),
            },
            "priority of its own",
        ),
        ({"probe": DnsProbe(True, 443, "/", 20, 2)}, "every 10 or 30 s"),
    ],
)
def test_what_it_can_not_express_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(SourceError, match=words):
        make_requests(make(**changes), **PLACE)
