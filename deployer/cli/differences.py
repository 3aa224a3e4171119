"""How `diff` and `drift` show what differs: for people, and as a JSON document."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import typer

from deployer.values import format_count

if TYPE_CHECKING:
    from deployer.execution import ObjectDiff, TargetDiff
    from deployer.ports import FieldOwner
    from deployer.values import Json

__all__ = ["describe_differences", "print_differences"]

_SIGNS = {
    "create": "+",
    "change": "~",
    "scale": "~",
    "delete": "-",
    "conflict": "!",
    "refused": "✗",
}
_ABSENT = "(none)"


def describe_differences(diffs: "Sequence[TargetDiff]") -> "list[Json]":
    """Return the targets' part of the document; objects that are as they should be are left out."""
    return [
        {
            "target": diff.target,
            "release": diff.release,
            "unknown": diff.unknown or None,
            "objects": [_describe(item) for item in diff.objects if item.op != "keep"],
        }
        for diff in diffs
    ]


def print_differences(diffs: "Sequence[TargetDiff]", *, nothing: str) -> None:
    """Print each target, its objects and their fields, live value first."""
    for diff in diffs:
        lines = list(_lines(diff))
        if diff.unknown:
            typer.echo(f"{diff.target}: unknown: {diff.unknown}")
        elif not lines:
            typer.echo(f"{diff.target}: {nothing}")
        else:
            typer.echo(f"{diff.target}: {_counts(diff)}")
            for line in lines:
                typer.echo(line)


def _describe(item: "ObjectDiff") -> "Json":
    return {
        "op": item.op,
        "kind": item.kind,
        "name": item.name,
        "fields": [
            {"path": field.path, "before": field.before, "after": field.after}
            for field in item.fields
        ],
        "conflicts": [_owner(owner) for owner in item.conflicts],
        "yielded": [_owner(owner) for owner in item.yielded],
        "why": item.why or None,
    }


def _owner(owner: "FieldOwner") -> "Json":
    return {"path": owner.path, "manager": owner.manager, "subresource": owner.subresource or None}


def _counts(diff: "TargetDiff") -> str:
    counts = {op: sum(item.op == op for item in diff.objects) for op in _SIGNS}
    return ", ".join(f"{format_count(n, 'object')} to {op}" for op, n in counts.items() if n)


def _lines(diff: "TargetDiff") -> Iterator[str]:
    for item in diff.objects:
        if item.op == "keep":
            continue
        yield f"  {_SIGNS[item.op]} {item.kind}/{item.name} ({item.op})"
        owners = {owner.path: owner.manager for owner in item.conflicts}
        for field in item.fields:
            change = f"{field.before or _ABSENT} → {field.after or _ABSENT}"
            who = f"  owned by {owners.pop(field.path)}" if field.path in owners else ""
            yield f"      {field.path}: {change}{who}"
        for path, manager in owners.items():
            yield f"      {path}: owned by {manager}"
        for owner in item.yielded:
            yield f"      {owner.path}: left to {owner.manager}"
        if item.why:
            yield f"      {item.why}"
