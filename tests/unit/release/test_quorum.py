import threading

import pytest

from deployer.errors import AccessDeniedError, SetupError, StateError
from deployer.ports import ObjectStore
from deployer.providers.local.clock import ManualClock, SystemClock
from deployer.providers.local.faults import Fault, FlakyStore
from deployer.providers.local.memory import MemoryStore
from deployer.release.quorum import Quorum


def test_a_store_that_hangs_does_not_hold_up_the_majority() -> None:
    clock = SystemClock()
    stores = [MemoryStore(clock, f"memory://{name}") for name in "abc"]
    release = threading.Event()

    def read(store: ObjectStore) -> str:
        if store.url == "memory://a":
            release.wait(30)
        return store.url

    try:
        answers = Quorum(stores, clock).ask(read, what="reading")
        assert {answer.value for answer in answers} == {"memory://b", "memory://c"}
    finally:
        release.set()


def test_a_store_that_failed_rests_for_a_while() -> None:
    clock = ManualClock()
    stores = [FlakyStore(MemoryStore(clock, f"memory://{name}"), clock) for name in "abc"]
    stores[0].down = True
    quorum = Quorum(stores, clock)
    for _ in range(5):
        quorum.ask_all(lambda store: store.head("x"))
    assert len(stores[0].calls) == 1
    stores[0].down = False
    clock.advance(6)
    answers = quorum.ask_all(lambda store: store.head("x"))
    assert all(answer.error is None for answer in answers)


@pytest.mark.parametrize("kind", [AccessDeniedError])
def test_when_only_logins_are_missing_it_is_a_set_up_error(kind: type[AccessDeniedError]) -> None:
    clock = ManualClock()
    faults = Fault(on_call=0, error=kind)
    stores = [FlakyStore(MemoryStore(clock, f"memory://{name}"), clock, faults) for name in "abc"]
    with pytest.raises(SetupError, match=r"[23] of 3 state stores failed"):
        Quorum(stores, clock).ask(lambda store: store.head("x"), what="reading")


def test_when_the_network_is_to_blame_it_is_not() -> None:
    clock = ManualClock()
    stores = [FlakyStore(MemoryStore(clock, f"memory://{name}"), clock) for name in "abc"]
    stores[0].down = stores[1].down = True
    stores[1].add_fault(Fault(on_call=0, error=AccessDeniedError))
    with pytest.raises(StateError):
        Quorum(stores, clock).ask(lambda store: store.head("x"), what="reading")


def test_a_defect_in_an_operation_comes_out() -> None:
    clock = ManualClock()

    def defect(_store: ObjectStore) -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Quorum([MemoryStore(clock)], clock).ask(defect, what="reading")


def test_a_quorum_of_nothing_makes_no_sense() -> None:
    with pytest.raises(ValueError, match="at least one store"):
        Quorum([], ManualClock())


def test_a_majority_that_agrees_does_not_wait_for_the_rest() -> None:
    clock = SystemClock()
    stores = [MemoryStore(clock, f"memory://{name}") for name in "abc"]
    release = threading.Event()

    def swap(store: ObjectStore) -> bool:
        return store.url != "memory://a" or not release.wait(30)

    try:
        assert Quorum(stores, clock).vote(swap)
        assert not release.is_set()
    finally:
        release.set()


def test_a_vote_is_lost_as_soon_as_a_majority_is_out_of_reach() -> None:
    clock = SystemClock()
    stores = [MemoryStore(clock, f"memory://{name}") for name in "abc"]
    release = threading.Event()
    try:
        quorum = Quorum(stores, clock)
        assert not quorum.vote(lambda store: store.url == "memory://a" and release.wait(30))
        assert not release.is_set()
    finally:
        release.set()


def test_a_minority_does_not_agree() -> None:
    clock = ManualClock()
    stores = [MemoryStore(clock, f"memory://{name}") for name in "abc"]
    assert not Quorum(stores, clock).vote(lambda store: store.url == "memory://a")
