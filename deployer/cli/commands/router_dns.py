"""``deployer router dns``: the routes as records of one DNS name."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deployer.cli import output
from deployer.cli.commands.router_source import (
    Backends,
    Fast,
    Policy,
    ProbePath,
    RoutesFile,
    SpecFile,
    choose_source,
)
from deployer.cli.options import Format, Output
from deployer.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.ports import DnsChange, DnsName
    from deployer.values import Json

__all__ = ["DnsProvider", "router_dns"]

_SCHEMA = "deployer/router-dns/v1"
_COLUMNS = (
    output.Column("target"),
    output.Column("type"),
    output.Column("answer"),
    output.Column("weight", right=True),
    output.Column("tier", right=True),
    output.Column("probe", drop=1),
)
_UNPROVEN = "not run against a live service: only its shape was checked"


class DnsProvider(StrEnum):
    """Whose DNS."""

    ROUTE53 = "route53"
    CLOUD_DNS = "cloud-dns"
    TRAFFIC_MANAGER = "traffic-manager"


def router_dns(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The DNS name, such as a.example.")],
    *,
    provider: Annotated[DnsProvider, typer.Option("--provider", help="Whose DNS.")],
    zone: Annotated[
        str,
        typer.Option(
            "--zone",
            metavar="ZONE",
            help="Hosted zone id; PROJECT/ZONE; SUBSCRIPTION/GROUP/PROFILE.",
        ),
    ],
    spec: SpecFile = None,
    backend: Backends = None,
    policy: Policy = None,
    routes: RoutesFile = None,
    ttl: Annotated[
        int, typer.Option("--ttl", metavar="SECONDS", help="How long resolvers keep an answer.")
    ] = 60,
    probe_path: ProbePath = None,
    fast: Fast = False,
    endpoint: Annotated[
        str | None, typer.Option("--endpoint", metavar="URL", help="Another server than Route 53.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")
    ] = False,
    remove: Annotated[
        bool, typer.Option("--remove", help="Remove what was made for the name.")
    ] = False,
    output_format: Output = Format.TABLE,
) -> None:
    """Write the backends as DNS records with health checks.

    Records are weighted, or first and second by tier. Route 53 is changed, and read back. For
    Cloud DNS and Traffic Manager the exact requests are shown and nothing is sent, so they take
    --dry-run. --fast probes every 10 s; an answer is left out after two failures.

    Example: deployer router dns iris.example.com --provider route53 --zone Z0123 --dry-run
    --backend eu=https://198.51.100.7 --backend us=https://203.0.113.9
    """
    if remove:
        _remove(name, provider, zone, endpoint, output_format, dry_run=dry_run)
        return
    from deployer.routing.dns import find_remarks, make_dns_name

    read = choose_source(spec, routes, backend or [], policy)()
    wanted = make_dns_name(read, name, ttl_seconds=ttl, fast=fast, probe_path=probe_path)
    if provider is DnsProvider.ROUTE53:
        changes = _open(zone, endpoint).put(wanted, dry_run=dry_run)
        _print_changes(wanted, changes, output_format, dry_run=dry_run)
    else:
        _check_dry(provider, dry_run=dry_run)
        _print_requests(wanted, _write(wanted, provider, zone), provider, output_format)
    if output_format is not Format.JSON:
        output.print_lines(find_remarks(wanted))


def _remove(
    name: str,
    provider: DnsProvider,
    zone: str,
    endpoint: str | None,
    output_format: Format,
    *,
    dry_run: bool,
) -> None:
    if provider is not DnsProvider.ROUTE53:
        raise SourceError(f"nothing is ever sent to {provider}, so there is nothing to remove")
    absolute = name.lower().rstrip(".") + "."
    changes = _open(zone, endpoint).remove(absolute, dry_run=dry_run)
    if output_format is Format.JSON:
        document = {"name": absolute, "dry_run": dry_run, "changes": _list_changes(changes)}
        output.print_json(_SCHEMA, document)
        return
    _print_steps(absolute, changes, dry_run=dry_run)


def _open(zone: str, endpoint: str | None) -> Any:
    from deployer.outlets import open_dns_zone

    return open_dns_zone(zone, endpoint=endpoint)


def _check_dry(provider: DnsProvider, *, dry_run: bool) -> None:
    if not dry_run:
        raise SourceError(
            f"requests to {provider} are written and not sent: no test of ours has met it live",
            hint="Add --dry-run -o json, and send them with your own login.",
        )


def _write(wanted: "DnsName", provider: DnsProvider, zone: str) -> "list[Json]":
    from deployer.outlets import write_dns_requests

    return write_dns_requests(wanted, provider.value, zone)


def _print_changes(
    wanted: "DnsName", changes: "Sequence[DnsChange]", output_format: Format, *, dry_run: bool
) -> None:
    if output_format is Format.JSON:
        document = _document(wanted, dry_run=dry_run) | {"changes": _list_changes(changes)}
        output.print_json(_SCHEMA, document)
        return
    _print_table(wanted, output_format)
    _print_steps(wanted.name, changes, dry_run=dry_run)


def _print_steps(name: str, changes: "Sequence[DnsChange]", *, dry_run: bool) -> None:
    for change in changes:
        verb = f"would {change.action}" if dry_run else f"{change.action.rstrip('e')}ed"
        typer.echo(f"{verb} {change.what}" + (f": {change.detail}" if change.detail else ""))
    if not changes:
        typer.echo(f"{name}: nothing to do")


def _print_requests(
    wanted: "DnsName", requests: "list[Json]", provider: DnsProvider, output_format: Format
) -> None:
    if output_format is Format.JSON:
        document = _document(wanted, dry_run=True) | {"note": _UNPROVEN, "requests": requests}
        output.print_json(_SCHEMA, document)
        return
    _print_table(wanted, output_format)
    for request in requests:
        typer.echo(f"would send {request['method']} {request['url']}")
    typer.echo(f"{provider}: {_UNPROVEN}; -o json has the bodies")


def _print_table(wanted: "DnsName", output_format: Format) -> None:
    probe = wanted.probe
    typer.echo(f"{wanted.name} {wanted.policy}, TTL {wanted.ttl_seconds} s")
    typer.echo()
    scheme = "https" if probe.tls else "http"
    asked = f"{scheme} :{probe.port}{probe.path} every {probe.interval_seconds} s"
    rows = [
        [answer.target, wanted.type, answer.address, str(answer.weight), str(answer.tier), asked]
        for answer in wanted.answers
    ]
    output.print_table(_COLUMNS, rows, wide=output_format is Format.WIDE)
    typer.echo()


def _document(wanted: "DnsName", *, dry_run: bool) -> dict[str, Any]:
    return {
        "name": wanted.name,
        "dry_run": dry_run,
        "policy": str(wanted.policy),
        "ttl_seconds": wanted.ttl_seconds,
        "failover_seconds": wanted.failover_seconds,
        "answers": [
            {
                "target": answer.target,
                "type": wanted.type,
                "address": answer.address,
                "weight": answer.weight,
                "tier": answer.tier,
            }
            for answer in wanted.answers
        ],
    }


def _list_changes(changes: "Sequence[DnsChange]") -> list[dict[str, str]]:
    return [{"action": c.action, "what": c.what, "detail": c.detail} for c in changes]
