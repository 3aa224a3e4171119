"""Applying one manifest to one stored object, as an API server would: pure."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from deployer.errors import PreconditionError
from deployer.ports import Applied, Manifest, ObjectRef
from deployer.providers.local.merge import merge_applied

__all__ = ["PickAddress", "PlannedApply", "Stored", "plan_apply", "stamp"]

Stored = Mapping[str, Any]
"""What is kept of an object: ``object``, as it is, and ``applied``, as it was asked for last."""

PickAddress = Callable[[Sequence[int]], str]
"""Returns a free address for a Service with these ports."""

_BOOKKEEPING = ("uid", "creationTimestamp", "resourceVersion", "generation", "namespace")


@dataclass(frozen=True, slots=True)
class PlannedApply:
    """What an apply comes to; ``stored`` has to be stamped unless the verdict is unchanged."""

    verdict: Applied
    stored: dict[str, Any]
    before: Manifest | None


def plan_apply(
    stored: Stored | None, manifest: Manifest, *, if_version: str | None, pick: PickAddress
) -> PlannedApply:
    """Return what applying ``manifest`` makes of ``stored``.

    Raises:
        PreconditionError: The object is not at ``if_version``.
    """
    live = stored["object"] if stored else None
    _check_version(ObjectRef.of(manifest), live, if_version)
    wanted = _cleaned(manifest)
    merged = _admit(merge_applied(live or {}, (stored or {}).get("applied"), wanted), pick)
    if live is None:
        return PlannedApply(Applied.CREATED, {"object": merged, "applied": wanted}, None)
    if _cleaned(merged) == _cleaned(live):
        return PlannedApply(Applied.UNCHANGED, {"object": live, "applied": wanted}, live)
    return PlannedApply(Applied.CHANGED, {"object": merged, "applied": wanted}, live)


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


def _admit(merged: dict[str, Any], pick: PickAddress) -> dict[str, Any]:
    """Fill in what the cluster decides: a Service's address, for good."""
    if merged["kind"] == "Service" and not merged["spec"].get("clusterIP"):
        ports = [int(port["port"]) for port in merged["spec"].get("ports") or ()]
        merged["spec"]["clusterIP"] = pick(ports)
    return merged


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
    cleaned["metadata"] = {k: v for k, v in metadata.items() if k not in _BOOKKEEPING}
    return cleaned
