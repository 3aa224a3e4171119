"""Exec credential plug-ins: the programs that kubeconfigs name to log in with.

The official Python client runs them too, but goes on without a login when one fails, waits for one
for ever, and cannot say what to install; so we run them ourselves, by the rules of
https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
"""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from deployer.errors import SetupError
from deployer.providers.connection import Token

__all__ = ["Plugin", "run_plugin"]

_VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")
_SECONDS = 60
_WORDS = 300
_CLUSTER_FIELDS = (
    "server",
    "tls-server-name",
    "insecure-skip-tls-verify",
    "certificate-authority-data",
    "proxy-url",
)


@dataclass(frozen=True, slots=True)
class Plugin:
    """What a kubeconfig says of a plug-in.

    Attributes:
        config: The user's ``exec``.
        cluster: The kubeconfig's cluster; told to the plug-in when it wants to know.
        folder: The kubeconfig's own, which a relative command is relative to.
    """

    config: Mapping[str, Any]
    cluster: Mapping[str, Any]
    folder: Path


def run_plugin(plugin: Plugin) -> Token:
    """Run the plug-in and return its token; it gets no terminal and 60 s.

    Raises:
        SetupError: It cannot be run, failed, or said nothing that can be used.
    """
    version, command = _check(plugin.config)
    try:
        done = subprocess.run(  # noqa: S603 - the user's own kubeconfig names it
            [_locate(command, plugin.folder), *(plugin.config.get("args") or ())],
            env=_environment(plugin, version),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except OSError as error:
        why = f"{command} cannot be run: {error.strerror}"
        raise _failed(why, plugin.config.get("installHint")) from error
    except subprocess.TimeoutExpired as error:
        raise _failed(f"{command} did not end in {_SECONDS} s", None) from error
    if done.returncode != 0:
        words = " ".join(done.stderr.decode(errors="replace").split())[-_WORDS:]
        raise _failed(f"{command} ended with {done.returncode}: {words}", None)
    return _read_answer(done.stdout, command, version)


def _check(config: Mapping[str, Any]) -> tuple[str, str]:
    version, command = str(config.get("apiVersion")), str(config.get("command") or "")
    if version not in _VERSIONS or not command:
        why = f"the kubeconfig asks for a plug-in {command or '(none)'} of version {version}"
        raise _failed(why, f"The versions that are known: {', '.join(_VERSIONS)}.")
    if config.get("interactiveMode") == "Always":
        raise _failed(f"{command} insists on a terminal", "Log in with it before.")
    return version, command


def _locate(command: str, folder: Path) -> str:
    """A bare name is found on PATH; a relative path is relative to the kubeconfig."""
    return command if os.sep not in command else str(folder / command)


def _environment(plugin: Plugin, version: str) -> dict[str, str]:
    spec: dict[str, Any] = {"interactive": False}
    if plugin.config.get("provideClusterInfo"):
        spec["cluster"] = _cluster_info(plugin.cluster)
    question = {"apiVersion": version, "kind": "ExecCredential", "spec": spec}
    own = {item["name"]: item["value"] for item in plugin.config.get("env") or ()}
    return {**os.environ, **own, "KUBERNETES_EXEC_INFO": json.dumps(question)}


def _cluster_info(cluster: Mapping[str, Any]) -> dict[str, Any]:
    info = {key: cluster[key] for key in _CLUSTER_FIELDS if key in cluster}
    for extension in cluster.get("extensions") or ():
        if extension["name"] == "client.authentication.k8s.io/exec":
            info["config"] = extension["extension"]
    return info


def _read_answer(answer: bytes, command: str, version: str) -> Token:
    try:
        document = json.loads(answer)
        status = document["status"]
        told = document["apiVersion"]
    except (ValueError, KeyError, TypeError) as error:
        raise _failed(f"{command} did not answer with an ExecCredential", None) from error
    if told != version:
        raise _failed(f"{command} answered in version {told}, not {version}", None)
    if not isinstance(status, dict) or not status.get("token"):
        raise _failed(
            f"{command} answered without a token",
            "A plug-in that gives client certificates is not supported; give the user one by "
            "client-certificate-data instead.",
        )
    expires = status.get("expirationTimestamp")
    return Token(str(status["token"]), datetime.fromisoformat(expires) if expires else None)


def _failed(why: str, hint: str | None) -> SetupError:
    return SetupError(f"no way to log in to the cluster: {why}", hint=hint)
