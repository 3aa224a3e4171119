"""Several stores as one: an operation counts when a majority has done it (design §6).

Each store has a thread of its own, so writes reach it in order and a slow store delays nobody
(G9). A store that failed is not asked again for a few seconds: a dead cloud costs one time-out, not
one per operation.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Generic, TypeVar

from deployer.errors import AccessDeniedError, DeployerError, SetupError, StateError, TransientError
from deployer.ports import Clock, ObjectStore

__all__ = ["Answer", "Quorum"]

T = TypeVar("T")

_REST_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What one store said: a value, or the error that stands for it."""

    store: ObjectStore
    value: T | None = None
    error: DeployerError | None = None


class Quorum:
    """Runs operations on all stores at once and returns when a majority has answered."""

    def __init__(self, stores: Sequence[ObjectStore], clock: Clock) -> None:
        if not stores:
            raise ValueError("a quorum needs at least one store")
        self._lanes = [_Lane(store, clock) for store in stores]
        self.majority = len(stores) // 2 + 1

    def ask(self, operation: Callable[[ObjectStore], T], *, what: str) -> list[Answer[T]]:
        """Run ``operation`` on every store; return once a majority succeeded, with their answers.

        Errors of the others that are in by then are among the answers. Stores that have not
        answered yet go on by themselves: a write still reaches them, in order.

        Raises:
            StateError: A majority cannot be had any more; names each store and its reason.
            SetupError: The same, and nothing but logins or buckets is missing.
        """
        answers = self._collect(operation, self._decided)
        if sum(answer.error is None for answer in answers) < self.majority:
            raise self._too_few(answers, what)
        return answers

    def ask_all(
        self, operation: Callable[[ObjectStore], T], *, what: str | None = None
    ) -> list[Answer[T]]:
        """Run ``operation`` on every store and wait for every answer, errors included.

        With ``what``, a majority must have succeeded, as in `ask`.
        """
        answers = self._collect(operation, lambda _answers, _pending: False)
        if what is not None and sum(answer.error is None for answer in answers) < self.majority:
            raise self._too_few(answers, what)
        return answers

    def survey(
        self, operation: Callable[[ObjectStore], T], *, timeout_seconds: float
    ) -> list[Answer[T]]:
        """Run ``operation`` on every store; one that is silent after the time is an error.

        Needs no majority, and waits real time: it is asked how the stores do.
        """
        asked = [(lane, lane.submit(operation)) for lane in self._lanes]
        wait([future for _, future in asked], timeout=timeout_seconds)
        return [
            future.result() if future.done() else lane.stand_in(timeout_seconds)
            for lane, future in asked
        ]

    def vote(self, operation: Callable[[ObjectStore], bool]) -> bool:
        """Run ``operation`` on every store; return whether a majority said yes, once it is settled.

        A store that does not answer holds nobody up who has a majority without it; it is still
        asked, in order, and an error counts as a no.
        """
        pending = {lane.submit(operation) for lane in self._lanes}
        yes = 0
        while yes < self.majority <= yes + len(pending):
            finished, pending = wait(pending, return_when=FIRST_COMPLETED)
            yes += sum(bool(future.result().value) for future in finished)
        return yes >= self.majority

    def _too_few(self, answers: Sequence[Answer[T]], what: str) -> DeployerError:
        errors = [answer.error for answer in answers if answer.error is not None]
        message = (  # of those that are not among them nothing is known
            f"{what}: {len(errors)} of {len(self._lanes)} state stores failed, "
            f"{self.majority} must answer: {_reasons(answers)}"
        )
        if all(isinstance(error, SetupError | AccessDeniedError) for error in errors):
            hints = dict.fromkeys(error.hint for error in errors if error.hint)
            return SetupError(message, hint="\n".join(hints) or None)
        return StateError(
            message,
            hint="The state lives in the targets' own stores; it needs a majority of them. "
            "Check the network and the logins, then run the same command again.",
        )

    def _decided(self, answers: Sequence[Answer[T]], pending: int) -> bool:
        good = sum(answer.error is None for answer in answers)
        return good >= self.majority or good + pending < self.majority

    def _collect(
        self,
        operation: Callable[[ObjectStore], T],
        enough: Callable[[Sequence[Answer[T]], int], bool],
    ) -> list[Answer[T]]:
        pending = {lane.submit(operation) for lane in self._lanes}
        answers: list[Answer[T]] = []
        while pending:
            finished, pending = wait(pending, return_when=FIRST_COMPLETED)
            answers += [future.result() for future in finished]
            if enough(answers, len(pending)):
                break
        return answers


class _Lane:
    """One store's thread: a daemon, so that a store that hangs cannot keep the program alive."""

    def __init__(self, store: ObjectStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._queue: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._tripped: tuple[float, DeployerError] | None = None
        self._started = False
        self._lock = threading.Lock()

    def submit(self, operation: Callable[[ObjectStore], T]) -> "Future[Answer[T]]":
        future: Future[Answer[T]] = Future()
        self._queue.put(lambda: self._run(operation, future))
        with self._lock:
            if not self._started:
                self._started = True
                threading.Thread(
                    target=self._serve, name=f"state {self._store.url}", daemon=True
                ).start()
        return future

    def stand_in(self, seconds: float) -> "Answer[T]":
        """Return the answer of a store that has given none."""
        text = f"no answer in {seconds:g} s"
        error = TransientError(text, operation="survey", resource=self._store.url)
        return Answer(self._store, error=error)

    def _serve(self) -> None:
        while True:
            self._queue.get()()

    def _run(self, operation: Callable[[ObjectStore], T], future: "Future[Answer[T]]") -> None:
        try:
            future.set_result(self._answer(operation))
        except BaseException as error:  # noqa: BLE001 - handed to the caller, who raises it
            future.set_exception(error)

    def _answer(self, operation: Callable[[ObjectStore], T]) -> Answer[T]:
        if self._tripped and self._clock.monotonic() < self._tripped[0]:
            return Answer(self._store, error=self._tripped[1])
        try:
            value = operation(self._store)
        except DeployerError as error:
            if isinstance(error, TransientError | SetupError):
                self._tripped = (self._clock.monotonic() + _REST_SECONDS, error)
            return Answer(self._store, error=error)
        self._tripped = None
        return Answer(self._store, value)


def _reasons(answers: Sequence[Answer[T]]) -> str:
    return "; ".join(
        f"{answer.store.url}: {answer.error.message}" for answer in answers if answer.error
    )
