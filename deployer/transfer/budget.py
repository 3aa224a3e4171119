"""One limit on the bytes that all transfers of a process hold in memory."""

import threading

__all__ = ["PROCESS_BUDGET", "Budget"]


class Budget:
    """Bytes that may be held at once; who wants more waits until others let go."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._used = 0
        self._condition = threading.Condition()

    @property
    def used(self) -> int:
        """The bytes that are held."""
        return self._used

    def acquire(self, count: int, *, timeout_seconds: float | None = None) -> bool:
        """Take ``count`` bytes; False when there was no room within the time.

        What is larger than the whole budget gets through alone: it could never otherwise.
        """
        with self._condition:
            free = self._condition.wait_for(
                lambda: not self._used or self._used + count <= self._size, timeout_seconds
            )
            if free:
                self._used += count
            return free

    def release(self, count: int) -> None:
        """Give ``count`` bytes back."""
        with self._condition:
            self._used -= count
            self._condition.notify_all()


PROCESS_BUDGET = Budget(256 << 20)
"""What every transfer of this process shares unless it is given another."""
