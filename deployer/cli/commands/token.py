"""``deployer token``: what kubectl calls to log in."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from deployer.providers.connection import Token

__all__ = ["token"]

_GROUP = "client.authentication.k8s.io/"
_VERSIONS = (f"{_GROUP}v1", f"{_GROUP}v1beta1")


def token(
    eks: Annotated[
        str | None, typer.Option("--eks", metavar="NAME", help="An EKS cluster's name.")
    ] = None,
    gke: Annotated[
        str | None, typer.Option("--gke", metavar="NAME", help="A GKE cluster's name.")
    ] = None,
    aks: Annotated[
        str | None, typer.Option("--aks", metavar="NAME", help="An AKS cluster's name.")
    ] = None,
    region: Annotated[
        str, typer.Option("--region", metavar="REGION", help="EKS: the cluster's region.")
    ] = "",
    role: Annotated[
        str | None, typer.Option("--role", metavar="ARN", help="EKS: a role to take on first.")
    ] = None,
    resource_group: Annotated[
        str | None,
        typer.Option("--resource-group", metavar="NAME", help="AKS: the cluster's group."),
    ] = None,
    subscription: Annotated[
        str | None,
        typer.Option("--subscription", metavar="ID", help="AKS: the cluster's subscription."),
    ] = None,
) -> None:
    """Print a login to a cluster, as an exec plug-in of kubectl.

    `deployer kubeconfig` writes kubeconfigs that call this. The answer is an ExecCredential of the
    version that KUBERNETES_EXEC_INFO asks for, v1 when it does not say.

    Example: deployer token --eks prod-1 --region us-east-1
    """
    import json

    from deployer.spec.model import ClusterSpec
    from deployer.wiring import make_token

    if sum(name is not None for name in (eks, gke, aks)) != 1:
        raise typer.BadParameter("give one of --eks, --gke and --aks")
    version = _asked_version()
    spec = ClusterSpec(
        eks=eks,
        gke=gke,
        aks=aks,
        role=role,
        resource_group=resource_group,
        subscription=subscription,
    )
    typer.echo(json.dumps(_describe(make_token(spec, region), version)))


def _asked_version() -> str:
    """Return the version that the caller speaks.

    Raises:
        SetupError: It is none that we speak.
    """
    import json
    import os

    from deployer.errors import SetupError

    question = os.environ.get("KUBERNETES_EXEC_INFO")
    try:
        version = json.loads(question)["apiVersion"] if question else _VERSIONS[0]
    except (ValueError, KeyError, TypeError):
        version = "(unreadable)"
    if version not in _VERSIONS:
        raise SetupError(
            f"KUBERNETES_EXEC_INFO asks for {version}; this speaks {' and '.join(_VERSIONS)}",
            hint="Use kubectl 1.22 or newer, and write a new kubeconfig: deployer kubeconfig",
        )
    return str(version)


def _describe(made: "Token", version: str) -> dict[str, object]:
    status = {"token": made.value}
    if made.expires is not None:
        status["expirationTimestamp"] = made.expires.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"apiVersion": version, "kind": "ExecCredential", "spec": {}, "status": status}
