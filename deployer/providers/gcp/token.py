"""Tokens for GKE: the access token of the application default credentials.

As gke-gcloud-auth-plugin does it. Both scopes are needed: the cluster knows people by the e-mail
address that the second one lets it see.
"""

from datetime import UTC
from typing import TYPE_CHECKING

from deployer.errors import SetupError
from deployer.providers.connection import Token
from deployer.providers.gcp.errors import translated

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

__all__ = ["fetch_token", "log_in"]

_SCOPES = (
    "https://www.googleapis.com/auth/cloud-platform",
    "https://www.googleapis.com/auth/userinfo.email",
)


def fetch_token() -> Token:
    """Return a new access token of the application default credentials.

    Raises:
        SetupError: Nobody is logged in, or the login has run out.
        TransientError: The token service did not answer.
    """
    credentials, _ = log_in()
    with translated("get a token for", "GKE"):
        from google.auth.transport.requests import Request

        credentials.refresh(Request())  # type: ignore[no-untyped-call]
    expires = credentials.expiry
    # The library's times are naive and in UTC.
    return Token(str(credentials.token), expires.replace(tzinfo=UTC) if expires else None)


def log_in() -> "tuple[Credentials, str | None]":
    """Return the application default credentials, and the project that they name.

    Raises:
        SetupError: There are none.
    """
    try:
        import google.auth
    except ImportError as error:
        raise SetupError(
            "GKE needs Google's SDK, which is not installed", hint="pip install 'deployer[gcp]'"
        ) from error
    with translated("log in to", "Google Cloud"):
        credentials, project = google.auth.default(scopes=_SCOPES)
        return credentials, project
