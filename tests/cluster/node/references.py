"""The objects a pod refers to, fetched before it runs and until it does.

A ``projected`` or ``downwardAPI`` volume is put together here and handed on as a Secret of the
volume's own, so that whoever makes folders need not know of it.
"""

import base64
from collections.abc import Iterator, Mapping
from typing import Any

from deployer.ports import Manifest
from deployer.providers.local.supervisor.environment import resolve_environment
from tests.cluster.api import Api

__all__ = ["ENVIRONMENT", "References", "rewrite_volumes"]

ENVIRONMENT = "node-environment"
"""A namespace's ConfigMap of this name is what its pods find in their environment.

It stands for what a cloud's machines give their workloads: identity, regions, endpoints.
"""

_PATHS = {"ConfigMap": "configmaps", "Secret": "secrets"}
_TOKEN_SECONDS = 3600


class References:
    """Answers from what was fetched last; `refresh` may run in any thread."""

    def __init__(self, api: Api, pod: Manifest) -> None:
        self._api, self._pod = api, pod
        self._space = f"/api/v1/namespaces/{pod['metadata']['namespace']}"
        self._found: Mapping[tuple[str, str], Manifest] = {}

    def refresh(self) -> None:
        """Fetch all that the pod names.

        Raises:
            ApiError: The API server did not answer, or not with an object.
        """
        names = {("ConfigMap", ENVIRONMENT), *_named(self._pod["spec"])}
        found = {name: self._fetch(*name) for name in names}
        self._found = {name: manifest for name, manifest in found.items() if manifest is not None}
        self._found |= {
            ("Secret", _synthetic(volume)): {"data": self._put_together(volume)}
            for volume in self._pod["spec"].get("volumes") or ()
            if "projected" in volume or "downwardAPI" in volume
        }

    def find(self, kind: str, name: str) -> Manifest | None:
        """Return an object as it was fetched last, or None."""
        return self._found.get((kind, name))

    def environment(self) -> Mapping[str, str]:
        """Return what the namespace's machines give their workloads."""
        found = self.find("ConfigMap", ENVIRONMENT) or {}
        return found.get("data") or {}

    def _fetch(self, kind: str, name: str) -> Manifest | None:
        found: Manifest | None = self._api.find(f"{self._space}/{_PATHS[kind]}/{name}")
        return found

    def _put_together(self, volume: Manifest) -> dict[str, str]:
        sources = (volume.get("projected") or {"sources": [volume]})["sources"]
        files: dict[str, bytes] = {}
        for source in sources:
            files |= self._project(source)
        return {path: base64.b64encode(body).decode() for path, body in files.items()}

    def _project(self, source: Manifest) -> dict[str, bytes]:
        if token := source.get("serviceAccountToken"):
            return {token["path"]: self._issue_token(token)}
        if fields := source.get("downwardAPI"):
            return {item["path"]: self._read_field(item) for item in fields.get("items") or ()}
        for key, kind in (("configMap", "ConfigMap"), ("secret", "Secret")):
            if reference := source.get(key):
                return _pick(_bytes(self._fetch(kind, reference["name"]) or {}, kind), reference)
        return {}

    def _issue_token(self, token: Manifest) -> bytes:
        account = self._pod["spec"].get("serviceAccountName", "default")
        seconds = int(token.get("expirationSeconds", _TOKEN_SECONDS))
        audiences = [token["audience"]] if "audience" in token else []
        body = {"spec": {"expirationSeconds": seconds, "audiences": audiences}}
        answer = self._api.post(f"{self._space}/serviceaccounts/{account}/token", body)
        return str(answer["status"]["token"]).encode()

    def _read_field(self, item: Manifest) -> bytes:
        path = item["fieldRef"]["fieldPath"]
        if path in {"metadata.labels", "metadata.annotations"}:
            pairs = self._pod["metadata"].get(path.rpartition(".")[2]) or {}
            return "\n".join(f'{key}="{value}"' for key, value in sorted(pairs.items())).encode()
        variable = {"name": "field", "valueFrom": {"fieldRef": {"fieldPath": path}}}
        return resolve_environment({"env": [variable]}, self._pod, self.find)["field"].encode()


def rewrite_volumes(spec: dict[str, Any]) -> None:
    """Turn the volumes that `References` puts together into Secrets."""
    for volume in spec.get("volumes") or ():
        for kind in ("projected", "downwardAPI"):
            if volume.pop(kind, None) is not None:
                volume["secret"] = {"secretName": _synthetic(volume)}


def _synthetic(volume: Manifest) -> str:
    return f"volume:{volume['name']}"  # no Secret can be called so


def _named(spec: Manifest) -> Iterator[tuple[str, str]]:
    for container in (*(spec.get("initContainers") or ()), *spec["containers"]):
        for source in container.get("envFrom") or ():
            yield from _keyed(source, ("configMapRef", "secretRef"))
        for variable in container.get("env") or ():
            yield from _keyed(variable.get("valueFrom") or {}, ("configMapKeyRef", "secretKeyRef"))
    for volume in spec.get("volumes") or ():
        if "configMap" in volume:
            yield "ConfigMap", volume["configMap"]["name"]
        if "secret" in volume:
            yield "Secret", volume["secret"]["secretName"]


def _keyed(source: Manifest, keys: tuple[str, str]) -> Iterator[tuple[str, str]]:
    for key, kind in zip(keys, _PATHS, strict=True):
        if key in source:
            yield kind, source[key]["name"]


def _bytes(found: Manifest, kind: str) -> dict[str, bytes]:
    data = found.get("data") or {}
    if kind == "Secret":
        return {key: base64.b64decode(value) for key, value in data.items()}
    binary = found.get("binaryData") or {}
    return {k: v.encode() for k, v in data.items()} | {
        k: base64.b64decode(v) for k, v in binary.items()
    }


def _pick(files: dict[str, bytes], reference: Manifest) -> dict[str, bytes]:
    items = reference.get("items")
    if not items:
        return files
    return {item["path"]: files[item["key"]] for item in items if item["key"] in files}
