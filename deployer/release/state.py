"""The state of one deployment, in the targets' own stores, by majority.

Layout under ``deployer/<name>/`` of every store (design §6)::

    releases/000042.json                a release, create-only
    head.json                           desired, live, marks, the unfinished run; larger epoch wins
    lease.json                          who may change it
    journal/<run>/000003-000007.json    what a run did (token, line), create-only
    routes.json                         what routers follow; larger epoch wins
    notices/<channel>/<event>/…         what was told to whom, create-only

A document with an epoch is replaced only by one with a larger epoch, store by store, by
compare-and-swap: a store that was away catches up at the next write, and a writer that has been
overtaken is refused. Epochs hold the fencing token in their high bits, so every run's writes are
newer than all of any run before it, those that reached only a minority included.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from deployer.errors import (
    AlreadyExistsError,
    LeaseLostError,
    NotFoundError,
    PreconditionError,
    StateError,
)
from deployer.ports import Clock, ObjectStore
from deployer.release.quorum import Answer, Quorum
from deployer.release.record import Document
from deployer.release.records import (
    Bundle,
    Entry,
    Head,
    LeaseRecord,
    Routes,
    decode_record,
    encode_record,
)
from deployer.release.survey import StateSurvey

__all__ = ["EPOCHS_PER_TOKEN", "StateStore", "next_epoch"]

EPOCHS_PER_TOKEN = 1 << 20

Versioned = TypeVar("Versioned", Head, Routes)
D = TypeVar("D", bound=Document)
_RELEASE_KEY = re.compile(r"releases/(\d{6,})\.json$")


def next_epoch(epoch: int, token: int) -> int:
    """Return the epoch of the next write by the run with fencing token ``token``."""
    return max(epoch + 1, token * EPOCHS_PER_TOKEN)


class StateStore:
    """Reads and writes the records of deployment ``name``."""

    def __init__(self, name: str, stores: Sequence[ObjectStore], clock: Clock) -> None:
        self.name = name
        self.clock = clock
        self._quorum = Quorum(stores, clock)
        self._prefix = f"deployer/{name}"

    # head and routes ----------------------------------------------------------------------

    def read_head(self) -> Head | None:
        """Return the newest head of a majority; None when nothing was ever deployed."""
        return self._read_newest(Head, "head.json")

    def write_head(self, head: Head) -> None:
        """Write ``head``; it counts when a majority has it.

        Raises:
            LeaseLostError: A majority holds a newer head: another run has taken over.
        """
        self._write_newer(head, "head.json")

    def read_routes(self) -> Routes | None:
        """Return the newest routes of a majority; None when there never were any."""
        return self._read_newest(Routes, "routes.json")

    def write_routes(self, routes: Routes) -> None:
        """Write ``routes``, as `write_head` does."""
        self._write_newer(routes, "routes.json")

    def survey(self, *, timeout_seconds: float) -> StateSurvey:
        """Ask every store for the head, and say which do not answer; needs no majority."""
        key = f"{self._prefix}/head.json"
        answers = self._quorum.survey(
            lambda store: _get(store, key), timeout_seconds=timeout_seconds
        )
        return StateSurvey(
            answered=tuple(it.store.url for it in answers if it.error is None),
            majority=self._quorum.majority,
            silent={it.store.url: it.error.message for it in answers if it.error},
        )

    # releases -----------------------------------------------------------------------------

    def create_release(self, bundle: Bundle) -> None:
        """Write the bundle, complete, before anyone can refer to it (D3).

        Raises:
            AlreadyExistsError: The number is taken by another release.
        """
        key, body = self._release_key(bundle.number), encode_record(bundle)
        self._create(key, body, what=f"recording release {bundle.number}")

    def read_release(self, number: int) -> Bundle:
        """Return a bundle. One copy is enough: it is immutable.

        Raises:
            NotFoundError: A majority answers, and nobody has it.
        """
        key = self._release_key(number)
        answers = self._quorum.ask(
            lambda store: _get(store, key), what=f"reading release {number} of {self.name}"
        )
        bodies = {answer.value for answer in answers if answer.value is not None}
        if len(bodies) != 1:
            bodies = self._most_common(key)
        if not bodies:
            raise NotFoundError(
                f"{self.name} has no release {number}",
                operation="read release",
                resource=key,
                hint=f"deployer history lists the releases of {self.name}.",
            )
        return decode_record(Bundle, bodies.pop(), where=f"{self.name}: {key}")

    def list_releases(self) -> list[int]:
        """Return the numbers of all releases that any store knows of, ascending.

        Every store is waited for: a number that a killed run gave in one store only is taken, and
        a plan must not give it again.

        Raises:
            StateError: No majority answers.
        """
        prefix = f"{self._prefix}/releases/"
        answers = self._quorum.ask_all(
            lambda store: _numbers(info.key for info in store.list(prefix)),
            what=f"listing the releases of {self.name}",
        )
        return sorted(set[int]().union(*(answer.value or () for answer in answers)))

    # journal ------------------------------------------------------------------------------

    def append_entry(self, entry: Entry) -> None:
        """Write one line of a run's journal.

        Raises:
            LeaseLostError: The line is taken: another process goes on with this run.
        """
        key = f"{self._prefix}/journal/{entry.run}/{entry.token:06d}-{entry.seq:06d}.json"
        try:
            self._create(key, encode_record(entry), what=f"writing the journal of run {entry.run}")
        except AlreadyExistsError as error:
            raise LeaseLostError(f"another process goes on with run {entry.run}") from error

    def read_journal(self, run: str) -> list[Entry]:
        """Return the run's lines in order, as far as any store of a majority has them."""
        prefix = f"{self._prefix}/journal/{run}/"
        answers = self._quorum.ask(
            lambda store: {info.key: store for info in store.list(prefix)},
            what=f"reading the journal of run {run}",
        )
        where: dict[str, ObjectStore] = {}
        for answer in answers:
            where.update(answer.value or {})
        return [
            decode_record(Entry, store.get(key).body, where=f"{store.url}/{key}")
            for key, store in sorted(where.items())
        ]

    # lease --------------------------------------------------------------------------------

    def read_lease(self) -> LeaseRecord | None:
        """Return the lease with the highest token of a majority.

        One that was given back anywhere is given back, though a store may not know it yet; it
        never hides another run's with the same token, which a majority may have taken.
        """
        answers = self._quorum.ask(self._lease_of, what=f"reading the lease of {self.name}")
        records = [answer.value for answer in answers if answer.value is not None]
        given_back = {(record.token, record.run) for record in records if record.released}
        return max(
            records,
            key=lambda record: (
                record.token,
                (record.token, record.run) not in given_back,
                record.released,
                record.expires,
            ),
            default=None,
        )

    def swap_lease(self, new: LeaseRecord, may_replace: Callable[[LeaseRecord], bool]) -> bool:
        """Write ``new`` wherever there is no lease or one that may be replaced.

        Returns whether a majority took it. Where it was taken by a minority only, the caller must
        give it back.
        """
        body = encode_record(new)
        return self._quorum.vote(lambda store: self._swap_one(store, body, may_replace))

    # records that other modules name ------------------------------------------------------

    def claim_record(self, path: str, record: Document) -> bool:
        """Write ``record`` where there is none; return whether a majority of the stores took it.

        Of two that write at once one has it, or neither.
        """
        key, body = f"{self._prefix}/{path}", encode_record(record)
        return self._quorum.vote(lambda store: _put_new(store, key, body))

    def list_records(self, prefix: str) -> list[str]:
        """Return the paths under ``prefix`` that any store of a majority has, in order."""
        whole = f"{self._prefix}/{prefix}"
        answers = self._quorum.ask(
            lambda store: {info.key for info in store.list(whole)}, what=f"listing {prefix}"
        )
        found = set[str]().union(*(answer.value or () for answer in answers))
        return sorted(key.removeprefix(f"{self._prefix}/") for key in found)

    def read_records(self, kind: type[D], path: str) -> list[D]:
        """Return what a majority has at ``path``: several records where a vote was split."""
        key = f"{self._prefix}/{path}"
        answers = self._quorum.ask(lambda store: _get(store, key), what=f"reading {path}")
        bodies = {answer.value for answer in answers if answer.value is not None}
        return [decode_record(kind, body, where=key) for body in sorted(bodies)]

    # repair -------------------------------------------------------------------------------

    def repair(self) -> int:
        """Copy releases that a reachable store lacks from one that has them; return how many.

        A store that was away, or came back empty, holds all of the history again (G7).
        """
        prefix = f"{self._prefix}/releases/"
        answers = self._quorum.ask_all(lambda store: {info.key for info in store.list(prefix)})
        known = {answer.store.url: answer for answer in answers if answer.value is not None}
        union = set[str]().union(*(answer.value or set() for answer in known.values()))
        copied = 0
        for answer in known.values():
            for key in sorted(union - (answer.value or set())):
                copied += self._copy_from_any(key, answer.store, known.values())
        return copied

    # helpers ------------------------------------------------------------------------------

    def _copy_from_any(
        self, key: str, target: ObjectStore, sources: Iterable[Answer[set[str]]]
    ) -> int:
        source = next(answer.store for answer in sources if answer.value and key in answer.value)
        try:
            target.put(key, source.get(key).body, if_version="")
        except (AlreadyExistsError, PreconditionError):
            return 0
        return 1

    def _most_common(self, key: str) -> set[bytes]:
        """Return what most stores hold: a write that reached only a minority does not count."""
        answers = self._quorum.ask_all(lambda store: _get(store, key))
        counts = Counter(answer.value for answer in answers if answer.value is not None)
        most = max(counts.values(), default=0)
        found = {body for body, count in counts.items() if count == most}
        if len(found) > 1:
            raise StateError(f"{self.name}: the state stores disagree about {key}")
        return found

    def _release_key(self, number: int) -> str:
        return f"{self._prefix}/releases/{number:06d}.json"

    def _read_newest(self, kind: type[Versioned], file: str) -> Versioned | None:
        key = f"{self._prefix}/{file}"

        def read(store: ObjectStore) -> Versioned | None:
            body = _get(store, key)
            return decode_record(kind, body, where=f"{store.url}/{key}") if body else None

        answers = self._quorum.ask(read, what=f"reading {file} of {self.name}")
        records = [answer.value for answer in answers if answer.value is not None]
        return max(records, key=lambda record: record.epoch, default=None)

    def _write_newer(self, record: Versioned, file: str) -> None:
        key, body = f"{self._prefix}/{file}", encode_record(record)

        def write(store: ObjectStore) -> bool:
            return _put_if_newer(store, key, body, record)

        answers = self._quorum.ask(write, what=f"writing {file} of {self.name}")
        if sum(bool(answer.value) for answer in answers) < self._quorum.majority:
            raise LeaseLostError(
                f"{self.name}: another run has written {file} since; this one has stopped",
                hint="deployer status shows what is live now.",
            )

    def _create(self, key: str, body: bytes, *, what: str) -> None:
        answers = self._quorum.ask(lambda store: _put_new(store, key, body), what=what)
        if not all(answer.value for answer in answers if answer.error is None):
            raise AlreadyExistsError(
                f"{key} is taken by something else", operation="create", resource=key
            )

    def _lease_of(self, store: ObjectStore) -> LeaseRecord | None:
        body = _get(store, self._lease_key)
        if body is None:
            return None
        return decode_record(LeaseRecord, body, where=f"{store.url}/{self._lease_key}")

    def _swap_one(
        self, store: ObjectStore, body: bytes, may_replace: Callable[[LeaseRecord], bool]
    ) -> bool:
        version = ""
        if store.head(self._lease_key) is not None:
            held = store.get(self._lease_key)
            version = held.info.version
            where = f"{store.url}/{self._lease_key}"
            if not may_replace(decode_record(LeaseRecord, held.body, where=where)):
                return False
        try:
            store.put(self._lease_key, body, if_version=version)
        except (AlreadyExistsError, PreconditionError):
            return False
        return True

    @property
    def _lease_key(self) -> str:
        return f"{self._prefix}/lease.json"


def _get(store: ObjectStore, key: str) -> bytes | None:
    try:
        return store.get(key).body
    except NotFoundError:
        return None


def _put_new(store: ObjectStore, key: str, body: bytes) -> bool:
    """Create, or find that these very bytes are there: a retry is no conflict."""
    try:
        store.put(key, body, if_version="")
    except (AlreadyExistsError, PreconditionError):
        return _get(store, key) == body
    return True


def _put_if_newer(store: ObjectStore, key: str, body: bytes, record: Head | Routes) -> bool:
    """Replace an older epoch; refuse to replace a newer one, or other bytes of the same epoch."""
    try:
        held = store.get(key)
    except NotFoundError:
        return _put_new(store, key, body)
    stored = decode_record(type(record), held.body, where=f"{store.url}/{key}")
    if stored.epoch >= record.epoch:
        return held.body == body
    try:
        store.put(key, body, if_version=held.info.version)
    except (AlreadyExistsError, PreconditionError):
        return _get(store, key) == body
    return True


def _numbers(keys: Iterable[str]) -> set[int]:
    return {int(match[1]) for match in map(_RELEASE_KEY.search, keys) if match}
