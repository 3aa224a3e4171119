import threading
from collections.abc import Iterator

import pytest

from deployer.ports import ObjectStore
from deployer.providers.local.clock import ManualClock
from deployer.providers.local.faults import Fault, FlakyStore
from deployer.providers.local.memory import MemoryStore
from deployer.release.quorum import Quorum


@pytest.fixture
def silent() -> Iterator[FlakyStore]:
    """Return a store that takes every question and says nothing until the test is over."""
    over = threading.Event()

    class Waiting(ManualClock):
        def sleep(self, seconds: float) -> None:
            del seconds
            over.wait()

    clock = Waiting()
    yield FlakyStore(MemoryStore(clock, "memory://silent"), clock, Fault(0, delay_seconds=1))
    over.set()


def write(store: ObjectStore) -> bool:
    return store.put("key", b"yes").size > 0


def test_a_majority_is_not_kept_waiting_by_a_store_that_says_nothing(
    silent: FlakyStore, stores: list[FlakyStore], clock: ManualClock
) -> None:
    quorum = Quorum([silent, *stores[:2]], clock)
    assert quorum.vote(write)
    assert [store.calls for store in stores[:2]] == [["put key"]] * 2


def test_a_vote_is_lost_as_soon_as_a_majority_is_out_of_reach(
    silent: FlakyStore, stores: list[FlakyStore], clock: ManualClock
) -> None:
    quorum = Quorum([silent, *stores[:2]], clock)
    assert not quorum.vote(lambda store: store is silent and write(store))
