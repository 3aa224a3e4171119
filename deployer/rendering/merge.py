"""Strategic merge by key: what `kubectl patch` does, for the lists that pods and Services have.

Maps merge deeply, null deletes, and a list whose items have a key merges item by item; any other
list is replaced. ``$patch: delete`` removes an item or a map, ``$patch: replace`` takes it as it
stands; an item that is nothing but ``$patch: replace`` replaces the whole list. Pure: arguments are
never changed.
"""

from collections.abc import Mapping, Sequence

from deployer.values import Json

__all__ = ["merge_manifest"]


def merge_manifest(base: Mapping[str, Json], patch: Mapping[str, Json]) -> dict[str, Json]:
    """Return ``base`` with ``patch`` merged into it."""
    if patch.get(_DIRECTIVE) == "replace":
        return {
            key: _without_nulls(value)
            for key, value in patch.items()
            if key != _DIRECTIVE and not _deletes(value)
        }
    merged = dict(base)
    for key, value in patch.items():
        if key == _DIRECTIVE:
            continue
        if _deletes(value):
            merged.pop(key, None)
        else:
            merged[key] = _merge_value(key, merged.get(key), value)
    return merged


_DIRECTIVE = "$patch"

_KEYS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "containers": (("name",),),
    "initContainers": (("name",),),
    "env": (("name",),),
    "volumes": (("name",),),
    "imagePullSecrets": (("name",),),
    "volumeMounts": (("mountPath",),),
    "volumeDevices": (("devicePath",),),
    "hostAliases": (("ip",),),
    "topologySpreadConstraints": (("topologyKey", "whenUnsatisfiable"),),
    "ports": (("containerPort", "protocol"), ("port", "protocol")),
}
"""The list-map keys of the Kubernetes API (``x-kubernetes-list-map-keys`` in its OpenAPI)."""

_DEFAULTS = {"protocol": "TCP"}

_EXCLUSIVE = {"value": "valueFrom", "valueFrom": "value"}
"""Of an environment variable's two fields, the one that is set last counts."""


def _deletes(value: Json) -> bool:
    return value is None or (isinstance(value, dict) and value.get(_DIRECTIVE) == "delete")


def _merge_value(name: str, base: Json, patch: Json) -> Json:
    if isinstance(patch, dict):
        return merge_manifest(base if isinstance(base, dict) else {}, patch)
    if isinstance(patch, list):
        return _merge_list(name, base if isinstance(base, list) else [], patch)
    return patch


def _merge_list(name: str, base: list[Json], patch: list[Json]) -> list[Json]:
    if {_DIRECTIVE: "replace"} in patch:
        base, patch = [], [item for item in patch if item != {_DIRECTIVE: "replace"}]
    keys = _keys_of(name, patch)
    if keys is None:
        return [_without_nulls(item) for item in patch if not _deletes(item)]
    # A base that cannot be told apart by the keys of the patch is replaced, like any other list.
    known = base if all(_has_keys(item, keys) for item in base) else []
    merged = {_identity(item, keys): item for item in known}
    for item in patch:
        _merge_item(merged, _identity(item, keys), item)
    return list(merged.values())


def _keys_of(name: str, items: Sequence[Json]) -> tuple[str, ...] | None:
    """Return the keys that tell the items apart; None when this list has none."""
    for keys in _KEYS.get(name, ()):
        if all(_has_keys(item, keys) for item in items):
            return keys
    return None


def _has_keys(item: Json, keys: tuple[str, ...]) -> bool:
    return isinstance(item, dict) and all(key in item or key in _DEFAULTS for key in keys)


def _identity(item: Mapping[str, Json], keys: tuple[str, ...]) -> tuple[Json, ...]:
    return tuple(item.get(key, _DEFAULTS.get(key)) for key in keys)


def _merge_item(
    merged: dict[tuple[Json, ...], Json], identity: tuple[Json, ...], item: Mapping[str, Json]
) -> None:
    if _deletes(item):
        merged.pop(identity, None)
        return
    dropped = {_EXCLUSIVE[key] for key in item if key in _EXCLUSIVE and item[key] is not None}
    base = {key: value for key, value in merged.get(identity, {}).items() if key not in dropped}
    merged[identity] = merge_manifest(base, item)


def _without_nulls(value: Json) -> Json:
    """Return ``value`` as it stands after a merge into nothing."""
    if isinstance(value, dict):
        return merge_manifest({}, {**value, _DIRECTIVE: "replace"})
    if isinstance(value, list):
        return [_without_nulls(item) for item in value if not _deletes(item)]
    return value
