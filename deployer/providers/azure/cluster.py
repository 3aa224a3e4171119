"""Finding an AKS cluster by its name."""

import base64
import os
from collections.abc import Callable
from io import BytesIO
from typing import TYPE_CHECKING, Any

from deployer.errors import SetupError
from deployer.providers.azure.errors import translated
from deployer.providers.azure.token import log_in, make_tokens
from deployer.providers.connection import Connection, Token

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

__all__ = ["find_cluster"]

_MANAGEMENT = "https://management.azure.com"
_VERSION = "2025-10-01"
_TIMEOUT_SECONDS = 10


def find_cluster(
    name: str,
    *,
    group: str,
    subscription: str | None = None,
    login: "Callable[[], TokenCredential]" = log_in,
) -> Connection:
    """Ask Azure where the cluster is, and how it knows its users.

    With Entra ID the token is Entra ID's; with local accounts it is the one that Azure hands out.

    Args:
        subscription: AZURE_SUBSCRIPTION_ID when left out.

    Raises:
        SetupError: Nobody is logged in, or no subscription is known.
        NotFoundError, AccessDeniedError, TransientError: As Azure says.
    """
    subscription = subscription or os.environ.get("AZURE_SUBSCRIPTION_ID")
    if not subscription:
        raise SetupError(
            f"no subscription is known to look for AKS cluster {name} in",
            hint="Write `cluster: {aks: …, resource_group: …, subscription: …}`, or set "
            "AZURE_SUBSCRIPTION_ID (`az account show --query id`).",
        )
    config = _read_kubeconfig(name, group, subscription, login)
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    authority = cluster.get("certificate-authority-data")
    given = user.get("token")
    entra = "exec" in user or "auth-provider" in user
    if not entra and not given:
        raise SetupError(
            f"AKS cluster {name} gives users neither a token nor a login through Entra ID",
            hint=f"az aks update --name {name} --resource-group {group} --enable-aad",
        )
    return Connection(
        server=cluster["server"],
        authority=base64.b64decode(authority).decode() if authority else None,
        tokens=make_tokens(login) if entra else lambda: Token(given),
    )


def _read_kubeconfig(
    name: str, group: str, subscription: str, login: "Callable[[], TokenCredential]"
) -> Any:
    from ruamel.yaml import YAML

    path = (
        f"/subscriptions/{subscription}/resourceGroups/{group}/providers/"
        f"Microsoft.ContainerService/managedClusters/{name}/listClusterUserCredential"
    )
    what = f"AKS cluster {name} in {group}"
    needs = f"Azure Kubernetes Service Cluster User Role on {name}"
    with translated("find", what, needs=needs):
        answer = _post(path, login)
    return YAML(typ="safe").load(BytesIO(base64.b64decode(answer["kubeconfigs"][0]["value"])))


def _post(path: str, login: "Callable[[], TokenCredential]") -> Any:
    """POST to Azure's management API; another cloud's is AZURE_RESOURCE_MANAGER_ENDPOINT."""
    from azure.core import PipelineClient
    from azure.core.pipeline.policies import BearerTokenCredentialPolicy
    from azure.core.rest import HttpRequest

    base = os.environ.get("AZURE_RESOURCE_MANAGER_ENDPOINT", _MANAGEMENT).rstrip("/")
    policy = BearerTokenCredentialPolicy(login(), f"{base}/.default")
    pipeline: PipelineClient[Any, Any] = PipelineClient(
        base,
        policies=[policy],
        connection_timeout=_TIMEOUT_SECONDS,
        read_timeout=_TIMEOUT_SECONDS,
    )
    with pipeline as client:
        query = {"api-version": _VERSION, "format": "exec"}
        answer = client.send_request(HttpRequest("POST", base + path, params=query))
        answer.raise_for_status()
        return answer.json()
