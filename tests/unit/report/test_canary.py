from datetime import UTC, datetime
from typing import Any

import pytest

from deployer.release.records import Backend, Head, Routes, RouteSettings
from deployer.report.canary import find_canary
from deployer.report.history import ReleaseState, build_history
from deployer.report.status import build_status

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def routes(*backends: tuple[str, int, int]) -> Routes:
    made = [
        Backend(target=target, release=release, url="http://a", weight=1, share=share)
        for target, release, share in backends
    ]
    return Routes(name="iris", epoch=1, written=NOW, settings=RouteSettings(), backends=tuple(made))


@pytest.mark.parametrize(
    ("backends", "words"),
    [
        ((("aws", 1, 950), ("aws", 2, 50), ("gcp", 1, 950), ("gcp", 2, 50)), "5 % of aws, gcp"),
        ((("aws", 1, 950), ("aws", 2, 50), ("gcp", 1, 1000)), "5 % of aws"),
        ((("a", 1, 1), ("a", 3, 1), ("b", 2, 9), ("b", 3, 1)), "50 % of a, 10 % of b"),
    ],
)
def test_the_newest_release_of_a_shared_target_is_the_canary(backends: Any, words: str) -> None:
    found = find_canary(routes(*backends))
    assert found is not None
    assert found.words == words
    assert found.release == max(release for _, release, _ in backends)


def test_without_a_shared_target_there_is_none() -> None:
    assert find_canary(None) is None
    assert find_canary(routes(("aws", 1, 1000), ("gcp", 2, 1000))) is None


def test_status_and_history_name_its_share(make_bundle: Any, make_part: Any) -> None:
    shared = routes(("a", 1, 950), ("a", 2, 50))
    bundles = {number: make_bundle(number, make_part("a")) for number in (1, 2)}
    head = Head(name="iris", desired=1, live={"a": 1})
    status = build_status(head, bundles, [], now=NOW, routes=shared)
    assert status.canary == "release 2 gets 5 % of a"
    new, old = build_history(head, bundles.values(), shared)
    assert (new.state, new.share) == (ReleaseState.CANARY, "5 % of a")
    assert (old.state, old.share) == (ReleaseState.LIVE, "")
