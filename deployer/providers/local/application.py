"""Applying one manifest to one stored object, as an API server would: pure."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from deployer.errors import PreconditionError
from deployer.ports import (
    PLAIN,
    Applied,
    ApplyOptions,
    ApplyResult,
    FieldOwner,
    Manifest,
    ObjectRef,
)
from deployer.providers.batch import describe_conflict, refuse_foreign
from deployer.providers.differences import diff_fields
from deployer.providers.local.managers import find_conflicts
from deployer.providers.local.merge import merge_applied
from deployer.providers.policies import leave_out

__all__ = ["PickAddress", "PlannedApply", "Stored", "check_version", "plan_apply", "stamp"]

Stored = Mapping[str, Any]
"""What is kept of an object: ``object``, as it is, and ``applied``, as it was asked for last.

``others`` holds what other managers have written, by manager, where there are any.
"""

PickAddress = Callable[[Sequence[int]], str]
"""Returns a free address for a Service with these ports."""

_BOOKKEEPING = ("uid", "creationTimestamp", "resourceVersion", "generation", "namespace")


@dataclass(frozen=True, slots=True)
class PlannedApply:
    """What an apply comes to; ``stored`` has to be stamped unless the verdict is unchanged."""

    verdict: Applied
    stored: dict[str, Any]
    before: Manifest | None
    yielded: tuple[FieldOwner, ...] = ()
    conflicts: tuple[FieldOwner, ...] = ()

    @property
    def result(self) -> ApplyResult:
        """The same, for who asked."""
        after = self.stored["object"]
        return ApplyResult(
            ObjectRef.of(after),
            self.verdict,
            fields=() if self.before is None else diff_fields(self.before, after),
            yielded=self.yielded,
            conflicts=self.conflicts,
        )


def plan_apply(
    stored: Stored | None,
    manifest: Manifest,
    *,
    if_version: str | None,
    pick: PickAddress,
    options: ApplyOptions = PLAIN,
) -> PlannedApply:
    """Return what applying ``manifest`` makes of ``stored``.

    Raises:
        PreconditionError: The object is not at ``if_version``.
        FieldConflictError: Another manager holds a field, or the object is somebody else's.
    """
    live = stored["object"] if stored else None
    check_version(ObjectRef.of(manifest), live, if_version)
    if stored is None or live is None:
        wanted = _cleaned(manifest)
        merged = _admit(merge_applied({}, None, wanted), pick)
        return PlannedApply(Applied.CREATED, {"object": merged, "applied": wanted}, None)
    refuse_foreign(live, options.member_of)
    found = find_conflicts(stored, manifest, options.policies)
    if found.blocked and not options.dry_run:
        raise describe_conflict(ObjectRef.of(manifest), found.blocked)
    wanted = _cleaned(leave_out(manifest, [owner.path for owner in found.yielded]))
    merged = _admit(merge_applied(live, stored.get("applied"), wanted), pick)
    same = _cleaned(merged) == _cleaned(live)
    after = {"object": live if same else merged, "applied": wanted}
    if others := found.others_after:
        after["others"] = others
    verdict = Applied.UNCHANGED if same else Applied.CHANGED
    return PlannedApply(verdict, after, live, found.yielded, found.blocked)


def stamp(planned: PlannedApply, *, namespace: str, version: int, now: datetime) -> dict[str, Any]:
    """Return what is to be stored, with the cluster's own bookkeeping."""
    live, before = planned.stored["object"], planned.before
    old = before["metadata"] if before else {}
    changed = before is None or live.get("spec") != before.get("spec")
    metadata = live["metadata"] | {
        "namespace": namespace,
        "uid": old.get("uid") or str(uuid.uuid4()),
        "creationTimestamp": old.get("creationTimestamp") or now.isoformat(),
        "generation": int(old.get("generation", 0)) + int(changed),
        "resourceVersion": str(version),
    }
    return {**planned.stored, "object": {**live, "metadata": metadata}}


def check_version(ref: ObjectRef, live: Manifest | None, if_version: str | None) -> None:
    """Refuse a write that is meant for another version of the object.

    Raises:
        PreconditionError: It is not at ``if_version``.
    """
    found = live["metadata"]["resourceVersion"] if live else ""
    if if_version is not None and found != if_version:
        raise PreconditionError(
            f"{ref} is at version {found or '(none)'}, not {if_version or '(none)'}: "
            "another writer was there in between",
            operation="write",
            resource=str(ref),
        )


def _admit(merged: dict[str, Any], pick: PickAddress) -> dict[str, Any]:
    """Fill in what the cluster decides: a Service's address, for good."""
    if merged["kind"] == "Service" and not merged["spec"].get("clusterIP"):
        ports = [int(port["port"]) for port in merged["spec"].get("ports") or ()]
        merged["spec"]["clusterIP"] = pick(ports)
    return merged


def _cleaned(manifest: Manifest) -> dict[str, Any]:
    """Return the manifest without what only the cluster may say."""
    cleaned = {key: deepcopy(value) for key, value in manifest.items() if key != "status"}
    metadata = cleaned["metadata"]
    cleaned["metadata"] = {k: v for k, v in metadata.items() if k not in _BOOKKEEPING}
    return cleaned
