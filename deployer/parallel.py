"""The same question to several targets at once, each with its own time: none waits for another."""

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from typing import TypeVar

from deployer.errors import DeployerError, TransientError

__all__ = ["ask_each"]

T = TypeVar("T")


def ask_each(
    calls: Mapping[str, Callable[[], T]],
    *,
    timeout_seconds: float | Mapping[str, float],
    what: str,
) -> dict[str, T | DeployerError]:
    """Run every call on a thread of its own; return its value or its error, by name, in order.

    A call that takes longer than its ``timeout_seconds`` (real time) stands as a
    `TransientError`; its thread is left behind and cannot keep the program alive. Errors that are
    not ours are raised: they are defects.
    """
    futures = _start_all(calls)
    started = time.monotonic()
    answers: dict[str, T | DeployerError] = {}
    for name, future in futures.items():
        seconds = timeout_seconds[name] if isinstance(timeout_seconds, Mapping) else timeout_seconds
        wait([future], timeout=max(0.0, started + seconds - time.monotonic()))
        error = _error_of(name, future, seconds, what)
        answers[name] = future.result() if error is None else error
    return answers


def _start_all(calls: Mapping[str, Callable[[], T]]) -> "dict[str, Future[T]]":
    return {name: _start(name, call) for name, call in calls.items()}


def _start(name: str, call: Callable[[], T]) -> "Future[T]":
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001 - handed to the caller, who raises it
            future.set_exception(error)

    threading.Thread(target=run, name=name, daemon=True).start()
    return future


def _error_of(name: str, future: "Future[T]", seconds: float, what: str) -> DeployerError | None:
    if not future.done():
        return TransientError(
            f"{name} did not answer in {seconds:g} s", operation=what, resource=name
        )
    error = future.exception()
    if error is None or isinstance(error, DeployerError):
        return error
    raise error
