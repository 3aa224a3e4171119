"""Writing a kubeconfig whose users log in through ``deployer token``: no secret is in it."""

import base64
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deployer.errors import SourceError

__all__ = ["ContextEntry", "default_kubeconfig", "merge_contexts"]

_PLUGIN = "client.authentication.k8s.io/v1"


@dataclass(frozen=True, slots=True)
class ContextEntry:
    """One context, with a cluster and a user of the same name.

    Attributes:
        authority: The cluster's CA in PEM; None trusts what the machine trusts.
        command: What kubectl runs to log in, program first.
        environment: What the command needs besides kubectl's own environment.
    """

    name: str
    server: str
    authority: str | None
    namespace: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


def default_kubeconfig() -> Path:
    """Return the file that kubectl would write to: the first of ``$KUBECONFIG``, or the usual."""
    named = [part for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    return Path(named[0] if named else "~/.kube/config").expanduser()


def merge_contexts(path: Path, entries: Sequence[ContextEntry]) -> None:
    """Put the contexts into the file, in place of those of the same names; all else stays.

    The file is replaced in one go and only its owner can read it. The current context is set when
    there was none.

    Raises:
        SourceError: The file is there and is not a kubeconfig, or cannot be written.
    """
    from ruamel.yaml import YAML

    yaml = YAML()
    document = _read(path, yaml)
    for entry in entries:
        _put(document, "clusters", entry.name, "cluster", _cluster(entry))
        _put(document, "users", entry.name, "user", {"exec": _plugin(entry)})
        context = {"cluster": entry.name, "user": entry.name, "namespace": entry.namespace}
        _put(document, "contexts", entry.name, "context", context)
    if not document.get("current-context") and entries:
        document["current-context"] = entries[0].name
    try:
        _replace(path.resolve(), yaml, document)
    except OSError as error:
        raise SourceError(f"cannot write {path}: {error.strerror}") from error


def _read(path: Path, yaml: Any) -> Any:
    from ruamel.yaml.error import YAMLError

    try:
        document = yaml.load(path.read_text())
    except FileNotFoundError:
        document = None
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        why = getattr(error, "strerror", None) or "it is not YAML"
        raise SourceError(f"cannot read {path}: {why}") from error
    if document is None:
        document = {"apiVersion": "v1", "kind": "Config"}
    if not isinstance(document, dict):
        raise SourceError(f"{path} is not a kubeconfig; it is left as it is")
    return document


def _put(document: Any, part: str, name: str, noun: str, value: Any) -> None:
    if document.get(part) is None:
        document[part] = []
    if not isinstance(document[part], list):
        raise SourceError(f"{part} of the kubeconfig is not a list; it is left as it is")
    entry = {"name": name, noun: value}
    for index, old in enumerate(document[part]):
        if old.get("name") == name:
            document[part][index] = entry
            return
    document[part].append(entry)


def _cluster(entry: ContextEntry) -> dict[str, str]:
    cluster = {"server": entry.server}
    if entry.authority is not None:
        authority = base64.b64encode(entry.authority.encode()).decode()
        cluster["certificate-authority-data"] = authority
    return cluster


def _plugin(entry: ContextEntry) -> dict[str, Any]:
    program, *arguments = entry.command
    return {
        "apiVersion": _PLUGIN,
        "command": program,
        "args": arguments,
        "env": [{"name": name, "value": value} for name, value in entry.environment.items()],
        "interactiveMode": "Never",
        "provideClusterInfo": False,
        "installHint": "deployer logs kubectl in to this cluster: pip install 'deployer[all]'",
    }


def _replace(path: Path, yaml: Any, document: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".kubeconfig-", dir=path.parent)  # mode 0600
    try:
        with os.fdopen(handle, "w") as file:
            yaml.dump(document, file)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
