"""`deployer router dns` against moto's Route 53; requests to other providers are only shown."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.moto_server import run_moto

NAME = "iris.example."
LOGIN = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "PATH": "/usr/bin:/bin"}
PAIR = ["--backend", "eu=http://192.0.2.1,weight=60", "--backend", "us=http://192.0.2.2,weight=40"]


class Zone:
    """A hosted zone, and the command that is pointed at it."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder
        self.client: Any = boto3.Session().client(
            "route53",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id="a",
            aws_secret_access_key="b",
        )
        made = self.client.create_hosted_zone(Name="example.", CallerReference="test")
        self.id = made["HostedZone"]["Id"].rpartition("/")[2]

    def run(self, *words: str, code: int = 0) -> str:
        program = [sys.executable, "-c", "from deployer.cli.app import main; main()"]
        route = ["router", "dns", "iris.example", "--provider", "route53", "--zone", self.id]
        done = subprocess.run(
            [*program, *route, "--endpoint", self.url, *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            cwd=self.folder,
            env=LOGIN | {"HOME": str(self.folder)},
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if not code else done.stderr

    def records(self) -> dict[str, Any]:
        found = self.client.list_resource_record_sets(HostedZoneId=self.id)["ResourceRecordSets"]
        return {one.get("SetIdentifier", ""): one for one in found if one["Name"] == NAME}

    def checks(self) -> list[Any]:
        found: list[Any] = self.client.list_health_checks()["HealthChecks"]
        return found


@pytest.fixture(name="zone")
def _zone(tmp_path: Path) -> Iterator[Zone]:
    with run_moto() as url:
        zone = Zone(url, tmp_path)
        yield zone
        zone.client.close()


def test_records_are_made_kept_changed_and_removed(zone: Zone) -> None:
    shown = zone.run(*PAIR, "--dry-run")
    assert "would create record of eu: A 192.0.2.1, weight 3, TTL 60 s" in shown
    assert "up to 150 s (3 probes of 30 s + TTL 60 s)" in " ".join(shown.split())
    assert zone.records() == {}

    assert "created health check of us: http://192.0.2.2:80/v2/health/ready" in zone.run(*PAIR)
    made = zone.records()
    assert {key: one["Weight"] for key, one in made.items()} == {"eu": 3, "us": 2}
    configs = {one["Id"]: one["HealthCheckConfig"] for one in zone.checks()}
    assert configs[made["eu"]["HealthCheckId"]]["IPAddress"] == "192.0.2.1"

    assert "iris.example.: nothing to do" in zone.run(*PAIR)
    assert zone.records() == made

    faster = [*PAIR[:3], "us=http://192.0.2.2,weight=180", "--fast", "--ttl", "30", "-o", "json"]
    document = json.loads(zone.run(*faster))
    assert document["schema"] == "deployer/router-dns/v1"
    assert document["failover_seconds"] == 50
    assert {key: one["Weight"] for key, one in zone.records().items()} == {"eu": 1, "us": 3}
    assert {c["HealthCheckConfig"]["RequestInterval"] for c in zone.checks()} == {10}

    tiers = ["--policy", "priority", PAIR[0], "eu=http://192.0.2.1", PAIR[0]]
    zone.run(*tiers, "us=http://192.0.2.2,tier=1", "--fast")
    roles = {key: one["Failover"] for key, one in zone.records().items()}
    assert roles == {"eu": "PRIMARY", "us": "SECONDARY"}
    assert len(zone.checks()) == 2

    assert "would remove record of eu" in zone.run("--remove", "--dry-run")
    assert len(zone.records()) == 2
    zone.run("--remove")
    assert (zone.records(), zone.checks()) == ({}, [])
    assert "nothing to do" in zone.run("--remove")


def test_what_is_somebody_elses_is_left_alone(zone: Zone) -> None:
    theirs = {"Name": NAME, "Type": "A", "TTL": 5, "ResourceRecords": [{"Value": "192.0.2.9"}]}
    zone.client.change_resource_record_sets(
        HostedZoneId=zone.id,
        ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": theirs}]},
    )
    assert "has a record A already that is not ours" in zone.run(*PAIR, code=1)
    zone.run("--remove")
    assert zone.records()[""]["ResourceRecords"] == [{"Value": "192.0.2.9"}]
    assert zone.checks() == []


def test_a_zone_that_is_not_there_is_said(zone: Zone) -> None:
    zone.client.delete_hosted_zone(Id=zone.id)
    assert "NoSuchHostedZone" in zone.run(*PAIR, code=1)
    assert zone.checks() == []


@pytest.mark.parametrize(
    ("provider", "place", "url"),
    [
        ("cloud-dns", "acme/main", "https://dns.googleapis.com/dns/v1/projects/acme/"),
        ("traffic-manager", "0000/models/iris", "https://management.azure.com/subscriptions/0000/"),
    ],
)
def test_other_providers_requests_are_shown_and_said_to_be_untried(
    tmp_path: Path, provider: str, place: str, url: str
) -> None:
    program = [sys.executable, "-c", "from deployer.cli.app import main; main()"]
    words = ["router", "dns", "iris.example", "--provider", provider, "--zone", place, *PAIR]

    def run(*more: str) -> "subprocess.CompletedProcess[str]":
        command = [*program, *words, *more]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)

    shown = run("--dry-run", "-o", "json")
    document = json.loads(shown.stdout)
    assert document["requests"][-1]["url"].startswith(url)
    assert "not run against a live service" in document["note"]
    refused = run()
    assert refused.returncode == 4
    assert "written and not sent" in refused.stderr
