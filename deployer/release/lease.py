"""The lease: the right to change a deployment, held by one run at a time (G1).

Whether a lease has run out is not read off the holder's clock alone: clocks differ. A holder
renews every third of its time, so a record that we have *watched* stand still tells more than its
date. It is free when

- it was released, or
- its date has passed and it stood still for a third of its time while we watched, or
- it stood still for all of its time while we watched, whatever its date says.

(client-go's leader election observes in the same way, for the same reason.) Should a holder that
was only asleep come back, its token is old: state stores refuse its epochs and clusters its fence.
"""

import threading
from dataclasses import dataclass
from datetime import timedelta

from deployer.errors import DeployerError, LeaseHeldError, LeaseLostError
from deployer.ports import Clock
from deployer.release.records import LeaseRecord
from deployer.release.state import StateStore

__all__ = ["Lease", "acquire_lease"]

_POLL_SECONDS = 0.25
_TRIES = 5


@dataclass(frozen=True, slots=True)
class _Claim:
    holder: str
    run: str
    seconds: float


class Lease:
    """A lease held by this process; renews itself on a thread until `release`."""

    def __init__(self, state: StateStore, record: LeaseRecord, seconds: float) -> None:
        self.record = record
        self._state = state
        self._seconds = seconds
        self._valid_until = state.clock.monotonic() + seconds
        self._successor: LeaseRecord | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._renew_forever, name="lease", daemon=True)

    @property
    def token(self) -> int:
        """The fencing token: larger than that of every holder before."""
        return self.record.token

    def start_renewing(self) -> None:
        """Renew every third of the lease's time, from now on."""
        self._thread.start()

    def check(self) -> None:
        """Return if the lease still holds; called before every write.

        Raises:
            LeaseLostError: It could not be renewed in time, or somebody took it.
        """
        if self._successor is not None:
            raise LeaseLostError(
                f"{self._successor.holder} has taken the lease over from run {self.record.run} "
                f"(run {self._successor.run}); this one has stopped writing",
                hint="deployer status shows what is live; the other run goes on from the journal.",
            )
        if self._state.clock.monotonic() >= self._valid_until:
            raise LeaseLostError(
                f"run {self.record.run} could not renew its lease in time and has stopped writing",
                hint="Run the same command again: it goes on from the journal.",
            )

    def renew(self) -> None:
        """Write a new date; a failure is made good by the next try, or found by `check`."""
        started = self._state.clock.monotonic()
        record = self.record.model_copy(
            update={"expires": self._state.clock.now() + timedelta(seconds=self._seconds)}
        )
        if self._state.swap_lease(record, self._is_ours):
            self._valid_until = started + self._seconds
            self.record = record
        else:
            self._successor = self._find_successor()

    def release(self) -> bool:
        """Give the lease back, so that the next run need not wait; return whether that was done."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=self._seconds)
        given_back = self.record.model_copy(update={"released": True})
        return self._state.swap_lease(given_back, self._is_ours)

    def _find_successor(self) -> LeaseRecord | None:
        there = self._state.read_lease()
        return there if there is not None and there.token > self.record.token else None

    def _is_ours(self, other: LeaseRecord) -> bool:
        return other.token < self.record.token or other.run == self.record.run

    def _renew_forever(self) -> None:
        while not self._stop.wait(self._seconds / 3):
            try:
                self.renew()
            except DeployerError:
                continue


def acquire_lease(
    state: StateStore, *, holder: str, run: str, seconds: float, takeover: bool = False
) -> Lease:
    """Return the lease, waiting for a dead holder's to run out; begins to renew it.

    Args:
        seconds: How long it holds without being renewed.
        takeover: Take it even from a holder that is alive; that run is refused from then on.

    Raises:
        LeaseHeldError: Somebody alive holds it; says who and until when.
        StateError: No majority of the state stores answers.
    """
    claim = _Claim(holder, run, seconds)
    for attempt in range(_TRIES):
        current = state.read_lease()
        if current is not None and not takeover:
            _wait_until_free(state, current, seconds)
        lease = _try_to_take(state, claim, current)
        if lease is not None:
            lease.start_renewing()
            return lease
        state.clock.sleep(_POLL_SECONDS * (attempt + 1))
    current = state.read_lease()
    raise _held(state, current) if current else LeaseLostError("the lease changes hands too fast")


def _try_to_take(state: StateStore, claim: _Claim, current: LeaseRecord | None) -> Lease | None:
    head = state.read_head()
    token = max(current.token if current else 0, head.token if head else 0) + 1
    record = LeaseRecord(
        holder=claim.holder,
        run=claim.run,
        token=token,
        expires=state.clock.now() + timedelta(seconds=claim.seconds),
    )
    if state.swap_lease(record, lambda other: other.token < token):
        return Lease(state, record, claim.seconds)
    given_back = record.model_copy(update={"released": True})
    state.swap_lease(given_back, lambda other: other.run == claim.run and other.token == token)
    return None


def _wait_until_free(state: StateStore, seen: LeaseRecord, seconds: float) -> None:
    watched_since = state.clock.monotonic()
    while not _is_free(seen, state.clock, watched_since, seconds):
        state.clock.sleep(_POLL_SECONDS)
        now_there = state.read_lease()
        if now_there is None:
            return
        if now_there != seen and not now_there.released:
            raise _held(state, now_there)
        seen = now_there


def _is_free(record: LeaseRecord, clock: Clock, watched_since: float, seconds: float) -> bool:
    if record.released:
        return True
    stood_still = clock.monotonic() - watched_since
    return stood_still >= seconds or (record.expires < clock.now() and stood_still >= seconds / 3)


def _held(state: StateStore, record: LeaseRecord) -> LeaseHeldError:
    return LeaseHeldError(
        f"{state.name}: {record.holder} holds the lease until {record.expires:%H:%M:%S} UTC and "
        f"renews it (run {record.run})",
        holder=record.holder,
        expires_at=record.expires,
        hint="Wait for it to finish, or stop it; the lease of a run that died frees itself. "
        "--takeover takes it at once and stops that run.",
    )
