"""An event loop whose connections are told at once what they have to read.

asyncio makes a handle for each thing that is ready and runs it in its context later; for a proxy
that is a tenth of a request. Here a connection's callback is called where the kernel's answer is
read. Everything else (timers, tasks, TLS, signals) is asyncio's as ever, in an epoll of its own
that is one more descriptor of this one (man 7 epoll).
"""

import asyncio
import math
import select
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

__all__ = ["DirectLoop", "make_loop", "run_main"]


T = TypeVar("T")


def make_loop() -> asyncio.AbstractEventLoop:
    """Return a loop; where there is no epoll, asyncio's own."""
    return DirectLoop() if hasattr(select, "epoll") else asyncio.new_event_loop()


def run_main(main: Coroutine[Any, Any, T]) -> T:
    """Run ``main`` as `asyncio.run` does, on such a loop."""
    with asyncio.Runner(loop_factory=make_loop) as runner:
        return runner.run(main)


class DirectLoop(asyncio.SelectorEventLoop):
    """See the module."""

    def __init__(self) -> None:
        self._direct = _DirectSelector()
        super().__init__(self._direct)

    def watch(self, fd: int, callback: Callable[[], None]) -> None:
        """Call back, which must not raise, whenever there is something to read, or a failure."""
        self._direct.watch(fd, callback)

    def unwatch(self, fd: int) -> None:
        """Call back no more; to be said before the descriptor is closed."""
        self._direct.unwatch(fd)


class _DirectSelector(selectors.DefaultSelector):
    """asyncio's selector, by epoll wherever this is made, and callbacks of what is watched."""

    def __init__(self) -> None:
        super().__init__()
        self._own_fd = self.fileno()
        self._epoll = select.epoll()
        self._epoll.register(self._own_fd, select.EPOLLIN)
        self._callbacks: dict[int, Callable[[], None]] = {}

    def watch(self, fd: int, callback: Callable[[], None]) -> None:
        self._epoll.register(fd, select.EPOLLIN)
        self._callbacks[fd] = callback

    def unwatch(self, fd: int) -> None:
        if self._callbacks.pop(fd, None) is not None:
            self._epoll.unregister(fd)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        seconds = -1.0 if timeout is None else math.ceil(max(timeout, 0.0) * 1e3) * 1e-3
        others = list[tuple[selectors.SelectorKey, int]]()
        callbacks = self._callbacks
        for fd, _ in self._epoll.poll(seconds):
            callback = callbacks.get(fd)
            if callback is not None:
                callback()
            elif fd == self._own_fd:
                others = super().select(0)
        return others

    def close(self) -> None:
        self._callbacks.clear()
        self._epoll.close()
        super().close()
