import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from deployer.cli.commands.report_sample import take_samples
from deployer.cost.samples import Speed
from deployer.errors import TransientError
from deployer.ports import HttpResponse
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
