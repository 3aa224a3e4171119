"""Whether a store does all that a deploy asks of it: tried on an object of its own name."""

import uuid
from collections.abc import Callable

from deployer.errors import DeployerError, TransientError
from deployer.ports import Clock, Finding, ObjectStore, Severity
from deployer.retry import Backoff, retry_transient

__all__ = ["check_store"]

_FOLDER = "deployer/.doctor"
_SECONDS = 5.0


def check_store(store: ObjectStore, clock: Clock) -> list[Finding]:
    """Write an object, read it, list it and delete it; say what of it could not be done.

    Raises:
        SetupError, TransientError: The store cannot be reached at all.
    """
    key, body = f"{_FOLDER}/{uuid.uuid4().hex}", b"deployer doctor was here"
    store.head(key)
    steps: dict[str, Callable[[], object]] = {
        "write": lambda: store.put(key, body, if_version=""),
        "read": lambda: store.get(key),
        "list": lambda: next(store.list(_FOLDER), None),
        "delete": lambda: store.delete(key),
    }
    refused = {name: error for name, step in steps.items() if (error := _try(step, clock))}
    if not refused:
        words = f"{store.url} can be written, read, listed and cleaned"
        return [Finding("store", Severity.OK, words)]
    return [
        Finding("store", Severity.ERROR, f"cannot {name}: {error.message}", error.hint or "")
        for name, error in refused.items()
    ]


def _try(step: Callable[[], object], clock: Clock) -> DeployerError | None:
    try:
        retry_transient(step, clock=clock, backoff=Backoff(budget_seconds=_SECONDS))
    except TransientError:
        raise
    except DeployerError as error:
        return error
    return None
