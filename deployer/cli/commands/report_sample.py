"""``deployer report sample``: one look at what runs, added to a file that reports price from."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deployer.cli import output
from deployer.cli.options import SpecFile, Timeout
from deployer.values import format_count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deployer.cli.reading import Reader
    from deployer.cost.samples import Sample
    from deployer.cost.sizing import Size
    from deployer.errors import DeployerError
    from deployer.ports import Used
    from deployer.snapshot.router_counts import RouterTally

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
    prometheus: Annotated[
        list[str] | None,
        typer.Option(
            "--prometheus", metavar="TARGET=URL", help="Who measures what its pods use; repeatable."
        ),
    ] = None,
    timeout: Timeout = 5.0,
) -> None:
    """Add one look at the live targets to a file of samples.

    How many replicas there are, what they use by a Prometheus or by the cluster's metrics-server
    and, with --router, how many predictions were answered. Run it every few minutes; report cost
    --since 30d --samples FILE prices by it. A target that cannot be asked gets no line: that is a
    gap, not a nought.

    Example: deployer report sample --out samples.csv --router http://127.0.0.1:8080
    """
    from deployer.cli.reading import open_reader
    from deployer.cost.samples import append_samples

    reader = open_reader(file)
    found = take_samples(reader, router, prometheus or (), timeout_seconds=timeout)
    append_samples(out, found)
    typer.echo(f"{out}: {format_count(len(found), 'target')} looked at")


def take_samples(
    reader: "Reader",
    router: str | None,
    prometheus: "Sequence[str]" = (),
    *,
    timeout_seconds: float,
) -> "list[Sample]":
    """Look at every live target at once; those that say nothing are left out and named."""
    from deployer.cli.reading import look_at
    from deployer.cli.usage import measure_usage, open_prometheus
    from deployer.cost.samples import Sample

    measured_by = open_prometheus(reader, prometheus)
    seen = look_at(reader, timeout_seconds=timeout_seconds)
    usage = measure_usage(reader, seen, measured_by, timeout_seconds=timeout_seconds)
    counts = _ask_router(reader, router, timeout_seconds) if router else {}
    slo = reader.spec.slo
    under = slo.latency.under if slo is not None and slo.latency is not None else None
    found = []
    for it in seen.observations:
        if it.readiness is None:
            output.print_note(f"{it.target}: not looked at: {it.readiness_error}")
            continue
        used = _say_usage(it.target, usage.get(it.target))
        sample = Sample(it.at, it.target, it.readiness.desired, used=used)
        tally = counts.get(it.target)
        if tally is not None:
            sample = replace(
                sample,
                predictions=tally.requests,
                failures=tally.failures,
                speed=tally.speed(under),
            )
        found.append(sample)
    return found


def _say_usage(target: str, used: "Used | DeployerError | None") -> "Size | None":
    """Say who measured, or that requests will count; return what was measured."""
    from deployer.cost.sizing import Size
    from deployer.ports import Used

    if isinstance(used, Used):
        cpu, memory = f"{used.vcpu:.3f} cpu", f"{used.memory_gib:.3f} GiB"
        output.print_note(f"{target}: {cpu} and {memory} used, by {used.source}")
        return Size(round(used.vcpu, 6), round(used.memory_gib, 6))
    why = "nobody measures there" if used is None else used.message
    output.print_note(f"{target}: usage not measured, so requests count: {why}")
    return None


def _ask_router(reader: "Reader", url: str, timeout_seconds: float) -> "Mapping[str, RouterTally]":
    """Return what each target was asked and what failed, over its releases; none if it is away."""
    from deployer.report.router_view import look_at_router

    name = reader.spec.name
    view = look_at_router(reader.probe, url, timeout_seconds=timeout_seconds, name=name)
    if view.error:
        output.print_note(f"the router at {url} did not say what it answered: {view.error}")
    return view.tallies
