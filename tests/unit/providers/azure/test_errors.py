import inspect
from collections.abc import Iterator

import azure.core.exceptions as core
import azure.identity
import azure.storage.blob
import pytest

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
from deployer.providers.azure.errors import CLASSES, translated
from deployer.providers.translation import class_of

ROOTS = (core.AzureError, core.HttpResponseError)


def exceptions() -> Iterator[type[BaseException]]:
    for module in (core, azure.identity, azure.storage.blob):
        for kind in vars(module).values():
            if inspect.isclass(kind) and issubclass(kind, Exception) and kind not in ROOTS:
                yield kind
    yield from descendants(core.AzureError)


def descendants(kind: type[BaseException]) -> Iterator[type[BaseException]]:
    for child in kind.__subclasses__():
        if child.__module__.startswith("azure."):
            if child not in ROOTS:
                yield child
            yield from descendants(child)


@pytest.mark.parametrize("kind", sorted(set(exceptions()), key=str))
def test_every_exception_of_the_sdk_has_a_place(kind: type[BaseException]) -> None:
    assert class_of(kind.__new__(kind), CLASSES) is not None


def raised(error: core.AzureError, *, code: str = "", status: int = 0) -> DeployerError:
    error.error_code = code  # type: ignore[attr-defined]
    error.status_code = status  # type: ignore[attr-defined]
    with pytest.raises(DeployerError) as caught, translated("read", "az://acme/key"):
        raise error
    return caught.value


@pytest.mark.parametrize(
    ("error", "code", "status", "kind"),
    [
        (core.ResourceNotFoundError("no"), "BlobNotFound", 404, NotFoundError),
        (core.ResourceNotFoundError("no"), "ContainerNotFound", 404, SetupError),
        (core.ResourceNotFoundError("no"), "", 404, NotFoundError),
        (core.ResourceExistsError("no"), "BlobAlreadyExists", 409, AlreadyExistsError),
        (core.ResourceModifiedError("no"), "ConditionNotMet", 412, PreconditionError),
        (core.ClientAuthenticationError("no"), "AuthenticationFailed", 403, AccessDeniedError),
        (core.HttpResponseError("no"), "AuthorizationFailure", 403, AccessDeniedError),
        (core.HttpResponseError("no"), "", 403, AccessDeniedError),
        (core.HttpResponseError("no"), "ServerBusy", 503, TransientError),
        (core.HttpResponseError("no"), "", 503, TransientError),
        (core.HttpResponseError("no"), "", 507, QuotaError),
        (core.HttpResponseError("no"), "Md5Mismatch", 400, IntegrityError),
        (core.HttpResponseError("no"), "", 400, ProviderError),
        (core.ServiceRequestError("no"), "", 0, TransientError),
        (core.ServiceResponseError("no"), "", 0, TransientError),
        (azure.identity.CredentialUnavailableError("no"), "", 0, SetupError),
    ],
)
def test_the_code_decides_then_the_class_then_the_status(
    error: core.AzureError, code: str, status: int, kind: type[DeployerError]
) -> None:
    assert type(raised(error, code=code, status=status)) is kind


def test_a_message_is_the_first_line() -> None:
    error = raised(core.HttpResponseError("Busy.\nRequestId:1\nTime:2"), code="ServerBusy")
    assert error.message == "cannot read az://acme/key: ServerBusy: Busy."


def test_what_helps_is_said() -> None:
    missing = raised(core.ResourceNotFoundError("no"), code="ContainerNotFound")
    assert missing.hint == "Create it: az storage container create --name acme"
    denied = raised(core.HttpResponseError("no"), code="AuthorizationFailure")
    assert "Storage Blob Data Contributor on acme" in str(denied.hint)
    login = raised(azure.identity.CredentialUnavailableError("no"))
    assert "az login" in str(login.hint)


def test_a_code_the_sdk_knows_by_name_is_the_same_code() -> None:
    code = azure.storage.blob.StorageErrorCode.MD5_MISMATCH
    assert type(raised(core.HttpResponseError("no"), code=code, status=400)) is IntegrityError
