from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from deployer.errors import AlreadyExistsError, LeaseLostError, NotFoundError, StateError
from deployer.providers.local.clock import ManualClock
from deployer.providers.local.faults import Fault, FlakyStore
from deployer.release.records import (
    ArtifactRecord,
    Bundle,
    Entry,
    Head,
    RouteSettings,
)
from deployer.release.state import EPOCHS_PER_TOKEN, StateStore, next_epoch

Stores = list[FlakyStore]
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def bundle(number: int, content: str = "c") -> Bundle:
    return Bundle(
        number=number,
        name="iris",
        created=NOW,
        created_by="ann@laptop",
        tool="0",
        artifact=ArtifactRecord(digest="sha256:" + "0" * 64, size=1, files=1),
        config={},
        content=content,
        routing=RouteSettings(),
        weights={},
        soak_seconds=0.0,
        targets=(),
    )


def head(epoch: int, **changes: object) -> Head:
    return Head(name="iris", epoch=epoch).model_copy(update=changes)


def entry(seq: int, token: int = 1, detail: str = "") -> Entry:
    return Entry(run="r1", seq=seq, token=token, at=NOW, event="begin", detail=detail)


def test_nothing_is_there_before_the_first_write(state: StateStore) -> None:
    assert state.read_head() is None
    assert state.read_routes() is None
    assert state.list_releases() == []


def test_a_head_is_read_back_as_it_was_written(state: StateStore) -> None:
    state.write_head(head(1, desired=42, live={"aws": 42}))
    assert state.read_head() == head(1, desired=42, live={"aws": 42})


def test_a_write_survives_the_loss_of_any_one_store(state: StateStore, stores: Stores) -> None:
    state.write_head(head(1, desired=1))
    for store in stores:
        store.down = True
        assert StateStore("iris", stores, ManualClock()).read_head() == head(1, desired=1)
        store.down = False


def test_a_store_that_was_away_catches_up_at_the_next_write(
    open_state: Callable[[], StateStore], stores: Stores, clock: ManualClock
) -> None:
    state = open_state()
    stores[2].down = True
    state.write_head(head(1))
    stores[2].down = False
    clock.advance(60)
    state.write_head(head(2, desired=7))
    only_two = StateStore("iris", stores[1:], clock)
    assert only_two.read_head() == head(2, desired=7)


def test_without_a_majority_nothing_is_read_and_each_store_is_named(
    state: StateStore, stores: Stores
) -> None:
    stores[0].down = stores[1].down = True
    with pytest.raises(StateError, match=r"of 3 state stores failed.*memory://a"):
        state.read_head()


def test_a_writer_that_was_overtaken_is_refused(open_state: Callable[[], StateStore]) -> None:
    old, new = open_state(), open_state()
    old.write_head(head(next_epoch(0, token=1)))
    new.write_head(head(next_epoch(0, token=2), desired=2))
    with pytest.raises(LeaseLostError):
        old.write_head(head(next_epoch(next_epoch(0, token=1), token=1), desired=1))
    assert new.read_head() == head(next_epoch(0, token=2), desired=2)


def test_the_same_write_twice_is_one_write(state: StateStore) -> None:
    state.write_head(head(5))
    state.write_head(head(5))
    assert state.read_head() == head(5)


def test_a_lost_response_is_no_conflict(
    state: StateStore, stores: Stores, clock: ManualClock
) -> None:
    for store in stores[:2]:
        store.add_fault(Fault(method="put", after=True))
    with pytest.raises(StateError):
        state.write_head(head(1, desired=3))
    clock.advance(60)
    state.write_head(head(1, desired=3))
    assert state.read_head() == head(1, desired=3)


def test_epochs_of_a_later_run_are_larger_than_all_of_an_earlier_one() -> None:
    assert next_epoch(3 * EPOCHS_PER_TOKEN + 17, token=4) == 4 * EPOCHS_PER_TOKEN
    assert next_epoch(4 * EPOCHS_PER_TOKEN, token=4) == 4 * EPOCHS_PER_TOKEN + 1


def test_a_release_number_is_given_once(state: StateStore) -> None:
    state.create_release(bundle(1))
    state.create_release(bundle(1))
    with pytest.raises(AlreadyExistsError):
        state.create_release(bundle(1, content="other"))
    assert state.read_release(1) == bundle(1)
    assert state.list_releases() == [1]


def test_a_release_that_only_a_minority_has_is_outvoted(
    state: StateStore, stores: Stores, clock: ManualClock
) -> None:
    StateStore("iris", stores[:1], clock).create_release(bundle(1, content="crashed"))
    StateStore("iris", stores[1:], clock).create_release(bundle(1, content="kept"))
    assert state.read_release(1).content == "kept"


def test_a_number_that_one_store_gave_is_known_and_can_be_read(
    state: StateStore, stores: Stores, clock: ManualClock
) -> None:
    for lonely in stores:
        lonely.delete("deployer/iris/releases/000001.json")
        StateStore("iris", [lonely], clock).create_release(bundle(1))
        assert state.list_releases() == [1]
        assert state.read_release(1) == bundle(1)
        lonely.delete("deployer/iris/releases/000001.json")


def test_releases_that_differ_in_every_store_are_not_guessed_between(
    state: StateStore, stores: Stores, clock: ManualClock
) -> None:
    for store in stores:
        StateStore("iris", [store], clock).create_release(bundle(1, content=store.url))
    with pytest.raises(StateError, match="the state stores disagree about"):
        state.read_release(1)


def test_releases_are_not_listed_without_a_majority(state: StateStore, stores: Stores) -> None:
    stores[0].down = stores[1].down = True
    with pytest.raises(StateError, match="listing the releases of iris"):
        state.list_releases()


def test_a_release_that_nobody_has_is_not_found(state: StateStore) -> None:
    with pytest.raises(NotFoundError, match="no release 9"):
        state.read_release(9)


def test_repair_gives_an_empty_store_all_of_the_history(
    state: StateStore, stores: Stores, clock: ManualClock
) -> None:
    stores[0].down = True
    for number in (1, 2, 3):
        state.create_release(bundle(number))
    stores[0].down = False
    clock.advance(60)
    assert state.repair() == 3
    assert StateStore("iris", stores[:1], clock).list_releases() == [1, 2, 3]
    assert state.repair() == 0


def test_a_journal_keeps_the_order_of_tokens_and_lines(state: StateStore) -> None:
    for line in (entry(2, token=1), entry(1, token=2), entry(1, token=1)):
        state.append_entry(line)
    assert [(e.token, e.seq) for e in state.read_journal("r1")] == [(1, 1), (1, 2), (2, 1)]


def test_two_processes_cannot_write_the_same_line(open_state: Callable[[], StateStore]) -> None:
    open_state().append_entry(entry(1, detail="mine"))
    with pytest.raises(LeaseLostError):
        open_state().append_entry(entry(1, detail="theirs"))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "damaged"),
        (b'{"schema": 99}', "newer deployer"),
        (b'{"schema": 1, "name": "iris", "epoch": "x"}', "damaged at epoch"),
    ],
)
def test_a_record_that_cannot_be_read_says_why(
    state: StateStore, stores: Stores, body: bytes, message: str
) -> None:
    for store in stores:
        store.put("deployer/iris/head.json", body)
    with pytest.raises(StateError, match=message):
        state.read_head()
