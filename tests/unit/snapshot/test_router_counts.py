import pytest

from deployer.snapshot.router_counts import RouterTally, count_backends

FIRST = RouterTally(100, 5, {"0.25": 90, "+Inf": 100})


@pytest.mark.parametrize(
    ("now", "since"),
    [
        (
            RouterTally(150, 6, {"0.25": 120, "+Inf": 150}, "5 failed"),
            RouterTally(50, 1, {"0.25": 30, "+Inf": 50}, "5 failed"),
        ),
        (RouterTally(150, 6, None), RouterTally(50, 1, None)),
        (RouterTally(7, 0, {"+Inf": 7}), RouterTally(7, 0, {"+Inf": 7})),
    ],
    ids=["on", "untimed", "anew"],
)
def test_what_came_since_is_what_was_added_or_all_of_a_router_that_began_anew(
    now: RouterTally, since: RouterTally
) -> None:
    assert now.since(FIRST) == since


@pytest.mark.parametrize(
    ("more", "ejected"),
    [
        (
            {"state": "down", "source": "passive", "reason": "5 failed in a row"},
            "5 failed in a row",
        ),
        ({"state": "down", "source": "active", "reason": "3 probes failed"}, ""),
        ({"state": "degraded", "source": "passive", "reason": "1 failed"}, ""),
        ({}, ""),
    ],
)
def test_only_failed_requests_that_took_it_out_count_as_users_word(
    more: dict[str, str], ejected: str
) -> None:
    page = {"backends": [{"target": "aws", "release": 2, "requests": 9, "failures": 5, **more}]}
    assert count_backends(page)["aws", 2].ejected == ejected
