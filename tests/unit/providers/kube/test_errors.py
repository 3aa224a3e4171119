import json
from typing import Any

import pytest
import urllib3
from kubernetes.client import exceptions
from kubernetes.config.config_exception import ConfigException

from deployer.errors import (
    AccessDeniedError,
    AlreadyExistsError,
    DeployerError,
    NotFoundError,
    PreconditionError,
    ProviderError,
    QuotaError,
    SetupError,
    TransientError,
)
from deployer.providers.kube.errors import MAX_TEXT, GoneError, translate_errors, translate_status


def answer(reason: str = "", message: str = "", *causes: dict[str, str]) -> bytes:
    status = {"kind": "Status", "reason": reason, "message": message}
    return json.dumps({**status, "details": {"causes": list(causes)}}).encode()


def translate(
    status: int, body: bytes = b"", headers: dict[str, str] | None = None
) -> ProviderError:
    return translate_status(status, body, headers or {}, operation="apply", resource="Service/a")


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (401, b"", AccessDeniedError),
        (403, answer("Forbidden", "user cannot get"), AccessDeniedError),
        (403, answer("Forbidden", "exceeded quota: gpus"), QuotaError),
        (403, answer("Forbidden", "", {"reason": "NamespaceTerminating"}), TransientError),
        (404, answer("NotFound"), NotFoundError),
        (409, answer("AlreadyExists"), AlreadyExistsError),
        (409, answer("Conflict"), PreconditionError),
        (410, answer("Expired"), GoneError),
        (422, answer("Invalid"), ProviderError),
        (429, answer("TooManyRequests"), TransientError),
        (500, answer("InternalError", "failed calling webhook"), TransientError),
        (500, answer("", "failed to create typed patch object (a): .x"), ProviderError),
        (503, b"<html>", TransientError),
    ],
)
def test_every_answer_has_its_class(
    status: int, body: bytes, expected: type[ProviderError]
) -> None:
    assert type(translate(status, body)) is expected


def test_a_conflict_names_object_field_and_owner() -> None:
    cause = {
        "reason": "FieldManagerConflict",
        "field": ".spec.replicas",
        "message": 'conflict with "kubectl"',
    }
    message = translate(409, answer("Conflict", "Apply failed", cause)).message
    assert "Service/a" in message
    assert 'field spec.replicas is owned by "kubectl"' in message


def test_the_servers_own_advice_on_waiting_is_kept() -> None:
    error = translate(429, b"", {"Retry-After": "7"})
    assert isinstance(error, TransientError)
    assert error.retry_after_seconds == 7


def test_bodies_that_are_no_status_are_never_passed_on() -> None:
    assert "secret" not in translate(500, b"secret token").message
    assert len(translate(422, answer("Invalid", "x" * 9999)).message) < MAX_TEXT + 100


def _classes(root: type[BaseException]) -> list[type[BaseException]]:
    return [root, *(c for child in root.__subclasses__() for c in _classes(child))]


@pytest.mark.parametrize("kind", _classes(exceptions.OpenApiException))
def test_every_exception_of_the_client_is_mapped(kind: type[Exception]) -> None:
    error = kind.__new__(kind)
    Exception.__init__(error, "boom")
    fields: dict[str, Any] = {"status": 500, "reason": "", "body": None, "headers": None}
    for key, value in fields.items():
        setattr(error, key, value)
    with pytest.raises(DeployerError), translate_errors("get", "Service/a"):
        raise error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ConfigException("no such context"), SetupError),
        (urllib3.exceptions.SSLError("self-signed"), SetupError),
        (urllib3.exceptions.MaxRetryError(None, "/", urllib3.exceptions.SSLError("x")), SetupError),  # type: ignore[arg-type]
        (urllib3.exceptions.ProtocolError("reset"), TransientError),
        (urllib3.exceptions.ReadTimeoutError(None, "/", "slow"), TransientError),  # type: ignore[arg-type]
        (FileNotFoundError("/no/such/ca.crt"), ProviderError),
    ],
)
def test_what_goes_wrong_below_the_api_is_mapped(
    error: Exception, expected: type[DeployerError]
) -> None:
    with pytest.raises(expected) as raised, translate_errors("get", "Service/a"):
        raise error
    assert raised.value.__cause__ is error
