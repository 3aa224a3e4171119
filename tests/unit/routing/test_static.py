from datetime import UTC, datetime

import pytest

from deployer.errors import SourceError
from deployer.release.records import RouteSettings
from deployer.routing.static import make_routes, parse_backend

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_backend_is_a_name_a_url_and_perhaps_a_weight() -> None:
    assert parse_backend("a=http://x:1").weight == 1
    backend = parse_backend("a=http://x:1,weight=30")
    assert (backend.target, backend.url, backend.weight) == ("a", "http://x:1", 30)


def test_tiers_and_weights_may_come_together_in_any_order() -> None:
    backend = parse_backend("a=http://x:1,tier=2,weight=30")
    assert (backend.weight, backend.tier) == (30, 2)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a=",
        "=http://x",
        "a=http://x,weight=-1",
        "a=http://x,size=1",
        "a=ftp://x",
        "a@=http://x",
        "a@b=http://x",
        "a=http://x,shadow=101",
        "a=http://x,shadow=5,weight=1",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(SourceError):
        parse_backend(text)


def test_two_backends_of_one_name_are_refused() -> None:
    twice = [parse_backend("a=http://x:1"), parse_backend("a=http://x:2")]
    with pytest.raises(SourceError, match="called a"):
        make_routes(twice, settings=RouteSettings(), now=NOW)


def test_the_policy_priority_needs_tiers_and_no_other_takes_them() -> None:
    near, far = parse_backend("near=http://x:1"), parse_backend("far=http://x:2,tier=1")
    by_tier = RouteSettings(policy="priority")
    routes = make_routes([near, far], settings=by_tier, now=NOW)
    assert routes.settings.tiers == {"near": 0, "far": 1}
    with pytest.raises(SourceError, match="needs tiers"):
        make_routes([near], settings=by_tier, now=NOW)
    with pytest.raises(SourceError, match="no meaning for the policy weighted"):
        make_routes([near, far], settings=RouteSettings(), now=NOW)


def test_releases_of_one_target_stand_side_by_side() -> None:
    stable, canary = parse_backend("a@1=http://x,share=950"), parse_backend("a@2=http://y,share=50")
    assert (canary.target, canary.release, canary.share) == ("a", 2, 50)
    assert len(make_routes([stable, canary], settings=RouteSettings(), now=NOW).backends) == 2


def test_one_that_gets_copies_answers_nothing() -> None:
    copied = parse_backend("a=http://x,shadow=10,region=eu-west-1")
    assert (copied.weight, copied.shadow, copied.region) == (0, 10, "eu-west-1")
