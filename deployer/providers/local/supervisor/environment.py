"""A container's environment, command and paths, as Kubernetes would make them: pure."""

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from deployer.ports import Manifest
from deployer.providers.local.supervisor.problems import ContainerError

__all__ = ["FindObject", "expand", "resolve_environment", "translate_paths"]

FindObject = Callable[[str, str], Manifest | None]
"""Returns the namespace's object of a kind and name, or None."""

_REFERENCE = re.compile(r"\$(?:(\$)|\(([^()]*)\))")
_KEYED_FIELD = re.compile(r"metadata\.(labels|annotations)\['([^']+)'\]")


def resolve_environment(container: Manifest, pod: Manifest, find: FindObject) -> dict[str, str]:
    """Return the variables the container declares: ``envFrom`` first, then ``env`` in order.

    Raises:
        ContainerError: A ConfigMap, Secret, key or field is missing.
    """
    values: dict[str, str] = {}
    for source in container.get("envFrom") or ():
        values |= _read_source(source, find)
    for variable in container.get("env") or ():
        value = _read_variable(variable, pod, find, values)
        if value is not None:
            values[variable["name"]] = value
    return values


def expand(text: str, values: Mapping[str, str]) -> str:
    """Replace ``$(NAME)`` by its value and ``$$`` by ``$``; unknown names stay as they are."""

    def _replace(match: re.Match[str]) -> str:
        return "$" if match[1] else values.get(match[2], match[0])

    return _REFERENCE.sub(_replace, text)


def translate_paths(text: str, mounts: Mapping[str, str]) -> str:
    """Replace each mount path, whole or as the beginning of a path, by the pod's own folder.

    ``/mnt/models/x`` and ``--to=/mnt/models`` are translated, ``/mnt/models2`` and
    ``/a/mnt/models`` are not.
    """
    for path in sorted(mounts, key=len, reverse=True):
        pattern = rf"(?:(?<=://)|(?<![\w./-])){re.escape(path)}(?![\w.-])"
        text = re.sub(pattern, lambda _, to=mounts[path]: to, text)  # type: ignore[misc]
    return text


def _read_source(source: Manifest, find: FindObject) -> dict[str, str]:
    prefix = source.get("prefix", "")
    for field, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
        if reference := source.get(field):
            data = _read_data(kind, reference, find)
            return {f"{prefix}{key}": value for key, value in data.items()}
    return {}


def _read_variable(
    variable: Manifest, pod: Manifest, find: FindObject, values: Mapping[str, str]
) -> str | None:
    source = variable.get("valueFrom")
    if source is None:
        return expand(str(variable.get("value", "")), values)
    if field := source.get("fieldRef"):
        return _read_field(pod, field["fieldPath"])
    for field, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
        if reference := source.get(field):
            return _read_key(kind, reference, find)
    kinds = ", ".join(source)
    raise ContainerError(
        "CreateContainerConfigError",
        f"{variable['name']}: the local cluster does not know {kinds}",
    )


def _read_key(kind: str, reference: Manifest, find: FindObject) -> str | None:
    data = _read_data(kind, reference, find)
    key = reference["key"]
    if key not in data and not reference.get("optional"):
        raise ContainerError(
            "CreateContainerConfigError", f"{kind} {reference['name']} has no key {key}"
        )
    return data.get(key)


def _read_data(kind: str, reference: Manifest, find: FindObject) -> dict[str, str]:
    found = find(kind, reference["name"])
    if found is None:
        if reference.get("optional"):
            return {}
        raise ContainerError(
            "CreateContainerConfigError", f"{kind} {reference['name']} does not exist"
        )
    plain: dict[str, str] = dict((found.get("data") if kind == "ConfigMap" else None) or {})
    if kind == "Secret":
        encoded = found.get("data") or {}
        plain = {key: base64.b64decode(value).decode() for key, value in encoded.items()}
        plain |= found.get("stringData") or {}
    return plain


def _read_field(pod: Manifest, path: str) -> str:
    if keyed := _KEYED_FIELD.fullmatch(path):
        return str((pod["metadata"].get(keyed[1]) or {}).get(keyed[2], ""))
    value: Any = pod
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    if value is None or (isinstance(value, Mapping | Sequence) and not isinstance(value, str)):
        raise ContainerError("CreateContainerConfigError", f"a pod here has no field {path}")
    return str(value)
