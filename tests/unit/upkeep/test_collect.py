from datetime import timedelta
from typing import Any

import pytest

from deployer.artifact import Rules
from deployer.errors import LeaseHeldError, SourceError, StateError
from deployer.ports.incomplete import IncompleteUpload
from deployer.release.lease import acquire_lease
from deployer.release.state import StateStore
from deployer.upkeep import Collected, collect_garbage
from deployer.values import Digest

DAY = 86_400.0
WEEK = Rules(timedelta(days=7), at_most=20)
AWS, GCP, AZURE = "memory://aws", "memory://gcp", "memory://azure"


def collect(yard: Any, rules: Rules = WEEK, *, dry_run: bool = False) -> Collected:
    return collect_garbage(yard.upkeep, rules, holder="me", dry_run=dry_run)


def removed(collected: Collected) -> set[Digest]:
    return {digest for one in collected.swept for digest in one.artifacts}


def test_only_what_no_release_refers_to_goes(yard: Any) -> None:
    used, other, unused = yard.push("used"), yard.push("other"), yard.push("unused")
    yard.record(1, used)
    yard.record(7, other, name="another-deployment")
    yard.clock.sleep(8 * DAY)
    assert removed(collect(yard)) == {unused}
    for url in (AWS, GCP, AZURE):
        assert yard.keys(url) == sorted(
            yard.key(digest, path)
            for digest in (used, other)
            for path in (".manifest.json", "config.json", "weights")
        )


def test_a_release_that_one_store_alone_knows_counts(yard: Any) -> None:
    digest = yard.push("used")
    yard.record(1, digest)
    for url in (AWS, GCP):
        yard.stores[url].delete("deployer/iris/releases/000001.json")
    yard.clock.sleep(8 * DAY)
    assert removed(collect(yard)) == set()


def test_what_was_pushed_lately_stays_and_says_why(yard: Any) -> None:
    yard.push("young")
    yard.clock.sleep(6 * DAY)
    collected = collect(yard)
    assert removed(collected) == set()
    assert all("touched less than" in one.kept[0] for one in collected.found)


def test_a_push_that_was_never_completed_goes_too(yard: Any) -> None:
    digest = yard.push("killed")
    yard.stores[AWS].delete(yard.key(digest, ".manifest.json"))
    yard.clock.sleep(8 * DAY)
    collect(yard)
    assert yard.keys(AWS) == []


def test_a_dry_run_finds_the_same_and_removes_nothing(yard: Any) -> None:
    digest = yard.push("unused")
    yard.clock.sleep(8 * DAY)
    collected = collect(yard, dry_run=True)
    assert [one.artifacts[0].digest for one in collected.found] == [digest] * 3
    assert collected.swept == ()
    assert len(yard.keys(AWS)) == 3
    assert yard.stores[AWS].head("deployer/iris/lease.json") is None


def test_more_than_the_cap_is_refused_whole(yard: Any) -> None:
    for content in ("a", "b"):
        yard.push(content, AWS)
    yard.clock.sleep(8 * DAY)
    with pytest.raises(SourceError, match="2 artifacts would go, more than the 1"):
        collect(yard, Rules(timedelta(days=7), at_most=1))
    assert len(yard.keys(AWS)) == 6


def test_without_a_majority_of_the_state_nothing_goes(yard: Any) -> None:
    yard.push("unused")
    yard.clock.sleep(8 * DAY)
    yard.flaky[AWS].down = yard.flaky[GCP].down = True
    with pytest.raises(StateError, match="2 of 3 state stores failed"):
        collect(yard, dry_run=True)
    with pytest.raises(StateError):
        collect(yard)
    assert len(yard.keys(AZURE)) == 3


def test_a_store_that_does_not_answer_is_named_and_left_alone(yard: Any) -> None:
    yard.push("unused")
    yard.clock.sleep(8 * DAY)
    yard.flaky[AZURE].down = True
    collected = collect(yard)
    assert set(collected.unknown) == {AZURE}
    assert yard.keys(AWS) == yard.keys(GCP) == []
    assert len(yard.keys(AZURE)) == 3


def test_a_release_of_a_newer_version_stops_it(yard: Any) -> None:
    digest = yard.push("unused")
    yard.record(1, digest)
    key = "deployer/iris/releases/000001.json"
    body = yard.stores[GCP].get(key).body
    newer = body.replace(b'"schema":1', b'"schema":2,"unheard_of":1')
    yard.stores[GCP].put(key, newer)
    yard.clock.sleep(8 * DAY)
    with pytest.raises(StateError, match="newer"):
        collect(yard)
    assert len(yard.keys(AWS)) == 3


def test_a_run_that_comes_in_between_gets_its_artifact_back(yard: Any) -> None:
    digest = yard.push("unused")
    yard.clock.sleep(8 * DAY)

    def deploy_meanwhile(method: str, key: str) -> None:
        if (method, key) == ("delete", yard.key(digest, ".manifest.json")):
            yard.record(1, digest)

    yard.flaky[AWS].watch = deploy_meanwhile
    collected = collect(yard)
    assert [one.spared for one in collected.swept] == [(digest,)] * 3
    assert [len(yard.keys(url)) for url in (AWS, GCP, AZURE)] == [3, 3, 3]


def test_a_state_that_is_lost_in_between_brings_the_markers_back(yard: Any) -> None:
    digest = yard.push("unused")
    yard.clock.sleep(8 * DAY)

    def lose_the_state(method: str, key: str) -> None:
        if (method, key) == ("delete", yard.key(digest, ".manifest.json")):
            yard.flaky[GCP].watch = yard.flaky[AWS].watch = fail_listing

    def fail_listing(method: str, _key: str) -> None:
        if method == "list":
            raise StateError("gone")

    yard.flaky[AZURE].watch = lose_the_state
    with pytest.raises(StateError):
        collect(yard)
    assert [len(yard.keys(url)) for url in (AWS, GCP, AZURE)] == [3, 3, 3]


def test_a_deployment_that_is_being_changed_is_left_alone(yard: Any) -> None:
    yard.push("unused")
    yard.clock.sleep(8 * DAY)
    state = StateStore("iris", list(yard.stores.values()), yard.clock)
    lease = acquire_lease(state, holder="you", run="r1", seconds=1e9)

    def stay_alive(method: str, key: str) -> None:
        if method == "get" and key.endswith("lease.json"):
            lease.renew()

    yard.flaky[AWS].watch = stay_alive
    try:
        with pytest.raises(LeaseHeldError):
            collect(yard)
    finally:
        lease.release()
    assert len(yard.keys(AWS)) == 3


def test_old_unfinished_uploads_go_and_those_of_unknown_age_stay(yard: Any) -> None:
    begun = yard.clock.now()
    digest = Digest("0" * 64)
    old = IncompleteUpload(yard.key(digest), "1", begun)
    foreign = IncompleteUpload("datasets/big", "2", begun)
    ageless = IncompleteUpload(yard.key(digest, "other"), "", None)
    yard.clock.sleep(8 * DAY)
    young = IncompleteUpload(yard.key(digest), "3", yard.clock.now())
    yard.uploads[AWS].uploads = [old, foreign, ageless, young]
    collected = collect(yard)
    assert yard.uploads[AWS].uploads == [foreign, ageless, young]
    assert [one.uploads for one in collected.swept] == [1, 0, 0]
    collect(yard, Rules(timedelta(0), at_most=20))
    assert yard.uploads[AWS].uploads == [foreign]
