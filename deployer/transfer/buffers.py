"""Memory that is read into again and again: fresh memory costs as much as reading into it."""

import mmap
import threading

__all__ = ["Buffers"]


class Buffers:
    """Buffers that were let go of, for the next chunk. Safe to use from many threads.

    Holds no more than was in use at once, which the budget limits. They begin where a page does:
    AMD's processors copy three times as slowly to 16 bytes behind it, where malloc begins.
    """

    def __init__(self) -> None:
        self._free: list[mmap.mmap] = []
        self._lock = threading.Lock()

    def take(self, size: int, length: int) -> memoryview:
        """Return ``size`` bytes to write into, of a buffer of ``length``."""
        with self._lock:
            buffer = self._free.pop() if self._free else None
        if buffer is None or len(buffer) != length:
            buffer = mmap.mmap(-1, length)
        return memoryview(buffer)[:size]

    def give(self, view: memoryview) -> None:
        """Take back what `take` returned: nobody looks at it any more."""
        if isinstance(view.obj, mmap.mmap):
            with self._lock:
                self._free.append(view.obj)
