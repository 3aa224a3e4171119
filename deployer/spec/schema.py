"""The spec's JSON Schema: for editors, and for us to know which keys there are."""

from collections.abc import Iterator, Mapping
from functools import cache

from deployer.spec.model import Spec
from deployer.spec.tree import TreePath, format_path
from deployer.values import Json

__all__ = ["find_homes", "list_keys", "spec_schema"]


def spec_schema() -> Json:
    """Return the JSON Schema (draft 2020-12) of ``deployer.yaml``."""
    schema = Spec.model_json_schema(mode="validation")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_closed(schema),
        "title": "deployer.yaml",
    }


def list_keys(path: TreePath) -> tuple[str, ...]:
    """Return the keys that are known in the map at ``path``; none where any key goes."""
    schema = _schema()
    nodes = [schema]
    for step in path:
        nodes = [child for node in nodes for child in _children(schema, node, step)]
    return tuple(key for node in nodes for key in _properties(schema, node))


def find_homes(key: str) -> tuple[str, ...]:
    """Return the places in the spec where ``key`` belongs, such as ``service.replicas``."""
    return tuple(path for path in _all_keys() if path.rpartition(".")[2] == key)


@cache
def _schema() -> Json:
    return spec_schema()


@cache
def _all_keys() -> tuple[str, ...]:
    schema = _schema()

    def walk(node: Json, path: TreePath) -> Iterator[str]:
        for key, child in _properties(schema, node).items():
            yield format_path((*path, key))
            yield from walk(child, (*path, key))

    return tuple(walk(schema, ()))


def _closed(node: Json) -> Json:
    """Say of maps with patterns for keys that nothing else goes: pydantic leaves it out."""
    if isinstance(node, list):
        return [_closed(item) for item in node]
    if not isinstance(node, dict):
        return node
    closed = {key: _closed(value) for key, value in node.items()}
    return {**closed, "additionalProperties": False} if "patternProperties" in node else closed


def _branches(schema: Json, node: Json) -> Iterator[Json]:
    """Yield what ``node`` may be, with references followed."""
    if "$ref" in node:
        yield from _branches(schema, schema["$defs"][node["$ref"].rpartition("/")[2]])
        return
    choices = [*node.get("anyOf", ()), *node.get("oneOf", ())]
    for choice in choices:
        yield from _branches(schema, choice)
    if not choices:
        yield node


def _properties(schema: Json, node: Json) -> Mapping[str, Json]:
    return {
        key: child
        for branch in _branches(schema, node)
        for key, child in branch.get("properties", {}).items()
    }


def _children(schema: Json, node: Json, step: str | int) -> Iterator[Json]:
    for branch in _branches(schema, node):
        child = branch.get("items") if isinstance(step, int) else None
        child = child or branch.get("properties", {}).get(step)
        if child is not None:
            yield child
