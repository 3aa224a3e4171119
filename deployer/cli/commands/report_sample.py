"""``deployer report sample``: one look at what runs, added to a file that reports price from."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deployer.cli import output
from deployer.cli.options import SpecFile, Timeout
from deployer.cli.router_pages import STATUS_PAGE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployer.cli.reading import Reader
    from deployer.cost.samples import Sample

__all__ = ["sample", "take_samples"]


def sample(
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="The file that the look is added to.")
    ],
    file: SpecFile = Path("deployer.yaml"),
    router: Annotated[
        str | None,
        typer.Option("--router", metavar="URL", help="A router's address, for what it answered."),
    ] = None,
    timeout: Timeout = 5.0,
) -> None:
    """Add one look at the live targets to a file of samples.

    How many replicas there are and, with --router, how many predictions were answered. Run it every
    few minutes; report cost --since 30d --samples FILE prices by it. A target that cannot be asked
    gets no line: that is a gap, not a nought.

    Example: deployer report sample --out samples.csv --router http://127.0.0.1:8080
    """
    from deployer.cli.reading import open_reader
    from deployer.cost.samples import append_samples

    reader = open_reader(file)
    found = take_samples(reader, router, timeout_seconds=timeout)
    append_samples(out, found)
    typer.echo(f"{out}: {output.format_count(len(found), 'target')} looked at")


def take_samples(reader: "Reader", router: str | None, *, timeout_seconds: float) -> "list[Sample]":
    """Look at every live target at once; those that say nothing are left out and named."""
    from deployer.cli.reading import look_at
    from deployer.cost.samples import Sample

    seen = look_at(reader, timeout_seconds=timeout_seconds)
    counts = _ask_router(reader, router, timeout_seconds) if router else {}
    found = []
    for it in seen.observations:
        if it.readiness is None:
            output.print_note(f"{it.target}: not looked at: {it.readiness_error}")
            continue
        answered, failed = counts.get(it.target, (None, None))
        replicas = it.readiness.desired
        found.append(Sample(it.at, it.target, replicas, predictions=answered, failures=failed))
    return found


def _ask_router(
    reader: "Reader", url: str, timeout_seconds: float
) -> "Mapping[str, tuple[int, int]]":
    """Return what each target was asked and what failed, over its releases; none if it is away."""
    import json

    from deployer.errors import TransientError
    from deployer.ports import HttpRequest

    try:
        answer = reader.probe.send(
            url, HttpRequest(path=STATUS_PAGE), timeout_seconds=timeout_seconds
        )
        backends = json.loads(answer.body)["backends"]
    except (TransientError, ValueError, KeyError, TypeError) as error:
        output.print_note(f"the router at {url} did not say what it answered: {error}")
        return {}
    counts: dict[str, tuple[int, int]] = {}
    for backend in backends:
        asked, failed = counts.get(backend["target"], (0, 0))
        counts[backend["target"]] = asked + backend["requests"], failed + backend["failures"]
    return counts
