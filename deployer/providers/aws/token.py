"""Tokens for EKS: a presigned question to AWS's token service that the cluster asks for us.

The form is the one of ``aws eks get-token`` and aws-iam-authenticator: a presigned GET of
sts:GetCallerIdentity, valid 60 s for its first use, that names the cluster in the signed header
``x-k8s-aws-id``. The cluster takes it for 15 minutes from its signing; we say 14.
"""

import base64
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from deployer.errors import SetupError
from deployer.ports import Clock
from deployer.providers.aws.errors import translated
from deployer.providers.connection import Token, TokenSource

if TYPE_CHECKING:
    from boto3.session import Session

__all__ = ["make_tokens", "open_aws"]

_VALID = timedelta(minutes=14)
_FIRST_USE_SECONDS = 60
_PREFIX = "k8s-aws-v1."
_QUESTION = "/?Action=GetCallerIdentity&Version=2011-06-15"


def make_tokens(
    cluster: str, *, session: "Callable[[], Session]", region: str, clock: Clock
) -> TokenSource:
    """Return the source of tokens for ``cluster``: signed here, without a request.

    Args:
        cluster: The cluster's name; its id where it runs on an Outpost.
        session: Opens AWS as the identity that the cluster shall see.
    """

    def sign() -> Token:
        with translated("make a token for", f"EKS cluster {cluster}"):
            url = _presign(session(), cluster, region)
        text = base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")
        return Token(_PREFIX + text, clock.now() + _VALID)

    return sign


def open_aws(region: str, role: str | None = None) -> "Session":
    """Open AWS with the SDK's default chain; as ``role`` when one is named.

    Raises:
        SetupError: The SDK is missing, or nobody is logged in.
    """
    try:
        from boto3.session import Session
    except ImportError as error:
        raise SetupError(
            "EKS needs the AWS SDK, which is not installed", hint="pip install 'deployer[aws]'"
        ) from error
    with translated("log in to", "AWS"):
        session = Session(region_name=region or None)
        return session if role is None else _assume(session, role)


def _assume(session: "Session", role: str) -> "Session":
    from boto3.session import Session

    given = session.client("sts").assume_role(RoleArn=role, RoleSessionName="deployer")
    credentials = given["Credentials"]
    return Session(
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
        region_name=session.region_name,
    )


def _presign(session: "Session", cluster: str, region: str) -> str:
    from botocore.auth import SigV4QueryAuth
    from botocore.awsrequest import AWSRequest
    from botocore.exceptions import NoCredentialsError

    credentials = session.get_credentials()
    if credentials is None:
        raise NoCredentialsError
    endpoint = session.client("sts", region_name=region).meta.endpoint_url
    request = AWSRequest(
        method="GET", url=endpoint.rstrip("/") + _QUESTION, headers={"x-k8s-aws-id": cluster}
    )
    frozen = credentials.get_frozen_credentials()
    SigV4QueryAuth(frozen, "sts", region, expires=_FIRST_USE_SECONDS).add_auth(request)
    return str(request.url)
