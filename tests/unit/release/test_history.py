from datetime import UTC, datetime

import pytest

from deployer.errors import RolloutError
from deployer.release.history import rollback_number
from deployer.release.records import Head, Mark

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GOOD = Mark(verified=NOW)
ROLLED_BACK = Mark(verified=NOW, quarantined="rolled back")
REFUSED = Mark(quarantined="smoke")


def head(desired: int, **marks: Mark) -> Head:
    numbers = {int(name[1:]): mark for name, mark in marks.items()}
    return Head(name="iris", desired=desired, marks=numbers)


def test_it_goes_to_the_newest_verified_release_before_the_live_one() -> None:
    assert rollback_number(head(4, r1=GOOD, r2=GOOD, r3=REFUSED, r4=GOOD)) == 2


def test_a_refused_release_after_the_live_one_does_not_count_as_a_rollback() -> None:
    assert rollback_number(head(2, r1=GOOD, r2=GOOD, r3=REFUSED)) == 1


def test_twice_does_not_go_back_two_releases() -> None:
    assert rollback_number(head(2, r1=GOOD, r2=GOOD, r3=ROLLED_BACK)) == 2


def test_an_unproven_release_is_never_gone_back_to() -> None:
    with pytest.raises(RolloutError, match="no earlier release that is recorded as verified"):
        rollback_number(head(2, r1=Mark(), r2=GOOD))
    with pytest.raises(RolloutError, match="release 1 of iris is not recorded as verified"):
        rollback_number(head(2, r1=Mark(), r2=GOOD), wanted=1)


def test_a_quarantined_release_can_be_asked_for_by_number() -> None:
    assert rollback_number(head(2, r2=GOOD, r3=ROLLED_BACK), wanted=3) == 3


def test_what_a_failed_undo_left_behind_is_taken_back_before_anything_older() -> None:
    stuck = head(2, r1=GOOD, r2=GOOD, r3=REFUSED)
    assert rollback_number(stuck.model_copy(update={"live": {"aws": 2, "gcp": 3}})) == 2
    assert rollback_number(stuck.model_copy(update={"live": {"aws": 2, "gcp": 1}})) == 1


def test_an_unproven_release_is_not_brought_back_because_something_newer_is_live() -> None:
    stuck = head(2, r1=GOOD, r2=Mark(), r3=REFUSED)
    assert rollback_number(stuck.model_copy(update={"live": {"aws": 3}})) == 1
