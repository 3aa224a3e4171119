"""What Google Cloud and its SDK say, in our words."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from deployer.errors import (
    AccessDeniedError,
    AlreadyExistsError,
    DeployerError,
    IntegrityError,
    NotFoundError,
    PreconditionError,
    ProviderError,
    QuotaError,
    SetupError,
    TransientError,
)
from deployer.providers.translation import (
    Kind,
    bucket_of,
    build_error,
    class_of,
    find_lister,
    list_classes,
    seconds_of,
)

__all__ = ["CLASSES", "missing_bucket", "raise_for_answer", "translated"]

CLASSES: Mapping[str, Kind] = {
    **list_classes(
        "google.api_core.exceptions",
        ProviderError,
        "DuplicateCredentialArgs Redirection BadRequest MethodNotAllowed Conflict LengthRequired "
        "Cancelled MethodNotImplemented "
        "AsyncRestUnsupportedParameterError ResumableTransferError",
    ),
    **list_classes("google.api_core.exceptions", AccessDeniedError, "Unauthorized Forbidden"),
    **list_classes("google.api_core.exceptions", NotFoundError, "NotFound"),
    **list_classes("google.api_core.exceptions", AlreadyExistsError, "AlreadyExists"),
    **list_classes("google.api_core.exceptions", PreconditionError, "PreconditionFailed"),
    **list_classes(
        "google.api_core.exceptions",
        TransientError,
        "RetryError Aborted TooManyRequests ServerError TransferStalledError "
        "MissingStatusHeaderError",
    ),
    **list_classes(
        "google.api_core.exceptions", IntegrityError, "DataLoss RequestRangeNotSatisfiable"
    ),
    **list_classes(
        "google.auth.exceptions",
        SetupError,
        "RefreshError UserAccessTokenError DefaultCredentialsError MutualTLSChannelError "
        "ClientCertError OAuthError",
    ),
    **list_classes(
        "google.auth.exceptions", TransientError, "TransportError TimeoutError ResponseError"
    ),
    **list_classes("google.cloud.storage.exceptions", IntegrityError, "DataCorruption"),
    **list_classes("google.cloud.storage.exceptions", ProviderError, "InvalidPathError"),
    **list_classes("google.cloud.storage.exceptions", TransientError, "InvalidResponse"),
    **list_classes(
        "requests.exceptions",
        TransientError,
        "ConnectionError Timeout ChunkedEncodingError ContentDecodingError RetryError "
        "JSONDecodeError",
    ),
    **list_classes("requests.exceptions", SetupError, "SSLError ProxyError"),
    **list_classes(
        "requests.exceptions",
        ProviderError,
        "HTTPError TooManyRedirects StreamConsumedError UnrewindableBodyError InvalidJSONError",
    ),
    **list_classes(
        "requests.exceptions",
        SetupError,
        "URLRequired MissingSchema InvalidSchema InvalidURL InvalidHeader InvalidProxyURL",
    ),
}
"""By exception class, its nearest ancestor named here counting."""

_QUOTA_REASONS = {"quotaExceeded", "dailyLimitExceeded", "storageQuotaExceeded"}

_DAMAGED = {"BadDigest", "InvalidDigest", "ContentHashMismatch"}
_REPLACED = "InvalidPart"
"""A part that was sent is there no more as it was: what S3's error of this name is to us, too."""
_XML_CODE = re.compile(r"<Code>(\w+)</Code>")

_CLOCK = "Set this machine's clock, should it be wrong."
_LOGIN = (
    "Log in with `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS."
)


