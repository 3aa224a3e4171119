"""Who looks on as one request passes: a copy for the shadow, a check of the answer, or both."""

from collections.abc import Sequence

from deployer.routing.answer_check import AnswerWatch
from deployer.routing.shadow import Copy

__all__ = ["Onlookers"]


class Onlookers:
    """See `Onlooker`."""

    __slots__ = ("_copy", "_watch")

    def __init__(self, copy: Copy | None, watch: AnswerWatch | None) -> None:
        self._copy = copy
        self._watch = watch

    def on_body(self, data: bytes) -> None:
        """See `Onlooker.on_body`."""
        if self._copy is not None:
            self._copy.add(data)

    def on_body_end(self) -> None:
        """See `Onlooker.on_body_end`."""
        if self._copy is not None:
            self._copy.finish()

    def on_answer(self, status: int, chunks: Sequence[bytes]) -> None:
        """See `Onlooker.on_answer`."""
        if self._watch is not None:
            self._watch.see(status, chunks)

    def find_fault(self) -> str:
        """See `Onlooker.find_fault`."""
        return self._watch.find_fault() if self._watch is not None else ""

    def on_end(self) -> None:
        """See `Onlooker.on_end`."""
        if self._copy is not None:
            self._copy.drop()
