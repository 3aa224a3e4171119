import inspect
from collections.abc import Iterator
from typing import Any

import google.api_core.exceptions
import google.auth.exceptions
import pytest
import requests
from google.cloud.storage import exceptions as storage_exceptions

from deployer.errors import (
    AccessDeniedError,
    DeployerError,
    IntegrityError,
    NotFoundError,
    PreconditionError,
    ProviderError,
    QuotaError,
    SetupError,
    TransientError,
)
from deployer.providers.gcp.errors import CLASSES, missing_bucket, translated
from deployer.providers.translation import class_of

api: Any = google.api_core.exceptions  # the SDK is untyped
auth: Any = google.auth.exceptions
storage: Any = storage_exceptions

ROOTS = (
    api.GoogleAPIError,
    api.GoogleAPICallError,
    api.ClientError,
    auth.GoogleAuthError,
    requests.RequestException,
)


def exceptions() -> Iterator[type[BaseException]]:
    for module in (api, auth, storage, requests.exceptions):
        for kind in vars(module).values():
            if (
                inspect.isclass(kind)
                and issubclass(kind, Exception)
                and not issubclass(kind, Warning)
                and kind not in ROOTS
                and kind.__module__ == module.__name__
            ):
                yield kind


@pytest.mark.parametrize("kind", sorted(set(exceptions()), key=str))
def test_every_exception_of_the_sdk_has_a_place(kind: type[BaseException]) -> None:
    assert class_of(kind.__new__(kind), CLASSES) is not None


def raised(error: Exception) -> DeployerError:
    with pytest.raises(DeployerError) as caught, translated("read", "gs://acme/key"):
        raise error
    return caught.value


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (api.NotFound("no"), NotFoundError),
        (api.Forbidden("no"), AccessDeniedError),
        (api.Unauthorized("no"), AccessDeniedError),
        (api.PreconditionFailed("no"), PreconditionError),
        (api.TooManyRequests("no"), TransientError),
        (api.ServiceUnavailable("no"), TransientError),
        (api.from_http_status(599, "no"), ProviderError),
        (api.BadRequest("no"), ProviderError),
        (api.RetryError("no", None), TransientError),
        (auth.DefaultCredentialsError("no"), SetupError),
        (auth.RefreshError("no"), SetupError),
        (auth.RefreshError("no", retryable=True), TransientError),
        (auth.TransportError("no"), TransientError),
        (requests.ConnectionError("no"), TransientError),
        (requests.ReadTimeout("no"), TransientError),
        (requests.exceptions.SSLError("no"), SetupError),
        (ConnectionResetError(104, "reset"), TransientError),
    ],
)
def test_the_class_decides(error: Exception, kind: type[DeployerError]) -> None:
    assert type(raised(error)) is kind


def test_a_damaged_transfer_is_no_success() -> None:
    assert type(raised(storage.DataCorruption(None, "crc"))) is IntegrityError


def test_a_quota_is_not_a_lack_of_rights() -> None:
    error = api.Forbidden("no", errors=[{"reason": "quotaExceeded", "message": "too much"}])
    assert type(raised(error)) is QuotaError


def test_a_message_is_the_services_sentence_without_the_url() -> None:
    error = api.Forbidden(
        "GET https://storage.example/secret?token=1: no",
        errors=[{"reason": "forbidden", "message": "ann lacks\nstorage.objects.get"}],
    )
    assert raised(error).message == "cannot read gs://acme/key: ann lacks storage.objects.get"
    bare = raised(api.Forbidden("GET https://storage.example/secret?token=1: no"))
    assert bare.message == "cannot read gs://acme/key: 403 Forbidden"
    assert "roles/storage.objectAdmin on acme" in str(bare.hint)


def test_no_login_says_how_to_log_in() -> None:
    assert "gcloud auth" in str(raised(auth.DefaultCredentialsError("no")).hint)


def test_a_missing_bucket_says_how_to_make_it() -> None:
    error = missing_bucket("gs://acme/prefix")
    assert error.hint == "Create it: gcloud storage buckets create gs://acme"
