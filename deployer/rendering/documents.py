"""The documents that ``patches`` names: files, folders, standard input; Lists taken apart."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from deployer.errors import SpecError
from deployer.spec.model import Spec
from deployer.spec.patch import STANDARD_INPUT, PatchSpec, PatchTarget
from deployer.spec.tree import Tree, TreePath, dig, parse_trees, read_stream, read_text
from deployer.values import Json

__all__ = ["Document", "read_documents"]

_SUFFIXES = frozenset({".yaml", ".yml", ".json"})
"""What ``kubectl apply -f FOLDER`` reads, subfolders left out."""

_STANDARD_INPUT = Path("standard input")

_KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")


@dataclass(frozen=True, slots=True)
class Document:
    """One document, or one item of a List, with its place for what is found wrong later."""

    file: Path
    tree: Tree
    path: TreePath
    target: PatchTarget | None

    @property
    def data(self) -> Json:
        """The document as plain data."""
        return dig(self.tree.data, *self.path)


def read_documents(spec: Spec) -> Iterator[Document]:
    """Yield every document of the spec's patches, in order; empty ones are left out.

    Raises:
        SpecError: A path cannot be read, or what is there is no YAML.
    """
    for patch in spec.patches:
        for file, text in _read(spec, patch):
            for tree in parse_trees(text, file=file):
                yield from _split(file, tree, patch.target)


def _read(spec: Spec, patch: PatchSpec) -> Iterator[tuple[Path, str]]:
    if patch.path == STANDARD_INPUT:
        yield _STANDARD_INPUT, _read_standard_input()
        return
    path = spec.locate(patch.path)
    if path.is_dir():
        yield from ((file, read_text(file)) for file in _list_folder(path))
    else:
        yield path, read_text(path)


def _list_folder(folder: Path) -> list[Path]:
    names = [name for name in _KUSTOMIZATIONS if (folder / name).exists()]
    if names:
        raise SpecError(
            f"{folder} is a kustomization, which has to be built first",
            file=folder / names[0],
            hint=f"patches: ['-'], and: kustomize build {folder} | deployer …",
        )
    files = sorted(file for file in folder.iterdir() if file.suffix in _SUFFIXES)
    if not files:
        raise SpecError(f"{folder} has no YAML or JSON in it", file=folder)
    return files


@cache
def _read_standard_input() -> str:
    """Read it once for all targets and steps of this process."""
    if sys.stdin.isatty():
        raise SpecError(
            "patches: - is standard input, and that is a terminal",
            file=_STANDARD_INPUT,
            hint="Pipe the objects in: kustomize build FOLDER | deployer …",
        )
    return read_stream(sys.stdin.buffer, _STANDARD_INPUT)


def _split(file: Path, tree: Tree, target: PatchTarget | None) -> Iterator[Document]:
    items = dig(tree.data, "items")
    if dig(tree.data, "kind") == "List" and isinstance(items, list):
        for index in range(len(items)):
            yield Document(file, tree, ("items", index), target)
    elif tree.data is not None or tree.findings:
        yield Document(file, tree, (), target)
