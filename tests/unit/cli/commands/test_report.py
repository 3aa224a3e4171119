import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from deployer.cli.commands.report import show_cost, show_health
from deployer.cli.options import Format
from deployer.errors import TransientError
from deployer.ports import HttpRequest, HttpResponse
from deployer.release.records import Head

Maker = Callable[..., Any]
Capture = pytest.CaptureFixture[str]
COST_TABLE = """\
iris: 454.03 USD a month on 2 targets (an estimate)

target        machine        replicas  requests  machines  control  balancer  storage  other    bill
aws-virginia  m6i.xlarge            2     53.91    140.16    73.00     16.42     1.23   0.06  230.88
gcp-iowa      n2-standard-4         2     54.54    141.79    73.00      7.30     1.00   0.06  223.15
────────────                           ────────  ────────  ───────  ────────  ───────  ─────  ──────
USD a month                              108.44    281.95   146.00     23.72     2.23   0.11  454.03
"""
URL = "https://aws-virginia.example"
SILENT = TransientError("the cluster did not answer in 5 s", operation="get", resource="iris")


def cost_lines(session: Any, capsys: Capture, output_format: Format = Format.TABLE) -> list[str]:
    show_cost(session, output_format, timeout_seconds=20)
    return capsys.readouterr().out.splitlines()


def test_the_cost_of_two_targets(two_targets: Maker, capsys: Capture) -> None:
    """AWS as in test_cost; GCP: n2-standard-4 at 0.1942 USD/h.

    requests: 2 x 10/52 x 0.194236 x 730 = 54.54; machines 0.194236 x 730 = 141.79;
    control plane 73; one forwarding rule 0.01 x 730 = 7.30; 50 GiB x 0.02 = 1.00;
    store requests 0.0211 and surge 0.194236 x 660 / 3600 = 0.0356; sum 223.15.
    The requests are summed first: 53.9077 + 54.5355 = 108.44, not 53.91 + 54.54.
    """
    lines = cost_lines(two_targets(), capsys)
    assert lines[:7] == COST_TABLE.splitlines()
    assert "assumed:" in lines
    assert "  at the current replicas" in lines


def test_what_has_no_price_is_told_and_the_total_is_partial(
    two_targets: Maker, capsys: Capture
) -> None:
    local = {"cloud": "local", "region": "", "machine": ""}
    lines = cost_lines(two_targets(local), capsys)
    assert lines[0] == ("iris: 230.88 + unknown USD a month on 2 targets (a partial estimate)")
    assert lines[4].split() == ["gcp-iowa", "-", "2", *["unknown"] * 6]
    assert lines[6].split()[3:7] == ["≥", "53.91", "≥", "140.16"]
    assert lines[6].endswith("230.88 + unknown")
    assert (
        "gcp-iowa: machines, control plane, balancer, storage, store requests unknown: "
        "a local machine has no list price"
    ) in " ".join(" ".join(lines).split())


def test_doubtful_prices_and_the_autoscalers_maximum_are_noted(
    two_targets: Maker, capsys: Capture
) -> None:
    azure = {
        "cloud": "azure",
        "region": "eastus",
        "machine": "D4s_v5",
        "objects": [
            {"kind": "HorizontalPodAutoscaler", "spec": {"minReplicas": 2, "maxReplicas": 6}}
        ],
    }
    lines = cost_lines(two_targets(azure), capsys)
    assert "of low confidence: gcp-iowa balancer" in lines
    assert any(line.startswith("at most, with every autoscaler") for line in lines)
    assert any(
        "storage, store requests unknown: no price for blob-hot-lrs in eastus" in line
        for line in lines
    )


