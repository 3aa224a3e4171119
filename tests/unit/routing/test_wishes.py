import random
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime

import pytest

from deployer.providers.local.clock import SystemClock
from deployer.release.records import Backend, RouteSettings
from deployer.release.steering import MatchRecord, RegionRecord
from deployer.routing.events import EventLog
from deployer.routing.fleet import Fleet
from deployer.routing.health import Outcome, Rules
from deployer.routing.messages import RequestHead, read_request_head
from deployer.routing.placing import flatten_shares, place_backends
from deployer.routing.wishes import Wishes, rank_match

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WORLD = {"va": "us-east-1", "ie": "eu-west-1", "sg": "southeastasia"}


def backends(*releases: int, weight: int = 1) -> list[Backend]:
    return [
        Backend(target=t, release=n, url="http://127.0.0.1:1", weight=weight, region=region)
        for t, region in WORLD.items()
        for n in releases or (1,)
    ]


def make_fleet(members: Iterable[Backend]) -> Fleet:
    events = EventLog(SystemClock(), boot="", tell=lambda _: None)
    fleet = Fleet(
        rules=Rules(slow_start_seconds=0.0),
        rng=random.Random(1),
        events=events,
        on_change=lambda _: None,
    )
    fleet.apply(list(members), 0.0)
    for member in fleet.members.values():
        fleet.take_outcome(member, Outcome.PROBE_PASSED, 0.0, "")
    return fleet


def head(**fields: str) -> RequestHead:
    lines = [(name.replace("_", "-").encode(), value.encode()) for name, value in fields.items()]
    return read_request_head(b"POST", b"/", "1.1", lines, keep_alive=True)


def ask(wishes: Wishes, request: RequestHead, times: int = 60) -> Counter[str]:
    seen = Counter[str]()
    for _ in range(times):
        ticket = wishes.find_picks(request).begin((), 1.0)
        assert ticket is not None
        seen[ticket.member.key] += 1
        ticket.finish(Outcome.SERVED, 1.0)
    return seen


def make_wishes(fleet: Fleet, settings: RouteSettings, region: str = "") -> Wishes:
    return Wishes(settings, fleet, rng=random.Random(2), region=region)


BY_REGION = RouteSettings(
    policy="region", region=RegionRecord(header="X-Region", default="us-east4")
)


@pytest.mark.parametrize(
    ("hint", "target"),
    [("europe-west1", "ie"), ("ap-southeast-1", "sg"), ("us-west-2", "va"), ("EU-WEST-2", "ie")],
)
def test_a_request_goes_to_the_region_nearest_to_where_it_says_it_comes_from(
    hint: str, target: str
) -> None:
    fleet = make_fleet(place_backends(BY_REGION, backends(), ""))
    assert ask(make_wishes(fleet, BY_REGION), head(X_Region=hint)) == {f"{target}/1": 60}


def test_without_a_hint_or_with_one_nobody_knows_the_routers_own_region_counts() -> None:
    fleet = make_fleet(place_backends(BY_REGION, backends(), "westeurope"))
    wishes = make_wishes(fleet, BY_REGION, "westeurope")
    for request in (head(), head(X_Region="atlantis"), head(X_Region="westeurope")):
        assert ask(wishes, request) == {"ie/1": 60}


def test_when_the_nearest_is_down_the_next_one_takes_over() -> None:
    fleet = make_fleet(place_backends(BY_REGION, backends(), ""))
    wishes = make_wishes(fleet, BY_REGION)
    for _ in range(3):
        fleet.take_outcome(fleet.members["ie/1"], Outcome.PROBE_FAILED, 0.5, "gone")
    assert ask(wishes, head(X_Region="eu-west-1")) == {"va/1": 60}


MATCH = (
    MatchRecord(header="X-Cohort", value="beta", release="canary"),
    MatchRecord(header="X-Cohort", value="asia", targets=("sg",), release="stable"),
)


def test_a_match_leads_to_one_side_of_a_canary_though_it_has_no_share() -> None:
    sides = [b.model_copy(update={"share": 0 if b.release == 2 else 1000}) for b in backends(1, 2)]
    fleet = make_fleet(sides)
    wishes = make_wishes(fleet, RouteSettings(match=MATCH))
    assert set(ask(wishes, head(X_Cohort="beta"))) == {"va/2", "ie/2", "sg/2"}
    assert set(ask(wishes, head(X_Cohort="asia"))) == {"sg/1"}
    assert set(ask(wishes, head(X_Cohort="other"))) == {"va/1", "ie/1", "sg/1"}


def test_when_nothing_of_a_match_is_usable_or_untried_anybody_serves() -> None:
    fleet = make_fleet(backends(1))
    picks = make_wishes(fleet, RouteSettings(match=MATCH)).find_picks(head(X_Cohort="asia"))
    first = picks.begin((), 1.0)
    second = picks.begin(("sg/1",), 1.0)
    assert first is not None
    assert second is not None
    assert (first.member.key, second.member.key != "sg/1") == ("sg/1", True)


def test_where_there_is_one_release_it_is_both_canary_and_stable() -> None:
    assert set(rank_match(MATCH[0], backends(7))) == {"va/7", "ie/7", "sg/7"}
    assert set(rank_match(MATCH[1], backends(7))) == {"sg/7"}


def test_the_same_user_goes_to_the_same_backend_and_users_are_spread() -> None:
    fleet = make_fleet(backends())
    wishes = make_wishes(fleet, RouteSettings(sticky="X-User"))
    users = [ask(wishes, head(X_User=f"user-{i}"), 5) for i in range(40)]
    assert all(len(seen) == 1 for seen in users)
    assert len({key for seen in users for key in seen}) == 3


def test_a_field_that_is_there_twice_asks_for_nothing() -> None:
    fleet = make_fleet(backends())
    fields = [(b"X-User", b"a"), (b"x-user", b"b")]
    twice = read_request_head(b"GET", b"/", "1.1", fields, keep_alive=True)
    wishes = make_wishes(fleet, RouteSettings(sticky="X-User"))
    assert not any(wishes.read(twice))


def test_shares_become_weights_where_there_are_no_groups() -> None:
    canary = [
        Backend(target="a", release=1, url="http://h", weight=60, share=950),
        Backend(target="a", release=2, url="http://i", weight=60, share=50),
        Backend(target="b", release=1, url="http://j", weight=40),
    ]
    weights = [backend.weight for backend in flatten_shares(canary)]
    assert weights == [57, 3, 40]
    assert flatten_shares(canary[2:]) == (canary[2],)
