"""From a kubeconfig, a pod's ServiceAccount or a cloud's answer to the client's settings.

Whatever the way: the environment's proxies are honoured (HTTPS_PROXY, NO_PROXY), the server's
certificate is verified, and the token is renewed before it expires.
"""

import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from deployer.errors import SetupError
from deployer.ports import Clock
from deployer.providers.connection import Connection, TokenCache, TokenSource
from deployer.providers.kube.plugin import Plugin, run_plugin

if TYPE_CHECKING:
    from kubernetes.client import Configuration

__all__ = ["read_connection", "read_kubeconfig", "read_pod"]


def read_connection(connection: Connection, clock: Clock) -> "Configuration":
    """Return the settings for a cluster that a cloud told of."""
    from kubernetes.client import Configuration

    settings = Configuration(host=connection.server, ca_cert_data=connection.authority)
    _renew_with(settings, connection.tokens, clock)
    return settings


def read_pod() -> "Configuration":
    """Return the settings of the pod that we run in; the mounted token is read again in time."""
    from kubernetes import config
    from kubernetes.client import Configuration

    settings = Configuration()
    config.load_incluster_config(client_configuration=settings)  # type: ignore[no-untyped-call]
    return settings


def read_kubeconfig(
    path: str | None, context: str | None, clock: Clock, *, insecure: bool
) -> "Configuration":
    """Return the settings of a context, read from ``path``, ``$KUBECONFIG`` or ``~/.kube/config``.

    Args:
        insecure: Take a server that is not verified, or that is spoken to without TLS. On loopback
            that needs no permission: nobody is in between.

    Raises:
        SetupError: The server would not be verified; or the login is of a kind that is not known.
    """
    from kubernetes.client import Configuration
    from kubernetes.config.kube_config import KubeConfigLoader

    merged = _merge(path)
    loader = KubeConfigLoader(  # type: ignore[no-untyped-call]
        config_dict=merged, active_context=context, config_base_path=None
    )
    plugin = _take_plugin(merged.value, loader.current_context["context"])
    settings = Configuration()
    loader.load_and_set(settings)  # type: ignore[no-untyped-call]
    if plugin is not None:
        _renew_with(settings, lambda: run_plugin(plugin), clock)
    if not insecure:
        _refuse_unverified(settings.host, verified=settings.verify_ssl)
    return settings


def _merge(path: str | None) -> Any:
    """Merge the files as kubectl does: whoever says a thing first is right."""
    from kubernetes.config.kube_config import KUBE_CONFIG_DEFAULT_LOCATION, KubeConfigMerger
    from yaml import YAMLError

    usual = os.getenv("KUBECONFIG") or KUBE_CONFIG_DEFAULT_LOCATION
    where = str(Path(path).expanduser()) if path else usual
    try:
        merger = KubeConfigMerger(where)  # type: ignore[no-untyped-call]
        named = [config.get("current-context") for config in merger.config_files.values()]
    except (YAMLError, AttributeError, TypeError) as error:
        raise SetupError(f"no way to reach the cluster: {where} is not a kubeconfig") from error
    if merger.config is None:
        raise SetupError(
            f"no way to reach the cluster: there is no kubeconfig at {where}",
            hint="Write `cluster: {kubeconfig: PATH}`, or set KUBECONFIG.",
        )
    merger.config.value["current-context"] = next(filter(None, named), None)
    return merger.config


def _renew_with(settings: "Configuration", tokens: TokenSource, clock: Clock) -> None:
    cached = TokenCache(tokens, clock)

    def renew(settings: "Configuration") -> None:
        settings.api_key["BearerToken"] = f"Bearer {cached()}"

    renew(settings)
    settings.refresh_api_key_hook = renew  # type: ignore[assignment]  # it is declared None


def _take_plugin(config: Mapping[str, Any], context: Mapping[str, Any]) -> Plugin | None:
    """Return the context's exec plug-in, and take it away from the client (see `plugin`)."""
    users = (each for each in config.get("users") or () if each["name"] == context.get("user"))
    named = next(users, None)
    user = getattr(named, "value", named) or {}
    login = user.get("user") or {}
    _refuse_unknown(login)
    found = login.pop("exec", None)
    if found is None:
        return None
    clusters = (each for each in config["clusters"] if each["name"] == context["cluster"])
    cluster = next(clusters)
    folder = Path(getattr(named, "path", None) or ".").parent
    return Plugin(found, getattr(cluster, "value", cluster)["cluster"], folder)


def _refuse_unknown(login: Mapping[str, Any]) -> None:
    name = (login.get("auth-provider") or {}).get("name")
    if name is not None and name != "oidc":
        raise SetupError(
            f"no way to log in to the cluster: the kubeconfig's auth-provider {name!r} is one that "
            "Kubernetes itself gave up in 1.26",
            hint="Fetch a new kubeconfig: `gcloud container clusters get-credentials`, "
            "`az aks get-credentials`, or `deployer kubeconfig`.",
        )


def _refuse_unverified(server: str, *, verified: bool) -> None:
    parts = urlsplit(server)
    plain = parts.scheme != "https"
    if (verified and not plain) or _is_loopback(parts.hostname or ""):
        return
    what = (
        "speaks without TLS" if plain else "does not verify the server (insecure-skip-tls-verify)"
    )
    raise SetupError(
        f"the kubeconfig {what} for {server}: whoever is in between could read the login and "
        "answer for the cluster",
        hint="Put certificate-authority-data into the kubeconfig. If it has to be so, write "
        "`cluster: {…, insecure: true}`.",
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
