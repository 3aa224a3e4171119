"""From what the API server and its client say to our errors: the one place that knows both."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from deployer.errors import (
    AccessDeniedError,
    AlreadyExistsError,
    FieldConflictError,
    NotFoundError,
    PreconditionError,
    ProviderError,
    QuotaError,
    SetupError,
    TransientError,
)
from deployer.ports import FieldOwner

__all__ = ["MAX_TEXT", "GoneError", "read_conflicts", "translate_errors", "translate_status"]

MAX_TEXT = 400
"""Characters of a server's own message that are passed on."""

_SERVER_ERROR = 500
_LOGIN = "The cluster does not know this login. Log in again; `deployer doctor` checks it."
_BAD_SCHEMA = "failed to create typed patch object"  # a field that does not exist, said with a 500


class GoneError(TransientError):
    """The version to go on from is one that the server has forgotten: read the list again."""


def translate_status(
    status: int, body: bytes, headers: Mapping[str, str], *, operation: str, resource: str
) -> ProviderError:
    """Return our error for an answer that is not 2xx; only the Status' message is passed on."""
    answer = _read_status(body)
    text = str(answer.get("message") or "")[:MAX_TEXT] or f"HTTP {status}"
    kind = _class_of(status, answer)
    message = f"{operation} {resource}: {text}"
    if issubclass(kind, TransientError):
        return kind(
            message,
            operation=operation,
            resource=resource,
            hint=_hint(status, text),
            retry_after_seconds=_retry_after(headers),
        )
    if owners := _owners(answer):
        message = f"{operation} {resource}: " + "; ".join(f"field {owner}" for owner in owners)
        message, kind = message[:MAX_TEXT], FieldConflictError
    hint = _hint(status, str(answer.get("message") or ""))
    return kind(message, operation=operation, resource=resource, hint=hint)


def read_conflicts(body: bytes) -> tuple[FieldOwner, ...]:
    """Return the fields that other managers own, when that is what the answer says."""
    return _owners(_read_status(body))


@contextmanager
def translate_errors(operation: str, resource: str) -> Iterator[None]:
    """Turn what the client and its HTTP library raise into our errors."""
    from kubernetes.client.exceptions import ApiException, OpenApiException
    from kubernetes.config.config_exception import ConfigException
    from urllib3.exceptions import HTTPError, MaxRetryError, SSLError

    try:
        yield
    except ApiException as error:
        if not error.status:  # the client's word for a failed handshake
            raise _untrusted(error.reason) from error
        body = error.body.encode() if isinstance(error.body, str) else b""
        raise translate_status(
            int(error.status),
            body,
            error.headers or {},
            operation=operation,
            resource=resource,
        ) from error
    except ConfigException as error:
        raise SetupError(
            f"no way to reach the cluster: {str(error)[:MAX_TEXT]}",
            hint="Check the kubeconfig and its context with `kubectl config get-contexts`.",
        ) from error
    except HTTPError as error:
        reason = error.reason if isinstance(error, MaxRetryError) else error
        if isinstance(reason, SSLError):
            raise _untrusted(reason) from error
        raise TransientError(
            f"{operation} {resource}: the API server did not answer ({type(reason).__name__})",
            operation=operation,
            resource=resource,
        ) from error
    except (OpenApiException, OSError) as error:
        raise ProviderError(
            f"{operation} {resource}: {type(error).__name__}: {str(error)[:MAX_TEXT]}",
            operation=operation,
            resource=resource,
        ) from error


def _untrusted(reason: object) -> SetupError:
    words = " ".join(str(reason).split())
    return SetupError(
        f"the cluster's certificate is not trusted: {words[:MAX_TEXT]}",
        hint="Check certificate-authority-data in the kubeconfig.",
    )


def _class_of(status: int, answer: Mapping[str, Any]) -> type[ProviderError]:
    if status == HTTPStatus.FORBIDDEN:
        return _class_of_forbidden(answer)
    if status == HTTPStatus.CONFLICT and answer.get("reason") == "AlreadyExists":
        return AlreadyExistsError
    if status == _SERVER_ERROR and _BAD_SCHEMA in str(answer.get("message", "")):
        return ProviderError
    table: dict[int, type[ProviderError]] = {
        401: AccessDeniedError,
        404: NotFoundError,
        408: TransientError,
        409: PreconditionError,
        410: GoneError,
        429: TransientError,
    }
    fallback = TransientError if status >= _SERVER_ERROR else ProviderError
    return table.get(status, fallback)


_HINTS = (
    (
        "field is immutable",
        (
            "This field of a live object can never change. Give the object another "
            "name, or delete it first: kubectl delete, then the same command."
        ),
    ),
    (
        "exceeded quota",
        "Free some of the namespace's quota, or have it raised: `kubectl describe resourcequota`.",
    ),
    (
        "is being terminated",
        (
            "The namespace is being deleted: wait until it is gone, or name another "
            "one. `kubectl get namespace -o yaml` shows what holds it."
        ),
    ),
    (
        "failed calling webhook",
        (
            "An admission webhook of the cluster did not answer. See its service "
            "with `kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations`."
        ),
    ),
    (
        "denied the request",
        "A rule of the cluster refuses this object: change the object, or ask who runs the rule.",
    ),
    (
        "denied request",
        "A rule of the cluster refuses this object: change the object, or ask who runs the rule.",
    ),
)


def _hint(status: int, text: str) -> str | None:
    """Return what to do about it, for the refusals that have one answer."""
    for words, hint in _HINTS:
        if words in text:
            return hint
    if status == HTTPStatus.UNAUTHORIZED:
        return _LOGIN
    if status == HTTPStatus.FORBIDDEN:
        return "Ask for a Role that allows this; `kubectl auth can-i --list` shows what you may."
    return None


def _class_of_forbidden(answer: Mapping[str, Any]) -> type[ProviderError]:
    """403 is also said of a full quota, a namespace that is going away, and by webhooks."""
    causes = {cause.get("reason") for cause in _causes(answer)}
    if "NamespaceTerminating" in causes:
        return TransientError
    text = str(answer.get("message", ""))
    if "exceeded quota" in text:
        return QuotaError
    return ProviderError if "denied the request" in text else AccessDeniedError


_OWNER = re.compile(r'conflict with "(?P<manager>[^"]*)"(?: with subresource "(?P<sub>[^"]*)")?')


def _owners(answer: Mapping[str, Any]) -> tuple[FieldOwner, ...]:
    """Read causes such as ``.spec.replicas``, ``conflict with "kubectl" using apps/v1``."""
    return tuple(
        FieldOwner(str(cause.get("field")).lstrip("."), found["manager"], found["sub"] or "")
        for cause in _causes(answer)
        if cause.get("reason") == "FieldManagerConflict"
        and (found := _OWNER.search(str(cause.get("message"))))
    )


def _causes(answer: Mapping[str, Any]) -> list[Any]:
    return list((answer.get("details") or {}).get("causes") or ())


def _read_status(body: bytes) -> Mapping[str, Any]:
    try:
        answer = json.loads(body)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) and answer.get("kind") == "Status" else {}


def _retry_after(headers: Mapping[str, str]) -> float | None:
    value = headers.get("Retry-After", "")
    return float(value) if value.isdigit() else None
