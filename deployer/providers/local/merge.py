"""Server-side apply for one field manager: a three-way merge, pure.

Fields the manager named before and names no longer are removed, fields it never named are left
alone. Lists that Kubernetes merges by key are merged by that key; all other lists are one value.
The keys are those of the Kubernetes API's ``x-kubernetes-list-map-keys``.
"""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["merge_applied"]

_Key = tuple[str, ...]

_LIST_KEYS: Mapping[str, tuple[_Key, ...]] = {
    "conditions": (("type",),),
    "containers": (("name",),),
    "env": (("name",),),
    "hostAliases": (("ip",),),
    "imagePullSecrets": (("name",),),
    "initContainers": (("name",),),
    "ports": (("containerPort", "protocol"), ("port", "protocol")),
    "topologySpreadConstraints": (("topologyKey", "whenUnsatisfiable"),),
    "volumeMounts": (("mountPath",),),
    "volumes": (("name",),),
}
_KEY_DEFAULTS = {"protocol": "TCP"}


def merge_applied(live: Any, before: Any, wanted: Any, *, field: str = "") -> Any:
    """Return ``live`` with the fields of ``wanted``, without those only ``before`` names.

    Args:
        before: What this manager applied last; None when it never did.
        field: The name of the field these values stand in; it decides how lists merge.
    """
    if isinstance(wanted, Mapping):
        return _merge_maps(_map(live), _map(before), wanted)
    key = _key_of(field, wanted)
    if key is not None:
        return _merge_lists(_list(live), _list(before), wanted, key)
    return copy.deepcopy(wanted)


def _merge_maps(
    live: Mapping[str, Any], before: Mapping[str, Any], wanted: Mapping[str, Any]
) -> dict[str, Any]:
    merged = {}
    for name, value in live.items():
        if name not in wanted and name not in before:
            merged[name] = copy.deepcopy(value)
        elif name not in wanted and (rest := _without(value, before[name], name)) is not None:
            merged[name] = rest
    for name, value in wanted.items():
        merged[name] = merge_applied(live.get(name), before.get(name), value, field=name)
    return merged


def _merge_lists(
    live: Sequence[Any], before: Sequence[Any], wanted: Sequence[Any], key: _Key
) -> list[Any]:
    old, past = _index(live, key), _index(before, key)
    merged = [
        merge_applied(old.get(_identity(item, key)), past.get(_identity(item, key)), item)
        for item in wanted
    ]
    kept = _index(wanted, key)
    for identity, item in old.items():
        if identity not in kept and identity not in past:
            merged.append(copy.deepcopy(item))
    return merged


def _without(live: Any, before: Any, field: str) -> Any:
    """Return what others own of ``live`` once ``before`` is taken out; None when nothing is."""
    if isinstance(live, Mapping) and isinstance(before, Mapping):
        return _merge_maps(live, before, {}) or None
    key = _key_of(field, before)
    if key is not None and isinstance(live, Sequence):
        return _merge_lists(live, before, (), key) or None
    return None


def _key_of(field: str, items: Any) -> _Key | None:
    if not isinstance(items, list | tuple) or not all(isinstance(i, Mapping) for i in items):
        return None
    candidates = _LIST_KEYS.get(field, ())
    return next((key for key in candidates if all(key[0] in item for item in items)), None)


def _identity(item: Mapping[str, Any], key: _Key) -> tuple[Any, ...]:
    return tuple(item.get(part, _KEY_DEFAULTS.get(part)) for part in key)


def _index(items: Sequence[Any], key: _Key) -> dict[tuple[Any, ...], Any]:
    return {_identity(item, key): item for item in items}


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else ()
