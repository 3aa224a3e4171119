"""YAML as plain data in which every value still knows its line and column.

One reader for all YAML a user or the library writes. It refuses what has no plain meaning
(duplicate keys, foreign tags, keys that are no strings) and what is made to exhaust memory (alias
bombs, endless nesting), each with its place.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from deployer.errors import Fault, SpecError
from deployer.values import Json

__all__ = [
    "Finding",
    "Place",
    "Tree",
    "TreePath",
    "dig",
    "format_path",
    "parse_trees",
    "read_stream",
    "read_text",
]

_MAX_BYTES = 1024 * 1024
"""A file larger than this is no spec; it is refused before it is parsed."""

_MAX_VALUES = 20_000
"""Values in one document after aliases are expanded: a thousand targets need half of it."""

_MAX_DEPTH = 64

TreePath = tuple[str | int, ...]
"""Keys and indexes from the top of a document to a value."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is in a file; both count from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong at ``path``.

    Attributes:
        on_key: The key is at fault and not its value.
        place: Where it is, when that is no place of the data: the second of two equal keys.
    """

    path: TreePath
    message: str
    on_key: bool = False
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Tree:
    """One document: ``data`` as JSON would hold it, and the place of each key and value.

    ``findings`` are the faults of the YAML itself; ``data`` is what remains without them.
    """

    data: Json
    values: Mapping[TreePath, Place]
    keys: Mapping[TreePath, Place] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    def place(self, path: TreePath, *, on_key: bool = False) -> Place:
        """Return where ``path`` is; where it is not written, the nearest parent that is."""
        if on_key and path in self.keys:
            return self.keys[path]
        while path not in self.values:
            path = path[:-1]
        return self.values[path]

    def faults(self, findings: Iterable[Finding]) -> list[Fault]:
        """Return ``findings`` with their places, in the order of the file, none twice."""
        faults = {self._fault(finding) for finding in findings}
        return sorted(faults, key=lambda fault: (fault.line, fault.column, fault.message))

    def _fault(self, finding: Finding) -> Fault:
        place = finding.place or self.place(finding.path, on_key=finding.on_key)
        return Fault(place.line, place.column, format_path(finding.path), finding.message)


def read_text(file: Path) -> str:
    """Return the file's text.

    Raises:
        SpecError: It is missing, unreadable, larger than 1 MiB, or not UTF-8.
    """
    try:
        with file.open("rb") as stream:
            return read_stream(stream, file)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SpecError(f"cannot read {file}: {reason}", file=file, hint=_START) from error


def read_stream(stream: BinaryIO, file: Path) -> str:
    """Return what is left of ``stream``; ``file`` is what to call it.

    Raises:
        SpecError: It is larger than 1 MiB, or not UTF-8.
    """
    body = stream.read(_MAX_BYTES + 1)
    if len(body) > _MAX_BYTES:
        raise SpecError(f"{file} is larger than 1 MiB; it is not read", file=file)
    return _decode(body, file)


def parse_trees(text: str, *, file: Path) -> tuple[Tree, ...]:
    """Parse every document of ``text``; an empty one holds None.

    Raises:
        SpecError: It is not YAML; the parser stops at the first fault.
    """
    yaml = YAML(typ="safe", pure=True)
    yaml.composer.warn_double_anchors = False
    try:
        nodes = list(yaml.compose_all(text))
        return tuple(_Reader().read(node) for node in nodes)
    except RecursionError as error:
        raise _not_yaml(file, Place(1, 1), "nested too deeply") from error
    except _TooLargeError as error:
        raise _not_yaml(file, error.place, error.message) from error
    except ReaderError as error:
        place = _place_at(text, error.position)
        raise _not_yaml(file, place, "a control character, which YAML does not allow") from error
    except MarkedYAMLError as error:
        raise _not_yaml(file, _mark_of(error), _plain_words(error)) from error


def dig(data: Json, *path: str | int) -> Json:
    """Return what is at ``path``; None where there is nothing or something else than expected."""
    for step in path:
        if isinstance(step, str) and isinstance(data, Mapping):
            data = data.get(step)
        elif isinstance(step, int) and isinstance(data, Sequence) and not isinstance(data, str):
            data = data[step] if step < len(data) else None
        else:
            return None
    return data


def format_path(path: TreePath) -> str:
    """Return ``path`` as people write it: ``targets[0].store``."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


_START = "`deployer init` writes one to start from; -f names another file."

_WORDS = {
    "cannot start any token": "a character that cannot start a value; put the text in quotes",
    "mapping values are not allowed": "a second ': ' in one line; put the text in quotes",
    "unexpected end of stream": "a quote that is never closed",
    "undefined alias": "an alias (*name) without an anchor (&name) before it",
    "'<stream end>'": "a bracket that is never closed",
    "<block end>": "indentation that does not line up with the lines above",
    "could not find expected ':'": "a key without ': ' after it",
}


def _mark_of(error: MarkedYAMLError) -> Place:
    mark = error.problem_mark or error.context_mark
    return Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)


