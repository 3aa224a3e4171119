"""What is waited for, as people see it: rows in place on a terminal, one line per change else."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from deployer.cli import output

if TYPE_CHECKING:
    from deployer.execution import Waiting

__all__ = ["Changes", "format_rows"]

_ROWS = 6
_COLUMNS = (
    output.Column("object"),
    output.Column("state"),
    output.Column("since", right=True),
    output.Column("message"),
)


def format_rows(objects: "Sequence[Waiting]") -> list[str]:
    """Return a row per object: name, state, since when, message; what is too much is counted."""
    cells = [
        [each.name, each.state, output.format_duration(each.seconds), _first_line(each.message)]
        for each in objects[:_ROWS]
    ]
    if not cells:
        return []
    rows = output.format_table(_COLUMNS, cells, width=None)[1:]
    more = len(objects) - _ROWS
    return [f"    {row}" for row in rows] + ([f"    and {more} more"] if more > 0 else [])


class Changes:
    """Remembers what each object did, to say only what is new."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], tuple[str, str]] = {}

    def find(self, target: str, word: str, objects: "Sequence[Waiting]") -> list[str]:
        """Return a line for each object that does something else than before.

        Args:
            word: What the step is called that waits.
        """
        lines = []
        for each in objects:
            now = (each.state, each.message)
            if self._last.get((target, each.name)) != now:
                self._last[target, each.name] = now
                words = f"{each.name} {each.state}: {_first_line(each.message)}"
                lines.append(f"  {target:<16}  {word:<9} … {words}")
        return lines


def _first_line(message: str) -> str:
    return message.partition("\n")[0]
