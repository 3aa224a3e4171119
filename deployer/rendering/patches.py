"""The user's own objects and strategic merges, from the files that ``patches`` names."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from deployer.errors import Fault, SpecError
from deployer.ports import Manifest, ObjectRef
from deployer.rendering.merge import merge_manifest
from deployer.spec.tree import Finding, Tree, dig, parse_trees, read_text

__all__ = ["Patch", "apply_patches", "load_patches"]


@dataclass(frozen=True, slots=True)
class Patch:
    """One document of a patch file, with the file for what is found wrong later."""

    file: Path
    tree: Tree
    ref: ObjectRef


def load_patches(files: Iterable[Path], *, namespace: str) -> tuple[Patch, ...]:
    """Read every document of ``files``, in order.

    Raises:
        SpecError: A file is no YAML, or a document is no object that we may apply to
            ``namespace``; with every fault of that file.
    """
    return tuple(patch for file in files for patch in _load_file(file, namespace))


def apply_patches(objects: Sequence[Manifest], patches: Sequence[Patch]) -> list[Manifest]:
    """Return ``objects`` with the patches merged in, and the patches that are new objects.

    Raises:
        SpecError: A new object is there twice.
    """
    result = {ObjectRef.of(manifest): manifest for manifest in objects}
    ours = set(result)
    for patch in patches:
        if patch.ref in ours:
            result[patch.ref] = merge_manifest(result[patch.ref], patch.tree.data)
        elif patch.ref in result:
            raise _refuse(patch.file, patch.tree, [_twice(patch.ref)])
        else:
            result[patch.ref] = merge_manifest({}, patch.tree.data)
    return list(result.values())


def _load_file(file: Path, namespace: str) -> list[Patch]:
    trees = [tree for tree in parse_trees(read_text(file), file=file) if tree.data is not None]
    faults = [fault for tree in trees for fault in tree.faults(_check(tree, namespace))]
    if faults:
        raise _error(file, faults)
    return [Patch(file, tree, ObjectRef.of(tree.data)) for tree in trees]


def _check(tree: Tree, namespace: str) -> Iterator[Finding]:
    yield from tree.findings
    for path in (("apiVersion",), ("kind",), ("metadata", "name")):
        if not _is_text(dig(tree.data, *path)):
            yield Finding(path, f"an object needs {'.'.join(path)}, a string")
    found = dig(tree.data, "metadata", "namespace")
    if found not in (None, namespace):
        message = f"objects go to the target's namespace, {namespace}; leave this out"
        yield Finding(("metadata", "namespace"), message)
    if dig(tree.data, "$patch") == "delete":
        yield Finding(("$patch",), "an object of the release cannot be deleted, only changed")
    if dig(tree.data, "kind") == "Secret":
        yield Finding(
            ("kind",),
            "a release is recorded, and a Secret must not be: create it with kubectl, and refer "
            "to it with secretKeyRef",
        )


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _twice(ref: ObjectRef) -> Finding:
    return Finding(("metadata", "name"), f"{ref} is there twice; two objects cannot share a name")


def _refuse(file: Path, tree: Tree, findings: Iterable[Finding]) -> SpecError:
    return _error(file, tree.faults(findings))


def _error(file: Path, faults: Sequence[Fault]) -> SpecError:
    return SpecError(f"{file} cannot be applied", file=file, faults=faults)
