"""How two states of one object differ, field by field, for people. Pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deployer.ports import FieldDiff, Manifest

__all__ = ["MASK", "diff_fields", "flatten_fields"]

MASK = "(hidden)"
"""Stands for what a Secret holds."""

_MAX_TEXT = 200
_BOOKKEEPING = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "namespace",
    "resourceVersion",
    "selfLink",
    "uid",
)
_NAMES = ("name", "type", "key", "mountPath", "port", "containerPort", "ip")
"""By which of these an item of a list is told from the others, the first that all items have."""
_ABSENT = object()


def diff_fields(before: Manifest, after: Manifest) -> tuple[FieldDiff, ...]:
    """Return each field that differs, in order of its path; status and bookkeeping left out.

    Long values are cut; of a Secret's data only the keys are shown.
    """
    hide = before["kind"] == "Secret"
    return tuple(
        FieldDiff(path, _show(old, hide=hide), _show(new, hide=hide))
        for path, old, new in sorted(_differ("", _bare(before), _bare(after)), key=lambda d: d[0])
    )


def flatten_fields(manifest: Manifest) -> dict[str, Any]:
    """Return every value that a manifest sets, by its path; what names the object left out."""
    bare = {k: v for k, v in _bare(manifest).items() if k not in ("apiVersion", "kind")}
    bare["metadata"] = {k: v for k, v in bare["metadata"].items() if k != "name"}
    return {path: value for path, _, value in _differ("", {}, bare) if value != {}}


def _bare(manifest: Manifest) -> dict[str, Any]:
    metadata = {k: v for k, v in manifest["metadata"].items() if k not in _BOOKKEEPING}
    return {**{k: v for k, v in manifest.items() if k != "status"}, "metadata": metadata}


def _differ(path: str, before: Any, after: Any) -> Iterator[tuple[str, Any, Any]]:
    if before == after:
        return
    if isinstance(after, Mapping) and after and before is _ABSENT:
        before = {}
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in before.keys() | after.keys():
            yield from _differ(
                f"{path}.{key}" if path else key,
                before.get(key, _ABSENT),
                after.get(key, _ABSENT),
            )
    elif name := _name_of(before, after):
        old, new = _by_name(before, name), _by_name(after, name)
        for key in old.keys() | new.keys():
            yield from _differ(
                f"{path}[{name}={json.dumps(key)}]", old.get(key, _ABSENT), new.get(key, _ABSENT)
            )
    else:
        yield path, before, after


def _name_of(before: Any, after: Any) -> str | None:
    """Return the key by which the items of two lists can be told apart, if there is one."""
    if not isinstance(before, list | tuple) or not isinstance(after, list | tuple):
        return None
    return next((name for name in _NAMES if _is_key(before, name) and _is_key(after, name)), None)


def _is_key(items: Sequence[Any], name: str) -> bool:
    values = [item.get(name) if isinstance(item, Mapping) else None for item in items]
    return None not in values and len({str(value) for value in values}) == len(values)


def _by_name(items: Sequence[Mapping[str, Any]], name: str) -> dict[Any, Any]:
    return {item[name]: item for item in items}


def _show(value: Any, *, hide: bool) -> str | None:
    if value is _ABSENT:
        return None
    if hide:
        return MASK
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return text if len(text) <= _MAX_TEXT else f"{text[: _MAX_TEXT - 1]}…"
