import inspect
from collections.abc import Iterator
from typing import Any

import boto3.exceptions
import botocore.discovery
import botocore.exceptions
import pytest
from botocore.exceptions import ClientError

from deployer.errors import (
    AccessDeniedError,
    DeployerError,
    ExpiredLoginError,
    IntegrityError,
    NotFoundError,
    PreconditionError,
    ProviderError,
    QuotaError,
    SetupError,
    TransientError,
)
from deployer.providers.aws.errors import CLASSES, translated
from deployer.providers.translation import class_of

ROOTS = (
    botocore.exceptions.BotoCoreError,
    botocore.exceptions.ClientError,
    boto3.exceptions.Boto3Error,
)


def exceptions() -> Iterator[type[BaseException]]:
    for module in (botocore.exceptions, botocore.discovery, boto3.exceptions):
        for kind in vars(module).values():
            if inspect.isclass(kind) and issubclass(kind, ROOTS) and kind not in ROOTS:
                yield kind


@pytest.mark.parametrize("kind", sorted(set(exceptions()), key=str))
def test_every_exception_of_the_sdk_has_a_place(kind: type[BaseException]) -> None:
    assert class_of(kind.__new__(kind), CLASSES) is not None


def raised(code: str, status: int = 400, headers: dict[str, str] | None = None) -> DeployerError:
    answer: Any = {
        "Error": {"Code": code, "Message": "said the\nservice"},
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": headers or {}},
    }
    with pytest.raises(DeployerError) as caught, translated("read", "s3://acme/key"):
        raise ClientError(answer, "GetObject")
    return caught.value


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("NoSuchKey", 404, NotFoundError),
        ("404", 404, NotFoundError),
        ("NoSuchBucket", 404, SetupError),
        ("AccessDenied", 403, AccessDeniedError),
        ("403", 403, AccessDeniedError),
        ("ExpiredToken", 400, ExpiredLoginError),
        ("SlowDown", 503, TransientError),
        ("ConditionalRequestConflict", 409, TransientError),
        ("PreconditionFailed", 412, PreconditionError),
        ("BadDigest", 400, IntegrityError),
        ("XMinioStorageFull", 507, QuotaError),
        ("NeverHeardOf", 503, TransientError),
        ("NeverHeardOf", 599, TransientError),
        ("NeverHeardOf", 403, AccessDeniedError),
        ("NeverHeardOf", 400, ProviderError),
    ],
)
def test_a_code_decides_and_else_the_status(
    code: str, status: int, kind: type[DeployerError]
) -> None:
    assert type(raised(code, status)) is kind


def test_a_message_is_one_line_that_says_what_failed() -> None:
    error = raised("AccessDenied", 403)
    assert error.message == "cannot read s3://acme/key: AccessDenied: said the service"
    assert "acme" in str(error.hint)


def test_the_services_own_advice_on_waiting_is_kept() -> None:
    error = raised("SlowDown", 503, {"retry-after": "7"})
    assert isinstance(error, TransientError)
    assert error.retry_after_seconds == 7


def test_a_missing_bucket_says_how_to_make_it() -> None:
    assert raised("NoSuchBucket").hint == "Create it: aws s3 mb s3://acme"
    assert "get-bucket-location" in str(raised("PermanentRedirect", 301).hint)
    assert "clock" in str(raised("RequestTimeTooSkewed", 403).hint)


def test_no_login_says_how_to_log_in() -> None:
    with pytest.raises(SetupError) as caught, translated("read", "s3://acme"):
        raise botocore.exceptions.NoCredentialsError
    assert "aws configure" in str(caught.value.hint)
