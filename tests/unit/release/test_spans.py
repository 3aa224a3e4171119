from datetime import UTC, datetime, timedelta
from typing import Any

from deployer.release.records import Span
from deployer.release.spans import KEPT, follow_live

World = Any
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def span(release: int, began: datetime = NOON, ended: datetime | None = None) -> Span:
    return Span(target="aws", release=release, began=began, ended=ended)


def test_what_is_newly_live_begins_and_what_is_not_any_more_ends() -> None:
    first = follow_live((), {"aws": 1, "gcp": 1}, NOON)
    assert [(it.target, it.release, it.began, it.ended) for it in first] == [
        ("aws", 1, NOON, None),
        ("gcp", 1, NOON, None),
    ]
    second = follow_live(first, {"aws": 2}, NOON + HOUR)
    assert [(it.target, it.release, it.ended) for it in second] == [
        ("aws", 1, NOON + HOUR),
        ("gcp", 1, NOON + HOUR),
        ("aws", 2, None),
    ]


def test_the_same_again_changes_nothing() -> None:
    assert follow_live((span(1),), {"aws": 1}, NOON + HOUR) == (span(1),)


def test_what_comes_back_begins_anew() -> None:
    found = follow_live((span(1, ended=NOON), span(2)), {"aws": 1}, NOON + HOUR)
    assert [(it.release, it.ended) for it in found] == [(1, NOON), (2, NOON + HOUR), (1, None)]


def test_what_ended_long_ago_goes() -> None:
    old = span(1, NOON - KEPT - HOUR, NOON - KEPT - HOUR)
    assert follow_live((old, span(2)), {"aws": 2}, NOON) == (span(2),)


def test_a_deploy_an_upgrade_and_a_rollback_are_recorded_without_a_gap(world: World) -> None:
    world.start().deploy()
    world.clock.sleep(3600)
    world.write_model("two")
    world.start().deploy()
    world.clock.sleep(3600)
    world.start().roll_back()
    head = world.state.read_head()
    spans = [it for it in head.spans if it.target == "aws"]
    assert [it.release for it in spans] == [1, 2, 1]
    assert [one.ended for one in spans[:2]] == [two.began for two in spans[1:]]
    assert spans[-1].ended is None
