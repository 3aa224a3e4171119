"""``${VAR}`` and ``${VAR:-default}`` in the spec's strings; ``$${`` stands for ``${``.

What a reference gives is never shown in a fault, and where the result would be written down as a
secret the reference is refused (G10).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from deployer.spec.tree import Finding, TreePath
from deployer.values import Json

__all__ = ["Expanded", "expand_references"]

_REFERENCE = re.compile(r"(?P<escape>\$\$\{)|\$\{(?P<body>[^}]*)(?P<close>\}?)")
_BODY = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Expanded:
    """The data with references filled in; ``written`` is the text of each that had one."""

    data: Json
    written: Mapping[TreePath, str]
    findings: tuple[Finding, ...]


def expand_references(data: Json, environment: Mapping[str, str]) -> Expanded:
    """Fill in every reference in a string value. Keys are left as they are."""
    written: dict[TreePath, str] = {}
    findings: list[Finding] = []

    def expand(value: Json, path: TreePath) -> Json:
        if isinstance(value, dict):
            return {key: expand(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [expand(item, (*path, index)) for index, item in enumerate(value)]
        if not isinstance(value, str) or "${" not in value:
            return value
        if any(match["body"] is not None for match in _REFERENCE.finditer(value)):
            written[path] = value
        findings.extend(Finding(path, problem) for problem in _problems(value, environment))
        return _REFERENCE.sub(lambda match: _resolve(match, environment), value)

    return Expanded(expand(data, ()), written, tuple(findings))


def _problems(text: str, environment: Mapping[str, str]) -> Iterator[str]:
    for match in _REFERENCE.finditer(text):
        if match["escape"]:
            continue
        body = _BODY.fullmatch(match["body"])
        if body is None or not match["close"]:
            yield "expected ${NAME} or ${NAME:-default}; write $${ for a literal ${"
        elif body["default"] is None and body["name"] not in environment:
            yield (
                f"the environment variable {body['name']} is not set; "
                f"set it, or write ${{{body['name']}:-default}}"
            )


def _resolve(match: re.Match[str], environment: Mapping[str, str]) -> str:
    if match["escape"]:
        return "${"
    body = _BODY.fullmatch(match["body"])
    if body is None:
        return match[0]
    # As in a shell, `:-` also stands in for a variable that is set and empty.
    if body["default"] is not None:
        return environment.get(body["name"]) or body["default"]
    return environment.get(body["name"], match[0])
