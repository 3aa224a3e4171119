"""What to do about fields that other managers own: policies, and leaving fields out. Pure.

Fields are written as API servers write them: ``spec.replicas``,
``spec.template.spec.containers[name="server"].image``. Keys may hold dots themselves
(``metadata.labels.app.kubernetes.io/name``), so a path is read along a manifest, never split.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from deployer.ports import FieldOwner, Manifest, Policy

__all__ = ["is_autoscalers", "leave_out", "policy_for", "yielded_paths"]

_SELECTOR = re.compile(r'\[(?:[^\]"]|"(?:[^"\\]|\\.)*")*\]')
_PAIR = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|[^,\]]+)')
_REPLICAS = "spec.replicas"


def policy_for(owner: FieldOwner, manifest: Manifest, policies: Mapping[str, Policy]) -> Policy:
    """Return what to do about a field of ``manifest`` that ``owner`` holds.

    The longest matching path decides; ``spec.template`` speaks of all below it, and
    ``containers.image`` of every container's. Without one, an autoscaler's replicas are yielded.
    """
    found = [
        (len(path), policy)
        for path, policy in _of_kind(manifest, policies)
        if _covers(path, owner.path)
    ]
    if found:
        return max(found)[1]
    return Policy.YIELD if is_autoscalers(owner) else Policy.FAIL


def is_autoscalers(owner: FieldOwner) -> bool:
    """Say whether this is the replica count that a HorizontalPodAutoscaler, or KEDA, has set.

    Both write through the scale subresource; HPAs are run by kube-controller-manager, and KEDA
    scales from and to zero by itself.
    """
    scaler = owner.manager == "kube-controller-manager" or owner.manager.startswith("keda")
    return owner.path == _REPLICAS and owner.subresource == "scale" and scaler


def yielded_paths(manifest: Manifest, policies: Mapping[str, Policy]) -> list[str]:
    """Return the paths that policies yield on objects of this kind."""
    return [path for path, policy in _of_kind(manifest, policies) if policy is Policy.YIELD]


def leave_out(manifest: Manifest, paths: Iterable[str]) -> Manifest:
    """Return ``manifest`` without these fields; what it does not name is passed over."""
    left: Any = manifest
    for path in paths:
        left = _without(left, path)
    body: Manifest = left
    return body


def _of_kind(manifest: Manifest, policies: Mapping[str, Policy]) -> Iterator[tuple[str, Policy]]:
    names = {manifest["kind"], f"{manifest['apiVersion']}/{manifest['kind']}"}
    for key, policy in policies.items():
        kind, _, path = key.partition(":")
        if kind in names:
            yield path.lstrip("."), policy


def _covers(path: str, field: str) -> bool:
    whole = field if "[" in path else _SELECTOR.sub("", field)
    return whole == path or whole.startswith((f"{path}.", f"{path}["))


def _without(value: Any, path: str) -> Any:
    if isinstance(value, Mapping):
        return _without_key(value, path)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return _without_item(value, path)
    return value


def _without_key(value: Mapping[str, Any], path: str) -> dict[str, Any]:
    kept = dict(value)
    for key in sorted(value, key=len, reverse=True):
        if path == key:
            del kept[key]
            break
        if path.startswith((f"{key}.", f"{key}[")):
            kept[key] = _without(value[key], path[len(key) :].lstrip("."))
            break
    return kept


def _without_item(items: Sequence[Any], path: str) -> list[Any]:
    selector = _SELECTOR.match(path)
    if selector is None:
        return [_without(item, path) for item in items]
    wanted = {key: text.strip('"') for key, text in _PAIR.findall(selector[0])}
    rest = path[selector.end() :].lstrip(".")
    kept: list[Any] = []
    for item in items:
        if not _is_selected(item, wanted):
            kept.append(item)
        elif rest:
            kept.append(_without(item, rest))
    return kept


def _is_selected(item: Any, wanted: Mapping[str, str]) -> bool:
    return isinstance(item, Mapping) and all(
        str(item.get(key)) == text for key, text in wanted.items()
    )
