"""The objects of a local cluster's namespace, with the rules of an API server for writing them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deployer.ports import Applied, ApplyOptions, Clock, Manifest, ObjectRef
from deployer.providers.local.addresses import pick_address
from deployer.providers.local.application import (
    PlannedApply,
    check_version,
    plan_apply,
    stamp,
)
from deployer.providers.local.cluster_folder import ClusterFolder, read_json, write_json

__all__ = ["ObjectFiles", "matches", "used_addresses"]


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

    def apply(
        self, manifest: Manifest, options: ApplyOptions, *, if_version: str | None
    ) -> PlannedApply:
        """Apply ``manifest``; see `Cluster.apply`."""
        ref = ObjectRef.of(manifest)
        with self.folder.writing(self.clock):
            stored = self._read(ref.kind, ref.name)
            planned = plan_apply(
                stored, manifest, if_version=if_version, pick=self._pick, options=options
            )
            if not options.dry_run and planned.stored != stored:
                self._write(ref, planned)
            return planned

    def delete(self, ref: ObjectRef, *, if_version: str | None = None) -> None:
        """Remove the object's file, if it is there; see `Cluster.delete`."""
        with self.folder.writing(self.clock):
            if (stored := self._read(ref.kind, ref.name)) is not None:
                check_version(ref, stored["object"], if_version)
            path = self.folder.objects(self.namespace, ref.kind) / f"{ref.name}.json"
            path.unlink(missing_ok=True)
            self.folder.status_file(self.namespace, ref.kind, ref.name).unlink(missing_ok=True)
            self.folder.tell_change()

    def _read(self, kind: str, name: str) -> dict[str, Any] | None:
        stored: dict[str, Any] | None = read_json(
            self.folder.objects(self.namespace, kind) / f"{name}.json"
        )
        return stored

    def _write(self, ref: ObjectRef, planned: PlannedApply) -> None:
        stored = planned.stored
        if planned.verdict is not Applied.UNCHANGED:
            version, now = self.folder.next_version(), self.clock.now()
            stored = stamp(planned, namespace=self.namespace, version=version, now=now)
        path = self.folder.objects(self.namespace, ref.kind) / f"{ref.name}.json"
        write_json(path, stored, durable=True)
        self.folder.tell_change()

    def _pick(self, ports: Sequence[int]) -> str:
        return pick_address(ports, used_addresses(self.folder))


def matches(labels: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """Return whether ``labels`` have all of ``wanted``."""
    return wanted.items() <= labels.items()


def used_addresses(folder: ClusterFolder) -> set[str]:
    """Return the addresses of all Services and pods of the cluster."""
    services = map(read_json, folder.namespaces.glob("*/objects/Service/[!.]*.json"))
    pods = map(read_json, folder.namespaces.glob("*/pods/*/pod.json"))
    used = {stored["object"]["spec"].get("clusterIP") for stored in services if stored}
    return {str(a) for a in used | {pod["status"].get("podIP") for pod in pods if pod} if a}
