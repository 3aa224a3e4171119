"""Opening what a router writes to: DNS zones, a collector of traces.

Names adapters, and imports them on demand, as the wiring does.
"""

from deployer.errors import SourceError
from deployer.ports import DnsName, DnsZone, SpanSink
from deployer.values import Json

__all__ = ["open_dns_zone", "open_spans", "write_dns_requests"]


def open_dns_zone(zone: str, *, endpoint: str | None = None) -> DnsZone:
    """Return Route 53's hosted zone with this id; no I/O yet.

    Args:
        endpoint: Another server than Amazon's.
    """
    from deployer.providers.aws.dns import connect_zone

    return connect_zone(zone, endpoint=endpoint)


def open_spans(url: str) -> SpanSink:
    """Return what sends spans to a collector's ``http://…/v1/traces``.

    Raises:
        SetupError: The extra ``otel`` is not installed.
    """
    from deployer.providers.local.clock import SystemClock
    from deployer.providers.otel.spans import connect_spans

    return connect_spans(url, clock=SystemClock())


def write_dns_requests(wanted: DnsName, provider: str, place: str) -> list[Json]:
    """Return what would be sent to Cloud DNS or Traffic Manager.

    Args:
        provider: ``cloud-dns`` or ``traffic-manager``.
        place: ``PROJECT/ZONE`` or ``SUBSCRIPTION/GROUP/PROFILE``.

    Raises:
        SourceError: The place is not written like that, or the provider can't express it.
    """
    parts = place.split("/")
    match provider, parts:
        case "cloud-dns", [project, zone] if project and zone:
            from deployer.providers.gcp import records as cloud_dns

            return cloud_dns.make_requests(wanted, project=project, zone=zone)
        case "traffic-manager", [subscription, group, profile] if all(parts):
            from deployer.providers.azure import records as traffic_manager

            return traffic_manager.make_requests(
                wanted, subscription=subscription, resource_group=group, profile=profile
            )
        case _:
            raise SourceError(
                f"{place!r} is no place in {provider}",
                hint="Write --zone PROJECT/ZONE, or SUBSCRIPTION/GROUP/PROFILE.",
            )
