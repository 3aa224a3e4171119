"""Notices into a file, one JSON line each: for one machine, and for tests."""

import json
import os
from dataclasses import asdict
from pathlib import Path

from deployer.errors import SetupError
from deployer.ports import Notice

__all__ = ["Outbox"]


class Outbox:
    """See `Notifier`. A line is appended in one write, so that two programs never mix theirs."""

    def __init__(self, channel: str, file: Path) -> None:
        self._channel = channel
        self._file = file

    @property
    def channel(self) -> str:
        """See `Notifier.channel`."""
        return self._channel

    def send(self, notice: Notice) -> None:
        """See `Notifier.send`."""
        fields = asdict(notice) | {"at": notice.at.isoformat(), "facts": dict(notice.facts)}
        line = (json.dumps(fields, ensure_ascii=False) + "\n").encode()
        try:
            handle = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                os.write(handle, line)
            finally:
                os.close(handle)
        except OSError as error:
            raise SetupError(f"notices cannot be kept in {self._file}: {error.strerror}") from error
