"""Options that more than one command has, declared once."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["Format", "Output", "SpecFile", "Yes"]


class Format(StrEnum):
    """How a reading command answers."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"


SpecFile = Annotated[
    Path, typer.Option("--file", "-f", metavar="FILE", help="The spec.", show_default=True)
]
"""``-f deployer.yaml``; give it the default ``Path("deployer.yaml")``."""

Output = Annotated[
    Format, typer.Option("--output", "-o", help="table, wide or json.", show_default=True)
]
"""``-o table|wide|json``; give it the default ``Format.TABLE``."""

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
"""``--yes``; give it the default False."""
