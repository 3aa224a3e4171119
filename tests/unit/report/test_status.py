from collections.abc import Callable
from datetime import datetime
from typing import Any

from deployer.release.records import Head, Mark, RunRecord
from deployer.report.sights import HealthState
from deployer.report.status import build_status

Maker = Callable[..., Any]


def test_a_row_holds_health_weight_and_label(
    make_bundle: Maker, make_part: Maker, make_seen: Maker, now: datetime
) -> None:
    parts = [make_part("aws-virginia"), make_part("gcp-iowa")]
    bundle = make_bundle(42, *parts, weights={"aws-virginia": 3, "gcp-iowa": 2}, label="v7")
    head = Head(name="iris", desired=42, live={"aws-virginia": 42})
    status = build_status(head, {42: bundle}, [make_seen()], now=now)
    live, missing = status.rows
    assert (live.health.state, live.weight, live.label) == (HealthState.HEALTHY, 60, "v7")
    assert (missing.health.state, missing.weight, missing.label) == (HealthState.DOWN, 40, "")
    assert (status.run, status.refused, status.desired) == ("", "", 42)


def test_a_target_without_a_weight_has_none(
    make_bundle: Maker, make_part: Maker, make_seen: Maker, now: datetime
) -> None:
    head = Head(name="iris", desired=42, live={"aws-virginia": 42})
    for weights in ({}, {"aws-virginia": 0}, {"gcp-iowa": 1}):
        bundle = make_bundle(42, make_part(), weights=weights)
        (row,) = build_status(head, {42: bundle}, [make_seen()], now=now).rows
        assert row.weight is None


def test_a_run_under_way_and_the_last_refusal_are_told(
    make_bundle: Maker, make_part: Maker, now: datetime
) -> None:
    marks = {
        41: Mark(quarantined="too old to matter"),
        43: Mark(quarantined="smoke: 3 of 10 answers"),
        44: Mark(quarantined="evaluate: f1_macro 0.71 < 0.90"),
    }
    run = RunRecord(
        id="7f3a", kind="deploy", release=45, inputs="sha256:0", started=now, holder="ada@build-7"
    )
    head = Head(name="iris", desired=42, live={"aws-virginia": 42}, marks=marks, run=run)
    status = build_status(head, {42: make_bundle(42, make_part())}, [], now=now)
    assert status.run == "deploy of release 45, run 7f3a by ada@build-7"
    assert status.refused == "release 44 was refused: evaluate: f1_macro 0.71 < 0.90"
