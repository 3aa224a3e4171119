import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from deployer.errors import LeaseHeldError, LeaseLostError, StateError
from deployer.providers.local.clock import ManualClock
from deployer.providers.local.faults import FlakyStore
from deployer.release.lease import Lease, acquire_lease
from deployer.release.records import LeaseRecord, encode_record
from deployer.release.state import StateStore

Open = Callable[[], StateStore]
TTL = 15.0


def take(state: StateStore, run: str, *, takeover: bool = False) -> Lease:
    return acquire_lease(state, holder="ann@laptop", run=run, seconds=TTL, takeover=takeover)


def die(lease: Lease) -> None:
    """Stop renewing without giving back, as SIGKILL does."""
    lease._stop.set()


def test_a_lease_that_was_given_back_is_free_at_once(open_state: Open, clock: ManualClock) -> None:
    first = take(open_state(), "r1")
    first.release()
    before = clock.monotonic()
    second = take(open_state(), "r2")
    assert second.token == first.token + 1
    assert clock.monotonic() == before
    second.release()


@pytest.mark.parametrize("away", range(3))
def test_a_lease_given_back_on_one_store_is_free_and_never_hides_one_that_is_held(
    open_state: Open, clock: ManualClock, stores: list[FlakyStore], away: int
) -> None:
    """Two claim token 7 at once; the loser's minority says so, with a date that is later."""
    soon = clock.now() + timedelta(seconds=TTL)
    winner = LeaseRecord(holder="ann", run="won", token=7, expires=soon)
    loser = LeaseRecord(
        holder="bob", run="lost", token=7, expires=soon + timedelta(seconds=1), released=True
    )
    for store, record in zip(stores, (winner, winner, loser), strict=True):
        store.put(open_state()._lease_key, encode_record(record))
    stores[away].down = True
    read = open_state().read_lease()
    assert read is not None
    assert (read.run, read.released) == ("won", False)
    stores[away].down = False
    given_back = winner.model_copy(update={"released": True, "expires": soon - timedelta(1)})
    stores[0].put(open_state()._lease_key, encode_record(given_back))
    stores[2].down = True
    read = open_state().read_lease()
    assert read is not None
    assert read.released


def test_a_dead_holder_is_waited_out_and_no_longer(open_state: Open, clock: ManualClock) -> None:
    dead = take(open_state(), "r1")
    die(dead)
    before = clock.monotonic()
    lease = take(open_state(), "r2")
    assert lease.token > dead.token
    assert TTL / 3 <= clock.monotonic() - before <= TTL + 1
    lease.release()


def test_a_dead_holder_whose_clock_was_ahead_is_waited_out_all_the_same(
    open_state: Open, clock: ManualClock
) -> None:
    state = open_state()
    far = LeaseRecord(holder="x", run="r0", token=3, expires=clock.now() + timedelta(days=1))
    assert state.swap_lease(far, lambda _: True)
    lease = take(open_state(), "r1")
    assert lease.token == 4
    lease.release()


def test_a_holder_that_renews_is_not_taken_over(open_state: Open, clock: ManualClock) -> None:
    alive = take(open_state(), "r1")

    class Renewing(ManualClock):
        def sleep(self, seconds: float) -> None:
            clock.sleep(seconds)
            alive.renew()

        monotonic = clock.monotonic
        now = clock.now

    state = open_state()
    state.clock = Renewing()
    with pytest.raises(LeaseHeldError, match="ann@laptop holds the lease until"):
        take(state, "r2")
    alive.check()
    alive.release()


def test_takeover_stops_the_holder_and_says_who_it_was(open_state: Open) -> None:
    alive = take(open_state(), "r1")
    thief = take(open_state(), "r2", takeover=True)
    alive.renew()
    with pytest.raises(LeaseLostError, match=r"ann@laptop has taken .* from run r1 \(run r2\)"):
        alive.check()
    thief.renew()
    thief.check()
    thief.release()
    die(alive)


def test_only_one_of_many_gets_it(open_state: Open) -> None:
    won: list[Lease] = []
    lost: list[LeaseHeldError | LeaseLostError] = []

    def race(number: int) -> None:
        try:
            won.append(take(open_state(), f"r{number}"))
        except (LeaseHeldError, LeaseLostError) as error:
            lost.append(error)

    threads = [threading.Thread(target=race, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tokens = [lease.token for lease in won]
    assert len(set(tokens)) == len(tokens), "two holders have the same fencing token"
    for lease in won:
        die(lease)


def test_a_lease_needs_a_majority(open_state: Open, stores: list[FlakyStore]) -> None:
    stores[0].down = stores[1].down = True
    with pytest.raises(StateError):
        take(open_state(), "r1")


def test_one_store_away_is_no_obstacle(open_state: Open, stores: list[FlakyStore]) -> None:
    stores[1].down = True
    lease = take(open_state(), "r1")
    lease.renew()
    lease.check()
    lease.release()
