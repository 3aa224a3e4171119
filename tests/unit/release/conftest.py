from collections.abc import Callable

import pytest

from deployer.providers.local.clock import ManualClock
from deployer.providers.local.faults import FlakyStore
from deployer.providers.local.memory import MemoryStore
from deployer.release.state import StateStore

Stores = list[FlakyStore]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def stores(clock: ManualClock) -> Stores:
    return [FlakyStore(MemoryStore(clock, f"memory://{name}"), clock) for name in "abc"]


@pytest.fixture
def open_state(clock: ManualClock, stores: Stores) -> Callable[[], StateStore]:
    """Each call is another process's view of the same stores."""
    return lambda: StateStore("iris", stores, clock)


@pytest.fixture
def state(open_state: Callable[[], StateStore]) -> StateStore:
    return open_state()