def test_a_cost_table_fits_its_terminal_and_keeps_the_bill(
    two_targets: Maker, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    lines = cost_lines(two_targets(), capsys)
    assert lines[2].split()[-1] == "bill"
    assert all(len(line) <= 60 for line in lines[2:7])


def test_the_wide_table_shows_everything(two_targets: Maker, capsys: Capture) -> None:
    lines = cost_lines(two_targets(), capsys, Format.WIDE)
    assert "storage" in lines[2].split()


def test_nothing_live_is_not_priced(open_with: Maker, capsys: Capture) -> None:
    assert cost_lines(open_with({}), capsys) == ["iris: nothing is live, so nothing is priced"]


def test_a_live_release_that_cannot_be_read_is_told(
    open_with: Maker, make_cluster: Maker, capsys: Capture
) -> None:
    head = Head(name="iris", desired=42, live={"aws-virginia": 42})
    lines = cost_lines(open_with({"aws-virginia": make_cluster()}, head), capsys)
    assert lines[0] == "iris: what a month costs on 1 target is unknown"
    assert lines[4].split()[-2:] == ["unknown", "unknown"]
    assert "aws-virginia: unknown: its release cannot be read" in lines


def test_the_cost_document_has_its_schema(two_targets: Maker, capsys: Capture) -> None:
    document = json.loads("\n".join(cost_lines(two_targets(), capsys, Format.JSON)))
    assert document["schema"] == "deployer/cost/v1"
    assert document["period"] == "month"
    assert document["total"] == {
        "monthly": "454.025133",
        "currency": "USD",
        "partial": False,
        "most": "454.025133",
    }


def test_health_tells_every_reason(two_targets: Maker, capsys: Capture) -> None:
    assert show_health(two_targets(readiness=SILENT), Format.TABLE, timeout_seconds=20) == 1
    assert capsys.readouterr().out.splitlines() == [
        "iris: degraded, 1 of 2 targets healthy",
        "",
        "target        verdict   release    ready  endpoint      seen",
        "aws-virginia  healthy        42      2/2  200 in 10 ms  now",
        "gcp-iowa      degraded       42  unknown  200 in 10 ms  now",
        "",
        f"aws-virginia: healthy: 2 of 2 replicas ready, {URL} answered 200 in 10 ms",
        "gcp-iowa: degraded: the cluster did not answer in 5 s",
    ]


def test_health_of_nothing_is_unknown(open_with: Maker, capsys: Capture) -> None:
    assert show_health(open_with({}), Format.TABLE, timeout_seconds=20) == 3
    assert capsys.readouterr().out == "iris: nothing is deployed\n"


def test_the_health_document_has_its_schema(two_targets: Maker, capsys: Capture) -> None:
    assert show_health(two_targets(), Format.JSON, timeout_seconds=20) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["schema"], document["verdict"]) == ("deployer/health/v1", "healthy")


class RoutedProbe:
    """Answers for a router that sees the second target down, and for every endpoint."""

    def send(self, base_url: str, request: HttpRequest, *, timeout_seconds: float) -> HttpResponse:
        assert timeout_seconds > 0
        if request.path != "/-/status":
            return HttpResponse(503 if "gcp" in base_url else 200, b"", 0.012)
        backends = [
            {"target": name, "release": 42, "state": state, "since": 90.0, "reason": ""}
            for name, state in (("aws-virginia", "healthy"), ("gcp-iowa", "down"))
        ]
        document = {"schema": "deployer/router-status/v1", "backends": backends}
        return HttpResponse(200, json.dumps(document).encode(), 0.001)


def test_a_router_says_for_how_long_and_wide_shows_every_witness(
    two_targets: Maker, capsys: Capture
) -> None:
    opened = replace(two_targets(), probe=RoutedProbe())
    assert show_health(opened, Format.WIDE, timeout_seconds=20, router="http://router") == 3
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("aws-virginia: healthy for 1 m 30 s: 2 of 2") for line in lines)
    assert any(line.startswith("gcp-iowa: down for 1 m 30 s: https://gcp") for line in lines)
    assert lines.count("  store: the model is in its store") == 2
    assert "  router: the router sees it down for 90 s" in lines
