"""Whether an apply changed what we own, whatever controllers wrote meanwhile: pure."""

from collections.abc import Mapping
from typing import Any

from deployer.ports import Manifest

__all__ = ["changes_nothing"]


def changes_nothing(manifest: Manifest, before: Manifest, after: Manifest, *, manager: str) -> bool:
    """Return whether an apply of ``manifest`` left all fields of ``manager`` as they were.

    Comparing whole objects would not do: between our read and our apply, a controller may have
    written an annotation or a status of its own.
    """
    same_fields = _owned_fields(before, manager) == _owned_fields(after, manager)
    return bool(same_fields and _project(before, manifest) == _project(after, manifest))


def _owned_fields(live: Manifest, manager: str) -> Any:
    """Return the fields as the API server books them for the manager's applies."""
    entries = live["metadata"].get("managedFields") or ()
    ours = [e for e in entries if e["manager"] == manager and e["operation"] == "Apply"]
    return [(entry.get("subresource", ""), entry.get("fieldsV1")) for entry in ours]


def _project(live: Any, wanted: Any) -> Any:
    """Return ``live`` with only the fields that ``wanted`` names; lists whole."""
    if isinstance(live, Mapping) and isinstance(wanted, Mapping):
        return {key: _project(live.get(key), value) for key, value in wanted.items()}
    return live
