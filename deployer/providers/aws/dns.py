"""A hosted zone of Route 53 as a `DnsZone`.

What is ours is told by the health checks: their CallerReference begins with our word and the
name's digest, and our records refer to them. Records without such a check are somebody else's.
"""

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from deployer.errors import AlreadyExistsError, SetupError, TransientError
from deployer.ports import DnsChange, DnsName
from deployer.providers.aws.errors import translated
from deployer.providers.aws.records import (
    check_name,
    make_checks,
    make_records,
    reference_prefix,
)
from deployer.providers.patience import Lazy
from deployer.values import Json

__all__ = ["Route53Zone", "connect_zone"]

_ATTEMPTS = 5
_TIMEOUT_SECONDS = 10
_TYPES = ("A", "AAAA", "CNAME")
_NEEDS = (
    "route53:ListResourceRecordSets, route53:ChangeResourceRecordSets, route53:ListHealthChecks, "
    "route53:CreateHealthCheck and route53:DeleteHealthCheck"
)


def connect_zone(zone: str, *, endpoint: str | None = None) -> "Route53Zone":
    """Return the zone with this id; no I/O and no SDK before the first call.

    Credentials come from the SDK's default chain.
    """
    return Route53Zone(zone, Lazy(lambda: _make_client(endpoint)))


class Route53Zone:
    """See `DnsZone`."""

    def __init__(self, zone: str, client: Callable[[], Any]) -> None:
        self._zone = zone
        self._client = client

    def put(self, wanted: DnsName, *, dry_run: bool = False) -> Sequence[DnsChange]:
        """See `DnsZone.put`."""
        check_name(wanted)
        with self._translated("change"):
            checks = self._list_checks(wanted.name)
            present = self._own_records(wanted.name, checks, strict=True)
            ids, made = self._ensure_checks(wanted, checks, dry_run=dry_run)
            records = make_records(wanted, ids)
            changes = [*made, *_compare(present, records)]
            stale = {id_: one for id_, one in checks.items() if id_ not in ids.values()}
            if not dry_run:
                self._change(present, records)
                self._read_back(wanted.name, ids, records)
                self._delete_checks(stale)
        return [*changes, *_removals(stale)]

    def remove(self, name: str, *, dry_run: bool = False) -> Sequence[DnsChange]:
        """See `DnsZone.remove`."""
        with self._translated("remove"):
            checks = self._list_checks(name)
            present = self._own_records(name, checks, strict=False)
            if not dry_run:
                self._change(present, {})
                self._delete_checks(checks)
        return [*_compare(present, {}), *_removals(checks)]

    def _translated(self, operation: str) -> Any:
        return translated(operation, f"Route 53 zone {self._zone}", needs=_NEEDS)

    # ---- reading

    def _list_checks(self, name: str) -> dict[str, Json]:
        """Return the checks that were made for the name, by id."""
        pages = self._client().get_paginator("list_health_checks").paginate()
        prefix = reference_prefix(name)
        return {
            one["Id"]: one
            for page in pages
            for one in page["HealthChecks"]
            if one["CallerReference"].startswith(prefix)
        }

    def _own_records(
        self, name: str, checks: Mapping[str, Json], *, strict: bool
    ) -> dict[str, Json]:
        """Return the records of the name that are ours, by type and identifier.

        Raises:
            AlreadyExistsError: Under ``strict``: there are others of the name.
        """
        found = {}
        for record in self._list_records(name):
            if record.get("HealthCheckId") in checks:
                found[record["SetIdentifier"]] = record
            elif strict:
                raise AlreadyExistsError(
                    f"{name} has a record {record['Type']} already that is not ours",
                    operation="change",
                    resource=f"Route 53 zone {self._zone}",
                    hint="Remove it, or choose another name; it is left as it is.",
                )
        return found

    def _list_records(self, name: str) -> Iterator[Json]:
        pages = self._client().get_paginator("list_resource_record_sets")
        for page in pages.paginate(HostedZoneId=self._zone, StartRecordName=name):
            for record in page["ResourceRecordSets"]:
                if record["Name"] != name:
                    return
                if record["Type"] in _TYPES:
                    yield record

    def _read_back(self, name: str, ids: Mapping[str, str], records: Mapping[str, Json]) -> None:
        mine = dict.fromkeys(ids.values())
        if _compare(self._own_records(name, mine, strict=False), records):
            raise TransientError(
                f"{name} was changed, and reads differently",
                operation="change",
                resource=f"Route 53 zone {self._zone}",
                hint="Somebody else changes it, too; run the command again.",
            )

    # ---- writing

    def _ensure_checks(
        self, wanted: DnsName, present: Mapping[str, Json], *, dry_run: bool
    ) -> tuple[dict[str, str], list[DnsChange]]:
        """Return each target's check, made where there is none like it, and what was made."""
        ids: dict[str, str] = {}
        made = []
        for target, config in make_checks(wanted).items():
            prefix = reference_prefix(wanted.name, {"target": target, **config})
            found = (i for i, one in present.items() if one["CallerReference"].startswith(prefix))
            ids[target] = next(found, "")
            if not ids[target]:
                made.append(DnsChange("create", f"health check of {target}", _describe(config)))
                ids[target] = "new" if dry_run else self._create_check(prefix, config)
        return ids, made

    def _create_check(self, prefix: str, config: Json) -> str:
        answer = self._client().create_health_check(
            CallerReference=prefix + secrets.token_hex(4), HealthCheckConfig=config
        )
        return str(answer["HealthCheck"]["Id"])

    def _change(self, present: Mapping[str, Json], records: Mapping[str, Json]) -> None:
        """Change all records of the name at once: Route 53 does all of a batch or nothing."""
        gone = [one for key, one in present.items() if not _is_same_place(one, records.get(key))]
        batch = [{"Action": "DELETE", "ResourceRecordSet": one} for one in gone]
        batch += [
            {"Action": "UPSERT", "ResourceRecordSet": one}
            for key, one in records.items()
            if present.get(key) != one
        ]
        if batch:
            self._client().change_resource_record_sets(
                HostedZoneId=self._zone, ChangeBatch={"Changes": batch}
            )

    def _delete_checks(self, checks: Mapping[str, Json]) -> None:
        for id_ in checks:
            self._client().delete_health_check(HealthCheckId=id_)


