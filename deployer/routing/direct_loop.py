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
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["DirectLoop", "make_loop"]


def make_loop() -> asyncio.AbstractEventLoop:
    """Return a loop; where there is no epoll, asyncio's own."""
    return DirectLoop() if hasattr(select, "epoll") else asyncio.new_event_loop()


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


class _DirectSelector(selectors.BaseSelector):
    """asyncio's selector, and the callbacks of what is watched beside it."""

    def __init__(self) -> None:
        self._others = selectors.EpollSelector()
        self._others_fd = self._others.fileno()
        self._epoll = select.epoll()
        self._epoll.register(self._others_fd, select.EPOLLIN)
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
            elif fd == self._others_fd:
                others = self._others.select(0)
        return others

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._others.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._others.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._others.modify(fileobj, events, data)

    def get_key(self, fileobj: Any) -> selectors.SelectorKey:
        return self._others.get_key(fileobj)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._others.get_map()

    def close(self) -> None:
        self._callbacks.clear()
        self._epoll.close()
        self._others.close()
