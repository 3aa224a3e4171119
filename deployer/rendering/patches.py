"""The user's own objects, strategic merges and JSON patches (RFC 6902), from ``patches``."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deployer.errors import Fault, SpecError
from deployer.ports import Manifest, ObjectRef
from deployer.rendering.credentials import find_credentials
from deployer.rendering.documents import Document, read_documents
from deployer.rendering.kinds import explain_kind, group_of, is_cluster_wide
from deployer.rendering.merge import merge_manifest
from deployer.rendering.operations import apply_operations
from deployer.spec.model import Spec
from deployer.spec.tree import Finding, TreePath, dig, format_path
from deployer.values import Json

__all__ = ["Patch", "apply_patches", "load_patches"]


@dataclass(frozen=True, slots=True)
class Patch:
    """One checked document: an object or a merge has a ``ref``, a JSON patch only its target."""

    document: Document
    ref: ObjectRef | None


def load_patches(spec: Spec, *, namespace: str) -> tuple[Patch, ...]:
    """Read every document of the spec's patches, in order.

    Raises:
        SpecError: A document is no YAML, or no object that we may apply to ``namespace``, or holds
            a credential; with every fault of the first file that has one.
    """
    documents = list(read_documents(spec))
    for file in dict.fromkeys(document.file for document in documents):
        _refuse_faulty(file, [item for item in documents if item.file == file], namespace)
    return tuple(Patch(document, _ref_of(document)) for document in documents)


def apply_patches(objects: Sequence[Manifest], patches: Sequence[Patch]) -> list[Manifest]:
    """Return ``objects`` with the patches merged in, and the patches that are new objects.

    Raises:
        SpecError: A new object is there twice, there is nothing of a patch's target, or a patch
            takes away what a release cannot do without.
    """
    result = {ObjectRef.of(manifest): manifest for manifest in objects}
    ours = frozenset(result)
    for patch in patches:
        ref = _choose(patch, result)
        if ref is None:
            ref = patch.ref or _unreachable(patch)
            result[ref] = merge_manifest({}, patch.document.data)
        elif patch.ref and ref not in ours and patch.document.target is None:
            raise _refuse(patch, ("metadata", "name"), f"{ref} is there twice")
        elif dig(patch.document.data, "$patch") == "delete":
            result.pop(_removable(patch, ref))
        else:
            result[ref] = _change(patch, ref, result[ref])
    return list(result.values())


_REMOVABLE = frozenset(
    {"HorizontalPodAutoscaler", "HTTPRoute", "Ingress", "NetworkPolicy", "PodDisruptionBudget"}
    | {"ScaledObject", "ServiceMonitor"}
)
"""What a release can be served without."""

_SERVERS_OWN = ("uid", "resourceVersion", "managedFields", "generation", "creationTimestamp")


def _refuse_faulty(file: Path, documents: Sequence[Document], namespace: str) -> None:
    faults = {
        fault: None
        for document in documents
        for fault in document.tree.faults(_check(document, namespace))
    }
    if faults:
        raise _error(file, list(faults))


def _check(document: Document, namespace: str) -> Iterator[Finding]:
    yield from document.tree.findings
    checks = _check_operations if isinstance(document.data, list) else _check_object
    for finding in (*checks(document, namespace), *find_credentials(document.data)):
        yield Finding((*document.path, *finding.path), finding.message, finding.on_key)


def _check_operations(document: Document, _namespace: str) -> Iterator[Finding]:
    if document.target is None:
        message = "a JSON patch needs a target: {path: FILE, target: {kind: …, name: …}}"
        yield Finding((), message)
    for index, item in enumerate(document.data):
        if not isinstance(item, Mapping) or not {"op", "path"} <= set(item):
            yield Finding((index,), "an operation of a JSON patch has op and path (RFC 6902)")


def _check_object(document: Document, namespace: str) -> Iterator[Finding]:
    data = document.data
    if not isinstance(data, Mapping):
        yield Finding((), "expected a Kubernetes object: a map with apiVersion, kind, metadata")
        return
    if document.target is None:
        yield from _check_identity(data)
    metadata = data.get("metadata")
    yield from _check_scope(data, namespace)
    for key in _SERVERS_OWN:
        if dig(metadata, key) is not None:
            yield Finding(("metadata", key), "the server sets this; leave it out", on_key=True)
    if "status" in data:
        yield Finding(("status",), "the server sets this; leave it out", on_key=True)


def _check_scope(data: Mapping[str, Json], namespace: str) -> Iterator[Finding]:
    version, kind = data.get("apiVersion"), data.get("kind")
    found, path = dig(data, "metadata", "namespace"), ("metadata", "namespace")
    if isinstance(version, str) and isinstance(kind, str) and is_cluster_wide(version, kind):
        if found is not None:
            yield Finding(path, f"a {kind} belongs to the whole cluster; it has no namespace")
    elif found not in (None, namespace):
        message = f"objects go to the target's namespace, {namespace}; leave this out"
        yield Finding(path, message)


def _check_identity(data: Mapping[str, Json]) -> Iterator[Finding]:
    missing = False
    for path in (("apiVersion",), ("kind",), ("metadata", "name")):
        if not _is_text(dig(data, *path)):
            missing = True
            yield Finding(path, f"an object needs {'.'.join(path)}, a string")
    if not missing and (why := explain_kind(data["apiVersion"], data["kind"])):
        yield Finding(("kind",), why)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _ref_of(document: Document) -> ObjectRef | None:
    named = not isinstance(document.data, list) and document.target is None
    return ObjectRef.of(document.data) if named else None


def _choose(patch: Patch, objects: Iterable[ObjectRef]) -> ObjectRef | None:
    """Return the object that ``patch`` is about; None when it is a new one."""
    target = patch.document.target
    if target is not None:
        found = [ref for ref in objects if (ref.kind, ref.name) == (target.kind, target.name)]
        if len(found) == 1:
            return found[0]
        there = ", ".join(sorted(str(ref) for ref in objects))
        message = f"there is no {target.kind}/{target.name} to change; there are {there}"
        raise _refuse(patch, (), message)
    wanted = patch.ref or _unreachable(patch)
    for ref in objects:
        if (ref.kind, ref.name) == (wanted.kind, wanted.name) and _same_group(ref, wanted):
            if ref.api_version != wanted.api_version:
                raise _refuse(patch, ("apiVersion",), f"{ref} is {ref.api_version} here")
            return ref
    return None


def _same_group(one: ObjectRef, other: ObjectRef) -> bool:
    return group_of(one.api_version) == group_of(other.api_version)


def _unreachable(patch: Patch) -> ObjectRef:
    raise _refuse(patch, (), "a JSON patch needs a target")


def _removable(patch: Patch, ref: ObjectRef) -> ObjectRef:
    if ref.kind not in _REMOVABLE:
        message = f"{ref} of the release cannot be deleted, only changed"
        raise _refuse(patch, ("$patch",), message)
    return ref


def _change(patch: Patch, ref: ObjectRef, before: Manifest) -> Manifest:
    data = patch.document.data
    if isinstance(data, list):
        after = apply_operations(before, data, lambda path, why: _refuse(patch, path, why))
    else:
        after = merge_manifest(before, data)
    identity = ("apiVersion", "kind", "metadata")
    if not all(isinstance(after.get(key), type(before[key])) for key in identity):
        raise _refuse(patch, (), f"{ref} would be no object any more")
    if ObjectRef.of(after) != ref:
        raise _refuse(patch, (), f"{ref} would be called {ObjectRef.of(after)}; names are ours")
    for path in _broken(before, after, ()):
        raise _refuse(
            patch, path, f"{format_path(path)} of {ref} would be no {_noun(before, path)}"
        )
    return after


def _broken(before: Json, after: Json, path: TreePath) -> Iterator[TreePath]:
    """Yield where a map or list is now something else, and where the workload lost a part."""
    for kind in (Mapping, list):
        if isinstance(before, kind) and not isinstance(after, kind):
            yield path
            return
    if isinstance(before, Mapping):
        for key, value in before.items():
            if key in after or key in _NEEDED:
                yield from _broken(value, after.get(key), (*path, key))


_NEEDED = frozenset({"spec", "template", "containers", "initContainers", "volumes", "ports"})
"""Fields that later stages fill in, where a release has them."""


def _noun(before: Json, path: TreePath) -> str:
    return "list" if isinstance(dig(before, *path), list) else "map"


def _refuse(patch: Patch, path: TreePath, message: str) -> SpecError:
    document = patch.document
    finding = Finding((*document.path, *path), message)
    return _error(document.file, document.tree.faults([finding]))


def _error(file: Path, faults: Sequence[Fault]) -> SpecError:
    return SpecError(f"{file} cannot be applied", file=file, faults=faults)
