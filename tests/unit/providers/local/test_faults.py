import pytest

from deployer.errors import AccessDeniedError, TransientError
from deployer.providers.local.clock import ManualClock
from deployer.providers.local.faults import Fault, FlakyStore
from deployer.providers.local.memory import MemoryStore


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def memory(clock: ManualClock) -> MemoryStore:
    return MemoryStore(clock)


def test_only_the_call_that_was_named_fails(memory: MemoryStore, clock: ManualClock) -> None:
    store = FlakyStore(memory, clock, Fault(on_call=2, method="put", prefix="a/"))
    store.put("a/1", b"x")
    store.put("b/1", b"x")
    with pytest.raises(TransientError):
        store.put("a/2", b"x")
    store.put("a/2", b"x")
    assert store.calls == ["put a/1", "put b/1", "put a/2", "put a/2"]


def test_a_fault_may_come_at_every_call(memory: MemoryStore, clock: ManualClock) -> None:
    store = FlakyStore(memory, clock, Fault(on_call=0, error=AccessDeniedError))
    for _ in range(3):
        with pytest.raises(AccessDeniedError):
            store.head("a")


def test_a_lost_response_has_done_its_work(memory: MemoryStore, clock: ManualClock) -> None:
    store = FlakyStore(memory, clock, Fault(method="put", after=True))
    with pytest.raises(TransientError):
        store.put("a", b"mine", if_version="")
    assert memory.get("a").body == b"mine"
    assert store.put("a", b"mine", if_version="") == memory.head("a")


def test_a_delay_takes_the_clocks_time(memory: MemoryStore, clock: ManualClock) -> None:
    store = FlakyStore(memory, clock, Fault(delay_seconds=30, error=None))
    assert store.head("a") is None
    assert clock.monotonic() == 30


def test_a_store_that_is_down_does_nothing_until_it_is_up(
    memory: MemoryStore, clock: ManualClock
) -> None:
    store = FlakyStore(memory, clock)
    store.down = True
    with pytest.raises(TransientError):
        store.put("a", b"x")
    with pytest.raises(TransientError):
        next(store.stream("a"))
    with pytest.raises(TransientError):
        store.delete("a")
    store.down = False
    assert memory.head("a") is None
    assert list(store.list()) == []


def test_a_stream_breaks_off_after_its_first_chunk(memory: MemoryStore, clock: ManualClock) -> None:
    memory.put("a", bytes(3 << 20))
    stream = FlakyStore(memory, clock, Fault(method="stream", after=True)).stream("a")
    assert len(next(stream)) == 1 << 20
    with pytest.raises(TransientError):
        next(stream)
