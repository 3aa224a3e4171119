"""What Azure and its SDK say, in our words."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from deployer.errors import (
    AccessDeniedError,
    AlreadyExistsError,
    DeployerError,
    ExpiredLoginError,
    IntegrityError,
    NotFoundError,
    PreconditionError,
    ProviderError,
    QuotaError,
    SetupError,
    SourceError,
    TransientError,
)
from deployer.providers.translation import (
    Kind,
    bucket_of,
    build_error,
    class_of,
    is_distrust,
    list_classes,
    list_codes,
    seconds_of,
)

__all__ = ["CLASSES", "CODES", "translated"]

CLASSES: Mapping[str, Kind] = {
    **list_classes(
        "azure.core.exceptions",
        TransientError,
        "ServiceRequestError ServiceResponseError IncompleteReadError",
    ),
    **list_classes("azure.core.exceptions", AlreadyExistsError, "ResourceExistsError"),
    **list_classes("azure.core.exceptions", NotFoundError, "ResourceNotFoundError"),
    **list_classes("azure.core.exceptions", PreconditionError, "ResourceModifiedError"),
    **list_classes("azure.core.exceptions", AccessDeniedError, "ClientAuthenticationError"),
    **list_classes(
        "azure.core.exceptions",
        ProviderError,
        "DecodeError ResourceNotModifiedError TooManyRedirectsError ODataV4Error "
        "StreamConsumedError StreamClosedError ResponseNotReadError SerializationError "
        "DeserializationError",
    ),
    **list_classes(
        "azure.identity._exceptions",
        SetupError,
        "CredentialUnavailableError AuthenticationRequiredError",
    ),
    **list_classes("azure.storage.blob._shared.authentication", SetupError, "AzureSigningError"),
    **list_classes(
        "azure.storage.blob._shared.response_handlers", ProviderError, "PartialBatchErrorException"
    ),
}
"""By exception class, its nearest ancestor named here counting."""


CODES: Mapping[str, Kind] = {
    **list_codes(
        AccessDeniedError,
        "AuthenticationFailed AuthorizationFailure AuthorizationPermissionMismatch "
        "AuthorizationProtocolMismatch AuthorizationResourceTypeMismatch "
        "AuthorizationServiceMismatch AuthorizationSourceIPMismatch CannotVerifyCopySource "
        "InsufficientAccountPermissions "
        "KeyBasedAuthenticationNotPermitted NoAuthenticationInformation PublicAccessNotPermitted "
        "BlobCustomerSpecifiedEncryptionMismatch BlobUsesCustomerSpecifiedEncryption",
    ),
    **list_codes(ExpiredLoginError, "InvalidAuthenticationInfo"),
    **list_codes(NotFoundError, "BlobNotFound ResourceNotFound InvalidBlockList"),
    **list_codes(SetupError, "ContainerNotFound ContainerDisabled AccountIsDisabled"),
    **list_codes(AlreadyExistsError, "BlobAlreadyExists"),
    **list_codes(PreconditionError, "ConditionNotMet SourceConditionNotMet TargetConditionNotMet"),
    **list_codes(
        TransientError,
        "ServerBusy InternalError OperationTimedOut AccountBeingCreated ContainerBeingDeleted",
    ),
    **list_codes(QuotaError, "AccountQuotaExceeded ContainerQuotaExceeded InsufficientStorage"),
    **list_codes(IntegrityError, "Md5Mismatch Crc64Mismatch InvalidMd5 InvalidRange"),
    **list_codes(SourceError, "InvalidResourceName OutOfRangeInput"),
}
"""By the service's error code, which is more exact than the SDK's class."""

_STATUSES: Mapping[int, Kind] = {
    401: AccessDeniedError,
    403: AccessDeniedError,
    404: NotFoundError,
    408: TransientError,
    412: PreconditionError,
    429: TransientError,
    507: QuotaError,
}

_LOGIN = (
    "Log in with `az login`, or set AZURE_STORAGE_CONNECTION_STRING, or AZURE_STORAGE_ACCOUNT with "
    "AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN."
)


@contextmanager
def translated(operation: str, resource: str, *, needs: str | None = None) -> Iterator[None]:
    """Raise what the SDK raises inside as one of our errors.

    Args:
        resource: A store's URL, or what else is worked on.
        needs: The role it takes; the one on a store's container when left out.
    """
    from azure.core.exceptions import AzureError, DeserializationError, SerializationError

    try:
        yield
    except (AzureError, SerializationError, DeserializationError) as error:
        raise _translate(error, operation, resource, needs) from error


def _translate(error: Any, operation: str, resource: str, needs: str | None) -> DeployerError:
    code = _code(error)
    kind = _kind(error, code)
    response = getattr(error, "response", None)
    headers = getattr(response, "headers", {})
    status = int(getattr(error, "status_code", 0) or 0)
    return build_error(
        kind,
        _why(error, code),
        operation=operation,
        resource=resource,
        hint=_hint(kind, code, resource, needs, operation),
        retry_after_seconds=seconds_of(headers.get("Retry-After")),
        status=status,
    )


def _code(error: Any) -> str:
    """Return the service's code; the SDK gives an enumeration where it knows it, else a string."""
    code = getattr(error, "error_code", None) or ""
    return str(getattr(code, "value", code))


def _kind(error: Any, code: str) -> Kind:
    if is_distrust(getattr(error, "inner_exception", None)):
        return SetupError
    found = CODES.get(code) or class_of(error, CLASSES)
    if found is not None:
        return found
    status = int(getattr(error, "status_code", 0) or 0)
    broken = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return _STATUSES.get(status) or (TransientError if broken else ProviderError)


def _why(error: Any, code: str) -> str:
    """Return the first line: what follows is request ids, times and the body."""
    lines = str(getattr(error, "message", error)).splitlines() or [""]
    return f"{code}: {lines[0]}" if code else f"{type(error).__name__}: {lines[0]}"


_LISTING = ("list", "list uploads of")
_LISTER = "Storage Blob Data Reader or Contributor, or l among a SAS's permissions"


def _hint(kind: Kind, code: str, resource: str, needs: str | None, operation: str) -> str | None:
    if needs is not None:
        return _hint_for_clusters(kind, needs)
    container = bucket_of(resource)
    if code == "ContainerNotFound":
        return f"Create it: az storage container create --name {container}"
    denied = issubclass(kind, AccessDeniedError)
    if denied and operation in _LISTING:
        return f"The identity needs to list on {container}: {_LISTER}. {_LOGIN}"
    if denied:
        return f"The identity needs Storage Blob Data Contributor on {container}. {_LOGIN}"
    if kind is SetupError:
        return _LOGIN
    return None


def _hint_for_clusters(kind: Kind, needs: str) -> str | None:
    if kind is AccessDeniedError:
        return f"The identity needs {needs}. Log in with `az login`."
    return "Log in with `az login`." if kind is SetupError else None
