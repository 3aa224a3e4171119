"""What ``managedFields`` tell of who owns which field. Pure.

The format is FieldsV1 of the Kubernetes API (meta/v1): ``f:name`` is a field, ``k:{…}`` an item of
a list with keys, ``v:…`` an item of a set, ``.`` the thing itself, and nothing below means a value
that is owned as one.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deployer.ports import FieldOwner, Manifest

__all__ = ["find_owners", "is_applied", "migrate_fields", "old_managers"]

_CLIENT_SIDE = ("kubectl-client-side-apply", "helm")
"""Managers that wrote whole objects by plain updates, before server-side apply."""
_KEY_DEFAULTS = {"protocol": "TCP"}
_UNOWNED = ("name", "namespace", "uid", "resourceVersion")

_Fields = Mapping[str, Any]


def is_applied(wanted: Manifest, live: Manifest, *, manager: str) -> bool:
    """Say whether applying ``wanted`` as ``manager`` would change nothing at all.

    So it is when the manager owns exactly the fields that ``wanted`` names and each is as it says:
    whoever else writes a field takes it over. In doubt the answer is no.
    """
    entry = _find_entry(live, manager)
    if entry is None or entry["apiVersion"] != wanted["apiVersion"]:
        return False
    return _holds(entry.get("fieldsV1") or {}, _ownable(wanted), live)


def find_owners(live: Manifest, path: str, *, manager: str) -> Iterator[FieldOwner]:
    """Yield who else owns the field at ``path``; nobody, while ``manager`` does.

    ``path`` leads through maps only.
    """
    ours = _find_entry(live, manager)
    if ours is not None and _leads_to(ours.get("fieldsV1") or {}, path):
        return
    for entry in _entries(live):
        if _leads_to(entry.get("fieldsV1") or {}, path):
            yield FieldOwner(path, entry["manager"], entry.get("subresource", ""))


def old_managers(live: Manifest, *, api_version: str) -> set[str]:
    """Return those managers of the object that wrote it client-side, and so own too much."""
    return {entry["manager"] for entry in _entries(live) if _is_old(entry, api_version)}


def migrate_fields(live: Manifest, *, api_version: str, manager: str) -> list[dict[str, Any]]:
    """Return the object's ``managedFields`` with all that client-side managers own as ours.

    What kubectl does for its own objects (client-go ``csaupgrade``): afterwards an apply removes
    what it no longer names, instead of leaving it behind for a manager that is gone.
    """
    old = [entry for entry in _entries(live) if _is_old(entry, api_version)]
    ours = _find_entry(live, manager) or {
        "manager": manager,
        "operation": "Apply",
        "apiVersion": api_version,
        "fieldsType": "FieldsV1",
        "time": old[-1].get("time"),
    }
    fields: _Fields = ours.get("fieldsV1") or {}
    for entry in old:
        fields = _union(fields, entry.get("fieldsV1") or {})
    kept = [entry for entry in _entries(live) if entry not in old and entry != ours]
    return [*kept, {**ours, "fieldsV1": fields}]


def _entries(live: Manifest) -> Sequence[dict[str, Any]]:
    return live["metadata"].get("managedFields") or ()


def _find_entry(live: Manifest, manager: str) -> dict[str, Any] | None:
    ours = (
        entry
        for entry in _entries(live)
        if entry["manager"] == manager
        and entry["operation"] == "Apply"
        and not entry.get("subresource")
    )
    return next(ours, None)


def _is_old(entry: Mapping[str, Any], api_version: str) -> bool:
    return (
        entry["manager"] in _CLIENT_SIDE
        and entry["operation"] == "Update"
        and not entry.get("subresource")
        and entry["apiVersion"] == api_version
    )


def _ownable(wanted: Manifest) -> dict[str, Any]:
    metadata = {k: v for k, v in wanted["metadata"].items() if k not in _UNOWNED}
    rest = {k: v for k, v in wanted.items() if k not in ("apiVersion", "kind", "metadata")}
    return {**rest, "metadata": metadata} if metadata else rest


def _holds(fields: _Fields, wanted: Any, live: Any) -> bool:
    owned = {key for key in fields if key != "."}
    if not owned:
        return _includes(live, wanted)
    if isinstance(wanted, Mapping) and isinstance(live, Mapping):
        return owned == {f"f:{key}" for key in wanted} and all(
            value is not None and _holds(fields[f"f:{key}"], value, live.get(key))
            for key, value in wanted.items()
        )
    if isinstance(wanted, list | tuple) and isinstance(live, list | tuple):
        return len(owned) == len(wanted) and all(
            _holds_item(key, fields[key], wanted, live) for key in owned
        )
    return False


def _holds_item(key: str, fields: _Fields, wanted: Sequence[Any], live: Sequence[Any]) -> bool:
    kind, _, text = key.partition(":")
    if kind == "v":
        value = json.loads(text)
        return value in wanted and value in live
    if kind != "k":
        return False
    names = json.loads(text)
    ours, theirs = _pick(wanted, names), _pick(live, names)
    return ours is not None and theirs is not None and _holds(fields, ours, theirs)


def _pick(items: Sequence[Any], names: Mapping[str, Any]) -> Any:
    for item in items:
        if isinstance(item, Mapping) and all(
            item.get(key, _KEY_DEFAULTS.get(key)) == value for key, value in names.items()
        ):
            return item
    return None


def _includes(live: Any, wanted: Any) -> bool:
    """Say whether ``live`` is ``wanted``, but for what the server filled in."""
    if isinstance(wanted, Mapping):
        return isinstance(live, Mapping) and all(
            key in live and _includes(live[key], value) for key, value in wanted.items()
        )
    if isinstance(wanted, list | tuple):
        return (
            isinstance(live, list | tuple)
            and len(live) == len(wanted)
            and all(_includes(a, b) for a, b in zip(live, wanted, strict=True))
        )
    return type(live) is type(wanted) and bool(live == wanted)


def _leads_to(fields: _Fields, path: str) -> bool:
    for key, below in fields.items():
        name = key.removeprefix("f:")
        if key.startswith("f:") and path == name:
            return True
        if key.startswith("f:") and path.startswith(f"{name}.") and below:
            return _leads_to(below, path[len(name) + 1 :])
    return False


def _union(first: _Fields, second: _Fields) -> _Fields:
    both = {key: _union(first[key], second[key]) for key in first.keys() & second.keys()}
    return {**first, **second, **both}
