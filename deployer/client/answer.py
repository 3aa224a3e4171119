"""What comes back: a backend's answer, or why there is none."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deployer.errors import NoHealthyTargetError, ProviderError

__all__ = ["Answer", "check_answer"]

_TARGET = "x-deployer-target"


@dataclass(frozen=True, slots=True)
class Answer:
    """A backend's whole answer, whatever its status.

    Attributes:
        headers: By lower-case names.
        target: The backend it is from, ``<target>/<release>``.
        attempts: How many it took, this one included.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    target: str
    attempts: int

    def to_json(self) -> Any:
        """Return the body as JSON.

        Raises:
            ValueError: It is none.
        """
        return json.loads(self.body)


def check_answer(
    status: int, headers: Mapping[str, str], body: bytes, *, path: str, sent: bool
) -> Answer:
    """Return a backend's answer.

    Args:
        sent: Whether any of the request left this program.

    Raises:
        NoHealthyTargetError: Nothing could take the request; it was executed nowhere.
        ProviderError: It was sent, and no answer came; it may have been executed.
    """
    if _TARGET in headers:
        attempts = int(headers["x-deployer-attempts"])
        return Answer(status, headers, body, headers[_TARGET], attempts)
    said = json.loads(body)
    if not sent:
        raise NoHealthyTargetError(f"{path}: {said['error']}", attempts=said["attempts"])
    raise ProviderError(
        f"{path}: {said['error']}: {'; '.join(said['attempts'])}",
        operation="send",
        resource=path,
        hint="It may have been executed. What is idempotent is sent elsewhere instead.",
    )
