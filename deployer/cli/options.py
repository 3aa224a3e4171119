"""Options that more than one command has, declared once."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "ArtifactUri",
    "CustomerKey",
    "Endpoint",
    "Format",
    "LimitRate",
    "MaxDeletions",
    "Output",
    "Payer",
    "Quiet",
    "RouterUrl",
    "SpecFile",
    "Takeover",
    "Timeout",
    "Yes",
]


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

Timeout = Annotated[
    float,
    typer.Option(
        "--timeout",
        metavar="SECONDS",
        min=0.1,
        help="How long a target may take before it is unknown.",
        show_default=True,
    ),
]
"""``--timeout 5``; give it the default 5.0."""

RouterUrl = Annotated[
    str | None,
    typer.Option("--router", metavar="URL", help="A running router, as one more witness."),
]
"""``--router http://…``; give it the default None."""

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
"""``--yes``; give it the default False."""

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Only the result and errors.")]
"""``--quiet``; give it the default False."""

Takeover = Annotated[
    bool,
    typer.Option("--takeover", help="Take the lease from a run that is alive; it is recorded."),
]
"""``--takeover``; give it the default False."""

MaxDeletions = Annotated[
    int,
    typer.Option(
        "--max-deletions",
        metavar="N",
        min=0,
        help="Refuse to delete more objects of one target.",
        show_default=True,
    ),
]
"""``--max-deletions 25``; give it the default 25: a release has a handful of objects."""

Endpoint = Annotated[
    str | None,
    typer.Option("--endpoint", metavar="URL", help="Another server than the cloud's own."),
]
"""``--endpoint http://…``; give it the default None."""

Payer = Annotated[
    str | None,
    typer.Option("--payer", metavar="WHO", help="Requester pays: a project, or `requester` on S3."),
]
"""``--payer my-project``; give it the default None."""

CustomerKey = Annotated[
    str | None,
    typer.Option(
        "--customer-key",
        metavar="WHERE",
        help="A key of yours (SSE-C, CSEK, CPK): env:NAME, file:/PATH.",
    ),
]
"""``--customer-key env:MODELS_KEY``; give it the default None."""

LimitRate = Annotated[
    str | None,
    typer.Option("--limit-rate", metavar="RATE", help="Bytes per second at most: 500K, 20M, 1G."),
]
"""``--limit-rate 20M``; give it the default None."""

ArtifactUri = Annotated[
    str, typer.Argument(metavar="URI", help="As `deployer push` prints it.", show_default=False)
]
"""Where an artifact is."""
