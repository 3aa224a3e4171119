"""What AWS and its SDK say, in our words."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

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
    SourceError,
    TransientError,
)
from deployer.providers.translation import (
    Kind,
    bucket_of,
    build_error,
    class_of,
    find_lister,
    list_classes,
    list_codes,
    seconds_of,
)

__all__ = ["CLASSES", "CODES", "translated"]

CLASSES: Mapping[str, Kind] = {
    **list_classes(
        "botocore.exceptions",
        SetupError,
        "ApiVersionNotFoundError BaseEndpointResolverError CapacityNotAvailableError "
        "ConfigNotFound ConfigParseError CredentialRetrievalError DataNotFoundError "
        "EndpointProviderError InvalidChecksumConfigError InvalidConfigError InvalidDNSNameError "
        "InvalidDefaultsMode InvalidEndpointConfigurationError "
        "InvalidEndpointDiscoveryConfigurationError InvalidExpressionError InvalidHostLabelError "
        "InvalidIMDSEndpointError InvalidIMDSEndpointModeError InvalidProxiesConfigError "
        "InvalidRegionError InvalidRetryConfigurationError InvalidS3AddressingStyleError "
        "InvalidS3UsEast1RegionalEndpointConfigError InvalidSTSRegionalEndpointsConfigError "
        "LoginError MD5UnavailableError MetadataRetrievalError MissingDependencyException "
        "NoAuthTokenError NoCredentialsError PartialCredentialsError ProfileNotFound "
        "RefreshWithMFAUnsupportedError SSOError ServiceNotInRegionError TokenRetrievalError "
        "UnknownCredentialError UnknownRegionError UnknownServiceStyle "
        "UnknownSignatureVersionError UnknownTokenProviderError UnsupportedOutpostResourceError "
        "UnsupportedS3AccesspointConfigurationError UnsupportedS3ArnError "
        "UnsupportedS3ConfigurationError UnsupportedS3ControlArnError "
        "UnsupportedS3ControlConfigurationError UnsupportedServiceProtocolsError "
        "UnsupportedSignatureVersionError",
    ),
    **list_classes(
        "botocore.exceptions",
        TransientError,
        "ConnectionError HTTPClientError IncompleteReadError ReadTimeoutError",
    ),
    **list_classes("botocore.exceptions", SetupError, "SSLError"),
    **list_classes("botocore.exceptions", IntegrityError, "ChecksumError FlexibleChecksumError"),
    **list_classes(
        "botocore.exceptions",
        ProviderError,
        "AwsChunkedWrapperError MissingParametersError OperationNotPageableError PaginationError "
        "ParamValidationError StubResponseError UnknownClientMethodError UnseekableStreamError "
        "ValidationError WaiterConfigError WaiterError EventStreamError",
    ),
    **list_classes("botocore.discovery", ProviderError, "EndpointDiscoveryException"),
    **list_classes(
        "boto3.exceptions",
        ProviderError,
        "DynamoDBNeedsConditionError DynamoDBNeedsKeyConditionError "
        "DynamoDBOperationNotSupportedError InvalidCrtTransferConfigError NoVersionFound "
        "ResourceLoadException ResourceNotExistsError RetriesExceededError S3TransferFailedError "
        "S3UploadFailedError UnknownAPIVersionError",
    ),
}
"""By exception class, its nearest ancestor named here counting."""


CODES: Mapping[str, Kind] = {
    **list_codes(
        AccessDeniedError,
        "AccessDenied AllAccessDisabled AccountProblem InvalidAccessKeyId InvalidSecurity "
        "InvalidToken SignatureDoesNotMatch NotSignedUp "
        "Forbidden UnauthorizedAccess 401 403 AccessForbidden RequestExpired "
        "UnrecognizedClientException AccessDeniedException",
    ),
    **list_codes(
        NotFoundError,
        "NoSuchKey NoSuchVersion NoSuchUpload InvalidPart NotFound ResourceNotFoundException 404 "
        "NoSuchHostedZone NoSuchHealthCheck",
    ),
    **list_codes(ExpiredLoginError, "ExpiredToken ExpiredTokenException TokenRefreshRequired"),
    **list_codes(
        SetupError,
        "NoSuchBucket PermanentRedirect AuthorizationHeaderMalformed "
        "IllegalLocationConstraintException InvalidBucketName InvalidRegion "
        "RequestTimeTooSkewed 301",
    ),
    **list_codes(PreconditionError, "PreconditionFailed 412"),
    **list_codes(
        TransientError,
        "SlowDown InternalError ServiceUnavailable RequestTimeout RequestTimeoutException "
        "Throttling ThrottlingException ThrottledException RequestThrottled "
        "RequestThrottledException RequestLimitExceeded BandwidthLimitExceeded "
        "TooManyRequestsException PriorRequestNotComplete TransactionInProgressException "
        "ConditionalRequestConflict OperationAborted Busy 429 500 502 503 504 509",
    ),
    **list_codes(
        QuotaError,
        "QuotaExceeded TooManyBuckets TooManyHealthChecks XMinioStorageFull "
        "InsufficientStorage 507",
    ),
    **list_codes(
        IntegrityError,
        "BadDigest InvalidDigest IncompleteBody XAmzContentSHA256Mismatch "
        "XAmzContentChecksumMismatch InvalidRange 416",
    ),
    **list_codes(SourceError, "KeyTooLongError"),
    **list_codes(ProviderError, "NotImplemented 501"),
}
"""By error code, or by HTTP status where a response has no body (HEAD). 409
ConditionalRequestConflict asks for the upload to be sent again (S3 User Guide, "How to prevent
object overwrites with conditional writes")."""


@contextmanager
def translated(operation: str, resource: str, *, needs: str | None = None) -> Iterator[None]:
    """Raise what the SDK raises inside as one of our errors.

    Args:
        resource: A store's URL, or what else is worked on.
        needs: The permissions it takes; those on a store's bucket when left out.
    """
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError
    from urllib3.exceptions import HTTPError

    try:
        yield
    except ClientError as error:
        raise _from_response(error.response, operation, resource, needs) from error
    except HTTPError as error:  # of a body that is read after its answer: the SDK lets it through
        raise build_error(
            TransientError, str(error), operation=operation, resource=resource
        ) from error
    except (BotoCoreError, Boto3Error) as error:
        kind = class_of(error, CLASSES) or ProviderError
        raise build_error(
            kind, str(error), operation=operation, resource=resource, hint=_hint(kind, resource)
        ) from error


def _from_response(
    response: Mapping[str, Any], operation: str, resource: str, needs: str | None
) -> DeployerError:
    error = response.get("Error", {})
    code = str(error.get("Code", ""))
    meta = response.get("ResponseMetadata", {})
    status = int(meta.get("HTTPStatusCode", 0))
    kind = CODES.get(code) or _by_status(status)
    return build_error(
        kind,
        f"{code}: {error.get('Message', '')}",
        operation=operation,
        resource=resource,
        hint=_hint(kind, resource, code, needs or _lister(operation, resource)),
        retry_after_seconds=seconds_of(meta.get("HTTPHeaders", {}).get("retry-after")),
        status=status,
    )


def _by_status(status: int) -> Kind:
    broken = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return CODES.get(str(status)) or (TransientError if broken else ProviderError)


_LOGIN = (
    "Log in with `aws configure`, `aws sso login`, or set AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY; check with `aws sts get-caller-identity`."
)


_LISTERS = {
    "list": "s3:ListBucket",
    "list uploads of": "s3:ListBucketMultipartUploads",
}


def _lister(operation: str, resource: str) -> str | None:
    return find_lister(operation, resource, _LISTERS) if resource.startswith("s3://") else None


def _hint(kind: Kind, resource: str, code: str = "", needs: str | None = None) -> str | None:
    bucket = bucket_of(resource)
    if code == "NoSuchBucket":
        return f"Create it: aws s3 mb s3://{bucket}"
    if code in ("NotImplemented", "501"):
        return "If it is no Amazon: store: {url: …, compat: true}, or --compat."
    if code == "RequestTimeTooSkewed":
        return "Set this machine's clock."
    if needs is not None and issubclass(kind, AccessDeniedError):
        return f"The identity needs {needs}. {_LOGIN}"
    if code and resource.startswith("s3://"):
        return _code_hint(kind, bucket)
    return _LOGIN if kind is SetupError else None


def _code_hint(kind: Kind, bucket: str) -> str | None:
    if issubclass(kind, AccessDeniedError):
        return (
            f"The identity needs s3:ListBucket on {bucket}, and s3:GetObject, s3:PutObject and "
            "s3:DeleteObject on its objects. " + _LOGIN
        )
    if kind is SetupError:
        return f"Set the bucket's region: aws s3api get-bucket-location --bucket {bucket}"
    return None