def _is_same_place(present: Json, wanted: Json) -> bool:
    """Tell whether UPSERT would replace it: another type or policy is another record."""
    if wanted is None or present["Type"] != wanted["Type"]:
        return False
    return ("Weight" in present) is ("Weight" in wanted)


def _compare(present: Mapping[str, Json], records: Mapping[str, Json]) -> list[DnsChange]:
    changes = []
    for target, record in records.items():
        if target not in present:
            changes.append(DnsChange("create", f"record of {target}", _describe_record(record)))
        elif present[target] != record:
            changes.append(DnsChange("change", f"record of {target}", _describe_record(record)))
    gone = sorted(present.keys() - records.keys())
    return [*changes, *(DnsChange("remove", f"record of {target}") for target in gone)]


def _removals(checks: Mapping[str, Json]) -> list[DnsChange]:
    return [
        DnsChange("remove", "health check", _describe(one["HealthCheckConfig"]))
        for one in checks.values()
    ]


def _describe(config: Json) -> str:
    place = config.get("IPAddress") or config["FullyQualifiedDomainName"]
    scheme = str(config["Type"]).lower()
    return f"{scheme}://{place}:{config['Port']}{config['ResourcePath']}"


def _describe_record(record: Json) -> str:
    role = record.get("Failover", "").lower() or f"weight {record.get('Weight')}"
    value = record["ResourceRecords"][0]["Value"]
    return f"{record['Type']} {value}, {role}, TTL {record['TTL']} s"


def _make_client(endpoint: str | None) -> Any:
    try:
        from boto3.session import Session
        from botocore.config import Config
    except ImportError as error:
        raise SetupError(
            "Route 53 needs the AWS SDK, which is not installed",
            hint="pip install 'deployer[aws]'",
        ) from error
    config = Config(
        retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
        connect_timeout=_TIMEOUT_SECONDS,
        read_timeout=_TIMEOUT_SECONDS,
    )
    with translated("connect to", "Route 53"):
        return Session().client(
            "route53", region_name="us-east-1", endpoint_url=endpoint, config=config
        )
