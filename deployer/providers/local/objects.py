"""The objects of a local cluster's namespace, with the rules of an API server for writing them."""

import uuid
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from deployer.errors import PreconditionError
from deployer.ports import Applied, Clock, Manifest, ObjectRef
from deployer.providers.local.addresses import pick_address
from deployer.providers.local.cluster_folder import ClusterFolder, read_json, write_json
from deployer.providers.local.merge import merge_applied

__all__ = ["ObjectFiles", "matches", "used_addresses"]

_OURS = ("uid", "creationTimestamp", "resourceVersion", "generation", "namespace")


@dataclass(frozen=True, slots=True)
class ObjectFiles:
    """One namespace's objects as files: ``objects/<Kind>/<name>.json``.

    Each file holds the live object and, beside it, what was applied last: one write changes both.
    """

    folder: ClusterFolder
    namespace: str
    clock: Clock

    def find(self, ref: ObjectRef) -> dict[str, Any] | None:
        """Return the live object without its status, or None."""
        stored = self._read(ref.kind, ref.name)
        if stored is None or stored["object"]["apiVersion"] != ref.api_version:
            return None
        live: dict[str, Any] = stored["object"]
        return live

    def find_named(self, kind: str, name: str) -> dict[str, Any] | None:
        """Return the live object of any API version, or None."""
        stored = self._read(kind, name)
        return None if stored is None else stored["object"]

    def list(self, kind: str = "") -> Iterator[dict[str, Any]]:
        """Yield live objects of one kind, or of all, in order of kind and name."""
        folder = self.folder.objects(self.namespace, kind)
        for path in sorted(folder.glob("[!.]*.json" if kind else "*/[!.]*.json")):
            if stored := read_json(path):
                yield stored["object"]

    def apply(self, manifest: Manifest, *, dry_run: bool, if_version: str | None) -> Applied:
        """Apply ``manifest``; see `Cluster.apply`."""
        ref = ObjectRef.of(manifest)
        with self.folder.writing(self.clock):
            stored = self._read(ref.kind, ref.name) or {}
            live = stored.get("object")
            _check_version(ref, live, if_version)
            merged = merge_applied(live or {}, stored.get("applied"), _cleaned(manifest))
            merged = self._admit(merged, live)
            if live is not None and _content(merged) == _content(live):
                if not dry_run and stored.get("applied") != _cleaned(manifest):
                    self._write(ref, {"object": live, "applied": _cleaned(manifest)})
                return Applied.UNCHANGED
            if not dry_run:
                stamped = self._stamp(merged, live)
                self._write(ref, {"object": stamped, "applied": _cleaned(manifest)})
                self.folder.tell_change()
            return Applied.CREATED if live is None else Applied.CHANGED

    def delete(self, ref: ObjectRef) -> None:
        """Remove the object's file, if it is there."""
        with self.folder.writing(self.clock):
            path = self.folder.objects(self.namespace, ref.kind) / f"{ref.name}.json"
            path.unlink(missing_ok=True)
            self.folder.status_file(self.namespace, ref.kind, ref.name).unlink(missing_ok=True)
            self.folder.tell_change()

    def _read(self, kind: str, name: str) -> dict[str, Any] | None:
        stored: dict[str, Any] | None = read_json(
            self.folder.objects(self.namespace, kind) / f"{name}.json"
        )
        return stored

    def _write(self, ref: ObjectRef, stored: Mapping[str, Any]) -> None:
        path = self.folder.objects(self.namespace, ref.kind) / f"{ref.name}.json"
        write_json(path, stored, durable=True)

    def _admit(self, merged: dict[str, Any], live: Manifest | None) -> dict[str, Any]:
        """Fill in what the cluster decides: a Service's address, for good."""
        if merged["kind"] == "Service" and not merged["spec"].get("clusterIP"):
            old = ((live or {}).get("spec") or {}).get("clusterIP")
            ports = [int(port["port"]) for port in merged["spec"].get("ports") or ()]
            merged["spec"]["clusterIP"] = old or pick_address(ports, used_addresses(self.folder))
        return merged

    def _stamp(self, merged: dict[str, Any], live: Manifest | None) -> dict[str, Any]:
        old = live["metadata"] if live else {}
        changed = live is None or merged.get("spec") != live.get("spec")
        merged["metadata"] |= {
            "namespace": self.namespace,
            "uid": old.get("uid") or str(uuid.uuid4()),
            "creationTimestamp": old.get("creationTimestamp") or self.clock.now().isoformat(),
            "generation": int(old.get("generation", 0)) + int(changed),
            "resourceVersion": str(self.folder.next_version()),
        }
        return merged


def matches(labels: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """Return whether ``labels`` have all of ``wanted``."""
    return wanted.items() <= labels.items()


def used_addresses(folder: ClusterFolder) -> set[str]:
    """Return the addresses of all Services and pods of the cluster."""
    services = map(read_json, folder.namespaces.glob("*/objects/Service/[!.]*.json"))
    pods = map(read_json, folder.namespaces.glob("*/pods/*/pod.json"))
    used = {stored["object"]["spec"].get("clusterIP") for stored in services if stored}
    return {str(a) for a in used | {pod["status"].get("podIP") for pod in pods if pod} if a}


def _check_version(ref: ObjectRef, live: Manifest | None, if_version: str | None) -> None:
    found = live["metadata"]["resourceVersion"] if live else ""
    if if_version is not None and found != if_version:
        raise PreconditionError(
            f"{ref} is at version {found or '(none)'}, not {if_version or '(none)'}: "
            "another writer was there in between",
            operation="apply",
            resource=str(ref),
        )


def _cleaned(manifest: Manifest) -> dict[str, Any]:
    """Return the manifest without what only the cluster may say."""
    cleaned = {key: deepcopy(value) for key, value in manifest.items() if key != "status"}
    metadata = cleaned["metadata"]
    cleaned["metadata"] = {key: value for key, value in metadata.items() if key not in _OURS}
    return cleaned


def _content(live: Manifest) -> dict[str, Any]:
    return _cleaned(live)
