"""Other managers of the same object: what they wrote, and where that is in our way. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deployer.ports import FieldOwner, Manifest, Policy
from deployer.providers.differences import flatten_fields
from deployer.providers.local.merge import merge_applied
from deployer.providers.policies import leave_out, policy_for

__all__ = ["Conflicts", "edit_stored", "find_conflicts"]


@dataclass(frozen=True, slots=True)
class Conflicts:
    """Fields that others hold at another value, by what is to be done about them.

    Attributes:
        others_after: What the others still own once fields were taken over by force.
    """

    blocked: tuple[FieldOwner, ...]
    yielded: tuple[FieldOwner, ...]
    others_after: dict[str, Manifest]


def find_conflicts(
    stored: Mapping[str, Any], manifest: Manifest, policies: Mapping[str, Policy]
) -> Conflicts:
    """Return where ``manifest`` wants something else than other managers have written."""
    others: Mapping[str, Manifest] = stored.get("others") or {}
    wanted = flatten_fields(manifest)
    owners = [
        FieldOwner(path, *_split(manager))
        for manager, written in sorted(others.items())
        for path, value in flatten_fields(written).items()
        if path in wanted and wanted[path] != value
    ]
    decided = {owner: policy_for(owner, manifest, policies) for owner in owners}
    by = {policy: tuple(o for o in owners if decided[o] is policy) for policy in Policy}
    taken = [owner.path for owner in by[Policy.FORCE]]
    return Conflicts(
        by[Policy.FAIL],
        by[Policy.YIELD],
        {manager: leave_out(written, taken) for manager, written in others.items()},
    )


def edit_stored(stored: Mapping[str, Any], change: Manifest, manager: str) -> dict[str, Any]:
    """Return ``stored`` after another manager wrote ``change``: it owns these fields now.

    Args:
        manager: Its name; ``name/scale`` when it writes through the scale subresource.
    """
    others = stored.get("others") or {}
    paths = list(flatten_fields(change))
    return {
        "object": merge_applied(stored["object"], None, change),
        "applied": leave_out(stored["applied"], paths),
        "others": {**others, manager: merge_applied(others.get(manager, {}), None, change)},
    }


def _split(manager: str) -> tuple[str, str]:
    name, _, subresource = manager.partition("/")
    return name, subresource
