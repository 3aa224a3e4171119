"""Tokens for AKS: Entra ID's, for the application that every AKS cluster answers to."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from deployer.errors import SetupError
from deployer.providers.azure.errors import translated
from deployer.providers.connection import Token, TokenSource

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

__all__ = ["log_in", "make_tokens"]

_AKS_SERVER = "6dae42f8-4368-4678-94ff-3960e28e3630/.default"
"""The Entra ID application of AKS' API servers, the same in every tenant (kubelogin's docs)."""


def make_tokens(login: "Callable[[], TokenCredential]") -> TokenSource:
    """Return the source of tokens for any AKS cluster with Entra ID."""

    def fetch() -> Token:
        with translated("get a token for", "AKS", needs="a role on the AKS cluster"):
            got = login().get_token(_AKS_SERVER)
        return Token(got.token, datetime.fromtimestamp(got.expires_on, tz=UTC))

    return fetch


def log_in() -> "TokenCredential":
    """Return the SDK's default chain: environment, workload identity, managed identity, az login.

    Raises:
        SetupError: The SDK is missing.
    """
    try:
        from azure.identity import DefaultAzureCredential
    except ImportError as error:
        raise SetupError(
            "logging in to Azure needs azure-identity, which is not installed",
            hint="pip install 'deployer[azure]'",
        ) from error
    return DefaultAzureCredential()
