import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from typer import BadParameter

from deployer.cli.commands.report_sample import take_samples
from deployer.cost.samples import Speed
from deployer.cost.sizing import Size
from deployer.errors import NotFoundError, TransientError
from deployer.ports import HttpResponse, Used
from deployer.routing.pages import SCHEMA
from deployer.spec.objectives import Slo

Maker = Callable[..., Any]
COMMON = {"target": "aws-virginia", "state": "healthy", "since": 1.0, "reason": ""}
PAGE = {
    "schema": SCHEMA,
    "backends": [
        {**COMMON, "release": 41, "requests": 10, "failures": 1,
         "first_byte_counts": {"0.25": 9, "+Inf": 10}},
        {**COMMON, "release": 42, "requests": 5, "failures": 0,
         "first_byte_counts": {"0.25": 5, "+Inf": 5}},
    ],
}  # fmt: skip


def test_replicas_and_answers_of_every_target_that_says_them_are_taken(
    two_targets: Maker, make_probe: Maker, capsys: pytest.CaptureFixture[str]
) -> None:
    away = TransientError("no route to host", operation="get", resource="iris")
    answer = HttpResponse(200, json.dumps(PAGE).encode(), 0.01)
    reader = replace(two_targets(readiness=away), probe=make_probe(answer))
    slo = Slo.model_validate({"latency": {"under": "250ms"}})
    reader = replace(reader, spec=reader.spec.model_copy(update={"slo": slo}))
    (found,) = take_samples(reader, "http://router.example", timeout_seconds=20)
    assert (found.target, found.replicas) == ("aws-virginia", 2)
    assert (found.predictions, found.failures) == (15, 1)
    assert found.speed == Speed(14, 15, 0.25)
    assert "gcp-iowa: not looked at: no route to host" in capsys.readouterr().err


def test_a_router_that_is_away_leaves_answers_uncounted(
    two_targets: Maker, make_probe: Maker, capsys: pytest.CaptureFixture[str]
) -> None:
    reader = replace(two_targets(), probe=make_probe(HttpResponse(200, b"<html>", 0.01)))
    found = take_samples(reader, "http://router.example", timeout_seconds=20)
    assert [it.predictions for it in found] == [None, None]
    assert "did not say what it answered" in capsys.readouterr().err


class Meter:
    """Measures, or raises what it is given."""

    def __init__(self, answer: Used | NotFoundError) -> None:
        self.answer = answer

    def measure(self, workload: str, *, timeout_seconds: float) -> Used:
        assert (workload, timeout_seconds) == ("iris-r42", 20)
        if isinstance(self.answer, NotFoundError):
            raise self.answer
        return self.answer


def test_what_pods_use_is_taken_from_whoever_measures_and_said(
    two_targets: Maker, capsys: pytest.CaptureFixture[str]
) -> None:
    reader = two_targets()
    missing = NotFoundError("there is no metrics-server", operation="measure", resource="iris")
    sources = {
        "aws-virginia": Meter(Used(Decimal("0.25"), Decimal("0.5"), "metrics-server")),
        "gcp-iowa": Meter(missing),
    }
    providers = {name: replace(it, usage=sources[name]) for name, it in reader.providers.items()}
    found = take_samples(replace(reader, providers=providers), None, timeout_seconds=20)
    assert [it.used for it in found] == [Size(Decimal("0.25"), Decimal("0.5")), None]
    told = capsys.readouterr().err
    assert "aws-virginia: 0.250 cpu and 0.500 GiB used, by metrics-server" in told
    assert "gcp-iowa: usage not measured, so requests count: there is no metrics-server" in told


def test_a_prometheus_is_named_with_its_target(two_targets: Maker) -> None:
    with pytest.raises(BadParameter, match="is not TARGET=URL; targets: aws-virginia, gcp-iowa"):
        take_samples(two_targets(), None, ["http://prometheus"], timeout_seconds=20)
