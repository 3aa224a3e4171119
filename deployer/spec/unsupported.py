"""What the spec can say and this version can't do: refused by name, never passed over."""

from collections.abc import Iterator
from dataclasses import dataclass

from deployer.spec.tree import Finding, TreePath, dig
from deployer.values import Json

__all__ = ["find_unsupported"]


def find_unsupported(data: Json) -> Iterator[Finding]:
    """Yield a finding for everything that would need what is not implemented yet."""
    for row in _VALUES:
        value = dig(data, *row.path)
        if isinstance(value, str) and value in row.values:
            yield row.refuse(f"{row.path[-1]}: {value}")
    for row in _FIELDS:
        if dig(data, *row.path) not in (None, [], {}):
            yield row.refuse(str(row.path[-1]))


@dataclass(frozen=True, slots=True)
class _Row:
    path: TreePath
    meanwhile: str
    values: tuple[str, ...] = ()

    def refuse(self, what: str) -> Finding:
        message = f"not implemented yet: {what}; {self.meanwhile}"
        return Finding(self.path, message, on_key=True)


_VALUES = (_Row(("strategy", "type"), "use blue-green or rolling meanwhile", ("canary",)),)

_FIELDS = (
    _Row(("strategy", "steps"), "use blue-green with a soak meanwhile"),
    _Row(("gates", "analysis"), "use strategy.soak meanwhile"),
)
