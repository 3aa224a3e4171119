"""Requests to Cloud DNS, held to the discovery documents that Google publishes."""

import json
from pathlib import Path
from typing import Any

import googleapiclient
import jsonschema
import pytest

from deployer.errors import SourceError
from deployer.ports import DnsAnswer, DnsName, DnsPolicy, DnsProbe
from deployer.providers.gcp.records import make_requests

DOCUMENTS = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents"
ANSWERS = (DnsAnswer("eu", "192.0.2.1", 60), DnsAnswer("us", "192.0.2.2", 40))


def make(**changes: Any) -> DnsName:
    probe = DnsProbe(tls=True, port=443, path="/ready", interval_seconds=10, failures=2)
    given: dict[str, Any] = {
        "name": "iris.example.",
        "type": "A",
        "ttl_seconds": 60,
        "policy": DnsPolicy.WEIGHTED,
        "answers": ANSWERS,
        "probe": probe,
    }
    return DnsName(**(given | changes))


def hold(body: Any, document: str, schema: str) -> None:
    """Check a body against a published schema in which no unknown field is allowed."""
    schemas = json.loads((DOCUMENTS / document).read_text())["schemas"]
    text = json.dumps({name: clean(one) for name, one in schemas.items()})
    definitions = json.loads(text)
    whole = {"$ref": f"#/definitions/{schema}", "definitions": definitions}
    jsonschema.Draft202012Validator(whole).validate(body)  # without judging megabytes of schema


def clean(schema: Any) -> Any:
    """Return a JSON Schema: Google's words are those of draft 3, and allow any field."""
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return {"$ref": f"#/definitions/{schema['$ref']}"}
    kept: dict[str, Any] = {key: schema[key] for key in ("type", "enum") if key in schema}
    if "properties" in schema:
        kept["properties"] = {name: clean(one) for name, one in schema["properties"].items()}
        kept["additionalProperties"] = False
    if "items" in schema:
        kept["items"] = clean(schema["items"])
    return kept


def test_addresses_are_probed_and_weighted() -> None:
    check, records = make_requests(make(), project="acme", zone="main")
    hold(check["body"], "compute.v1.json", "HealthCheck")
    hold(records["body"], "dns.v1.json", "ResourceRecordSet")
    assert check["body"]["checkIntervalSec"] == 30  # the least that is possible from outside
    assert len(check["body"]["sourceRegions"]) == 3
    policy = records["body"]["routingPolicy"]
    assert policy["healthCheck"] == f"{check['url']}/{check['body']['name']}"
    assert policy["wrr"]["items"] == [
        {"weight": 60, "healthCheckedTargets": {"externalEndpoints": ["192.0.2.1"]}},
        {"weight": 40, "healthCheckedTargets": {"externalEndpoints": ["192.0.2.2"]}},
    ]
    assert records["url"] == (
        "https://dns.googleapis.com/dns/v1/projects/acme/managedZones/main/rrsets"
    )


def test_names_are_weighted_and_not_probed() -> None:
    wanted = make(type="CNAME", answers=(DnsAnswer("eu", "eu.example", 1),))
    [records] = make_requests(wanted, project="acme", zone="main")
    hold(records["body"], "dns.v1.json", "ResourceRecordSet")
    assert records["body"]["routingPolicy"] == {
        "wrr": {"items": [{"weight": 1, "rrdatas": ["eu.example."]}]}
    }


def test_a_field_that_is_unknown_there_would_be_found() -> None:
    [*_, records] = make_requests(make(), project="acme", zone="main")
    with pytest.raises(jsonschema.ValidationError):
        hold(records["body"] | {"weights": []}, "dns.v1.json", "ResourceRecordSet")


def test_failover_by_tiers_is_refused() -> None:
    with pytest.raises(SourceError, match="by location"):
        make_requests(make(policy=DnsPolicy.FAILOVER), project="acme", zone="main")
