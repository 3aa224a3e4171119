import threading
from datetime import UTC, datetime

import pytest

from deployer.errors import StateError
from deployer.ports import ObjectStore
from deployer.providers.local.clock import ManualClock
from deployer.providers.local.faults import FlakyStore
from deployer.providers.local.memory import MemoryStore
from deployer.release.notices import CLAIM_SECONDS, Claim, claim_notice, finish_notice
from deployer.release.state import StateStore

START = datetime(2026, 11, 23, 12, tzinfo=UTC)


def dead(clock: ManualClock) -> FlakyStore:
    """Return a store that is away."""
    store = FlakyStore(MemoryStore(clock), clock)
    store.down = True
    return store


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


def state_on(stores: list[ObjectStore], clock: ManualClock) -> StateStore:
    return StateStore("iris", stores, clock)


def claim(state: StateStore, holder: str, event: str = "e") -> Claim | None:
    return claim_notice(state, "ops", event, holder=holder)


def test_what_was_told_is_told_once_whoever_asks(clock: ManualClock) -> None:
    stores: list[ObjectStore] = [MemoryStore(clock) for _ in range(3)]
    first = claim(state_on(stores, clock), "a")
    assert first is not None
    assert claim(state_on(stores, clock), "b") is None
    assert finish_notice(state_on(stores, clock), first)
    clock.sleep(10 * CLAIM_SECONDS)
    assert claim(state_on(stores, clock), "b") is None
    assert claim(state_on(stores, clock), "b", "another") is not None
    assert claim_notice(state_on(stores, clock), "mail", "e", holder="b") is not None


def test_a_claim_of_one_that_was_killed_expires(clock: ManualClock) -> None:
    stores: list[ObjectStore] = [MemoryStore(clock)]
    assert claim(state_on(stores, clock), "killed") is not None
    clock.sleep(CLAIM_SECONDS)
    again = claim(state_on(stores, clock), "b")
    assert again is not None
    assert claim(state_on(stores, clock), "c") is None


@pytest.mark.parametrize("count", [1, 2, 3])
def test_of_many_at_once_at_most_one_tells_it(clock: ManualClock, count: int) -> None:
    stores: list[ObjectStore] = [MemoryStore(clock) for _ in range(count)]
    for event in map(str, range(5)):
        won: list[str] = []
        barrier = threading.Barrier(4)

        def run(name: str, event: str = event, won: list[str] = won) -> None:
            state = state_on(stores, clock)
            barrier.wait()  # noqa: B023 - joined within the loop
            if claim(state, name, event) is not None:
                won.append(name)

        threads = [threading.Thread(target=run, args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(won) <= 1
        clock.sleep(CLAIM_SECONDS)
        assert claim(state_on(stores, clock), "later", event) is not None


def test_one_store_that_is_away_keeps_nobody_from_it(clock: ManualClock) -> None:
    stores: list[ObjectStore] = [MemoryStore(clock), MemoryStore(clock), dead(clock)]
    first = claim(state_on(stores, clock), "a")
    assert first is not None
    assert finish_notice(state_on(stores, clock), first)
    clock.sleep(CLAIM_SECONDS)
    assert claim(state_on(stores, clock), "b") is None


def test_without_a_majority_nobody_knows_what_was_told(clock: ManualClock) -> None:
    stores: list[ObjectStore] = [MemoryStore(clock), dead(clock), dead(clock)]
    with pytest.raises(StateError, match="listing notices/ops/e"):
        claim(state_on(stores, clock), "a")