@contextmanager
def translated(operation: str, resource: str, *, needs: str | None = None) -> Iterator[None]:
    """Raise what the SDK raises inside as one of our errors.

    Args:
        resource: A store's URL, or what else is worked on.
        needs: The permissions it takes; those on a store's bucket when left out.
    """
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError
    from google.cloud.storage.exceptions import DataCorruption, InvalidPathError, InvalidResponse
    from requests.exceptions import RequestException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except (
        GoogleAPIError,
        GoogleAuthError,
        DataCorruption,
        InvalidPathError,
        InvalidResponse,
        RequestException,
    ) as error:
        raise _translate(error, operation, resource, needs) from error
    except HTTPError as error:  # of a body that is read after its answer
        why = f"the connection broke: {error}"
        raise build_error(TransientError, why, operation=operation, resource=resource) from error
    except ConnectionError as error:
        why = f"the connection broke: {error.strerror or type(error).__name__}"
        raise build_error(TransientError, why, operation=operation, resource=resource) from error


def missing_bucket(resource: str) -> SetupError:
    """Return the error for a bucket that does not exist; ``resource`` is the store's URL."""
    bucket = bucket_of(resource)
    return SetupError(
        f"there is no bucket {bucket}",
        hint=f"Create it: gcloud storage buckets create gs://{bucket}",
    )


def raise_for_answer(answer: Any) -> None:
    """Raise what the SDK raises for an answer that is none of success; the XML API's included.

    Raises:
        IntegrityError: The bytes arrived damaged: BadDigest of the XML API.
    """
    from google.api_core import exceptions

    if answer.ok:
        return
    code = _xml_code(answer)
    if code in _DAMAGED:
        raise IntegrityError(f"the service says that the bytes arrived damaged: {code}")
    if code == _REPLACED:
        raise exceptions.NotFound(code, response=answer)  # type: ignore[no-untyped-call]
    if code:
        raise exceptions.from_http_status(answer.status_code, code, response=answer)  # type: ignore[no-untyped-call]
    raise exceptions.from_http_response(answer)  # type: ignore[no-untyped-call]


def _xml_code(answer: Any) -> str:
    if "xml" not in answer.headers.get("Content-Type", ""):
        return ""
    found = _XML_CODE.search(answer.text)
    return found[1] if found else ""


def _translate(error: Exception, operation: str, resource: str, needs: str | None) -> DeployerError:
    kind = _kind(error)
    status = int(getattr(error, "code", None) or 0)
    return build_error(
        kind,
        _why(error),
        operation=operation,
        resource=resource,
        hint=_hint(kind, resource, error, needs or _lister(operation, resource)),
        retry_after_seconds=_retry_after(error),
        status=status,
    )


def _kind(error: Exception) -> Kind:
    reasons = {detail.get("reason") for detail in getattr(error, "errors", None) or ()}
    if reasons & _QUOTA_REASONS:
        return QuotaError
    if getattr(error, "retryable", False):
        return TransientError
    return class_of(error, CLASSES) or ProviderError


def _why(error: Exception) -> str:
    """Return the service's own sentence; an exception's text would hold the URL and more."""
    details = [str(detail.get("message", "")) for detail in getattr(error, "errors", None) or ()]
    code = getattr(error, "code", None)
    if details and details[0]:
        return details[0]
    if code is not None:
        return f"{getattr(code, 'value', code)} {type(error).__name__}"
    return f"{type(error).__name__}: {error}"


def _retry_after(error: Exception) -> float | None:
    response: Any = getattr(error, "response", None)
    return seconds_of(response.headers.get("Retry-After")) if response is not None else None


_LISTERS = {
    "list": "storage.objects.list (roles/storage.objectAdmin has it)",
    "list uploads of": "storage.multipartUploads.list (roles/storage.objectAdmin has it)",
}


def _lister(operation: str, resource: str) -> str | None:
    return find_lister(operation, resource, _LISTERS) if resource.startswith("gs://") else None


def _hint(kind: Kind, resource: str, error: Exception, needs: str | None) -> str | None:
    if kind is AccessDeniedError and needs is not None:
        return f"The identity needs {needs}. {_LOGIN}"
    if kind is AccessDeniedError:
        return f"The identity needs roles/storage.objectAdmin on {bucket_of(resource)}. {_LOGIN}"
    if kind is SetupError and type(error).__module__.startswith("google.auth"):
        late = "Invalid JWT" in str(error)
        return f"{_CLOCK} {_LOGIN}" if late else _LOGIN
    return None
