from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from deployer.release.records import Head, Mark
from deployer.report.history import ReleaseState, build_history

Maker = Callable[..., Any]


def test_releases_come_newest_first_with_where_they_are_live(
    make_bundle: Maker, make_part: Maker
) -> None:
    bundles = [make_bundle(n, make_part("a"), make_part("b"), label=f"v{n}") for n in (1, 3, 2)]
    rows = build_history(Head(name="iris", desired=3, live={"b": 3, "a": 2}), bundles)
    assert [(row.number, row.label, row.live_on) for row in rows] == [
        (3, "v3", ("b",)),
        (2, "v2", ("a",)),
        (1, "v1", ()),
    ]
    assert rows[0].artifact.short == "abababababab"


@pytest.mark.parametrize(
    ("mark", "live", "state"),
    [
        (Mark(), {}, ReleaseState.UNPROVEN),
        (Mark(), {"a": 42}, ReleaseState.LIVE),
        (Mark(verdicts={"smoke": "passed"}), {}, ReleaseState.UNPROVEN),
        (Mark(verdicts={"smoke": "failed: 3 of 10 answers"}), {}, ReleaseState.FAILED),
        (Mark(quarantined="bad"), {}, ReleaseState.QUARANTINED),
        (Mark(quarantined="bad"), {"a": 42}, ReleaseState.QUARANTINED),
    ],
)
def test_the_state_is_read_from_the_mark(
    make_bundle: Maker, make_part: Maker, mark: Mark, live: dict[str, int], state: ReleaseState
) -> None:
    head = Head(name="iris", live=live, marks={42: mark})
    (row,) = build_history(head, [make_bundle(42, make_part("a"))])
    assert row.state is state
    assert row.reason == (mark.quarantined or "")


def test_verified_is_only_what_was_recorded_so(
    make_bundle: Maker, make_part: Maker, now: datetime
) -> None:
    head = Head(name="iris", marks={1: Mark(verified=now)})
    newer, older = build_history(head, [make_bundle(1, make_part()), make_bundle(2, make_part())])
    assert (older.state, older.verified) == (ReleaseState.VERIFIED, now)
    assert (newer.state, newer.verified) == (ReleaseState.UNPROVEN, None)
