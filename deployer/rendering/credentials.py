"""Credentials in the user's own objects: a release is recorded, and none may be in it (G10)."""

from collections.abc import Iterator, Mapping

from deployer.spec.secrets import names_a_secret, seems_secret
from deployer.spec.tree import Finding, TreePath
from deployer.values import Json

__all__ = ["find_credentials"]

_ELSEWHERE = (
    "a release is recorded: keep it in a Secret made with kubectl, and refer to it with "
    "secretKeyRef"
)


def find_credentials(value: Json, path: TreePath = ()) -> Iterator[Finding]:
    """Yield what is, or by its name can only be, a credential; references to Secrets are none."""
    if isinstance(value, Mapping):
        yield from _find_named(value, path)
        for key, item in value.items():
            yield from find_credentials(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from find_credentials(item, (*path, index))
    elif isinstance(value, str) and seems_secret(value):
        yield Finding(path, f"this holds a credential; {_ELSEWHERE}")


def _find_named(value: Mapping[str, Json], path: TreePath) -> Iterator[Finding]:
    if value.get("kind") == "Secret" and "apiVersion" in value:
        yield Finding((*path, "kind"), f"a Secret cannot be part of a release; {_ELSEWHERE}")
    name, literal = value.get("name"), value.get("value")
    if isinstance(name, str) and names_a_secret(name) and _is_text(literal):
        yield Finding((*path, "value"), f"{name} looks like a credential; {_ELSEWHERE}")
    for field in ("data", "stringData"):
        for key, item in _texts(value.get(field)):
            if names_a_secret(key) and not seems_secret(item):
                yield Finding((*path, field, key), f"{key} looks like a credential; {_ELSEWHERE}")


def _texts(value: Json) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        yield from ((key, item) for key, item in value.items() if _is_text(item))


def _is_text(value: Json) -> bool:
    return isinstance(value, str) and bool(value)