def _plain_words(error: MarkedYAMLError) -> str:
    problem = str(error.problem or error.context or "not YAML")
    if "'\\t'" in problem:
        return "a tab; YAML is indented with spaces"
    return next((words for part, words in _WORDS.items() if part in problem), problem[:200])


def _decode(body: bytes, file: Path) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = _place_at(body[: error.start].decode("utf-8-sig"), error.start)
        raise _not_yaml(file, place, "not UTF-8; save the file as UTF-8") from error


def _place_at(text: str, position: int) -> Place:
    before = text[:position]
    return Place(before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)


def _not_yaml(file: Path, place: Place, words: str) -> SpecError:
    fault = Fault(place.line, place.column, "", words)
    return SpecError(f"{file} is not valid YAML", file=file, faults=[fault])


class _TooLargeError(Exception):
    def __init__(self, node: Node, message: str) -> None:
        super().__init__(message)
        self.place = _place(node)
        self.message = message


def _place(node: Node) -> Place:
    return Place(node.start_mark.line + 1, node.start_mark.column + 1)


class _Reader:
    """Turns one document's nodes into data, with a budget that aliases count against."""

    def __init__(self) -> None:
        self._budget = _MAX_VALUES
        self._values: dict[TreePath, Place] = {(): Place(1, 1)}
        self._keys: dict[TreePath, Place] = {}
        self._findings: list[Finding] = []

    def read(self, node: Node | None) -> Tree:
        data = None if node is None else self._read(node, ())
        return Tree(data, self._values, self._keys, tuple(self._findings))

    def _read(self, node: Node, path: TreePath) -> Json:
        self._spend(node, path)
        self._values[path] = _place(node)
        if isinstance(node, MappingNode):
            return self._read_map(node, path)
        if isinstance(node, SequenceNode):
            return [self._read(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._read_scalar(node, path)

    def _spend(self, node: Node, path: TreePath) -> None:
        self._budget -= 1
        if self._budget < 0:
            raise _TooLargeError(node, f"more than {_MAX_VALUES} values once aliases are expanded")
        if len(path) > _MAX_DEPTH:
            raise _TooLargeError(node, f"nested more than {_MAX_DEPTH} levels deep")

    def _read_map(self, node: MappingNode, path: TreePath) -> dict[str, Json]:
        result: dict[str, Json] = {}
        merged: list[Node] = []
        for key, value in node.value:
            if str(key.tag) == _MERGE:
                merged.append(value)
            else:
                self._read_entry(key, value, path, result)
        for value in merged:
            self._merge(value, path, result)
        return result

    def _read_entry(self, key: Node, value: Node, path: TreePath, result: dict[str, Json]) -> None:
        if not isinstance(key, ScalarNode) or str(key.tag) not in _TEXT:
            self._refuse(key, path, "a key must be a string; put it in quotes")
            return
        here = (*path, key.value)
        if key.value in result:
            first = self._keys[here].line
            self._refuse(key, path, f"the key {key.value!r} is there already, on line {first}")
            return
        self._keys[here] = _place(key)
        result[key.value] = self._read(value, here)

    def _refuse(self, node: Node, path: TreePath, message: str) -> None:
        self._findings.append(Finding(path, message, place=_place(node)))

    def _merge(self, node: Node, path: TreePath, result: dict[str, Json]) -> None:
        """Add what ``<<`` names, where there is nothing yet."""
        for source in node.value if isinstance(node, SequenceNode) else [node]:
            if not isinstance(source, MappingNode):
                self._refuse(source, path, "<< takes a map, or a list of maps")
                continue
            self._spend(source, path)
            for key, value in source.value:
                if str(key.value) not in result:
                    self._read_entry(key, value, path, result)

    def _read_scalar(self, node: Node, path: TreePath) -> Json:
        tag = str(node.tag)
        if tag in _TEXT or tag == _TIMESTAMP:
            return node.value
        if tag not in _READERS:
            self._findings.append(Finding(path, f"the tag {tag[:40]} means nothing here"))
            return node.value
        try:
            return _READERS[tag](node.value)
        except ValueError:
            return node.value


def _read_int(text: str) -> int:
    digits = text.replace("_", "")
    if len(digits) > 30:  # noqa: PLR2004 - far beyond any count; the text then fails as no number
        raise ValueError(digits)
    return int(digits, 0) if digits.lstrip("+-")[:2] in {"0x", "0o", "0b"} else int(digits)


def _read_float(text: str) -> float:
    number = float(text.replace("_", ""))
    if not math.isfinite(number):
        raise ValueError(text)
    return number


_MERGE = "tag:yaml.org,2002:merge"
_TIMESTAMP = "tag:yaml.org,2002:timestamp"
_TEXT = {"tag:yaml.org,2002:str", "!"}
_READERS = {
    "tag:yaml.org,2002:null": lambda _: None,
    "tag:yaml.org,2002:bool": lambda text: text.lower() == "true",
    "tag:yaml.org,2002:int": _read_int,
    "tag:yaml.org,2002:float": _read_float,
}
