import json
from collections.abc import Callable
from typing import Any

import pytest

from deployer.cli.commands.report import show_cost
from deployer.cli.options import Format
from deployer.release.records import Head

Maker = Callable[..., Any]
Capture = pytest.CaptureFixture[str]
COST_TABLE = """\
iris: 454.07 USD a month on 2 targets (an estimate)

target        machine        replicas  requests  machines  control  balancer  storage  other    bill
aws-virginia  m6i.xlarge            2     53.91    140.16    73.00     16.42     1.23   0.08  230.90
gcp-iowa      n2-standard-4         2     54.54    141.79    73.00      7.30     1.00   0.08  223.17
────────────                           ────────  ────────  ───────  ────────  ───────  ─────  ──────
USD a month                              108.44    281.95   146.00     23.72     2.23   0.16  454.07
"""


def cost_lines(session: Any, capsys: Capture, output_format: Format = Format.TABLE) -> list[str]:
    show_cost(session, output_format, timeout_seconds=20)
    return capsys.readouterr().out.splitlines()


def test_the_cost_of_two_targets(two_targets: Maker, capsys: Capture) -> None:
    """AWS as in test_cost; GCP: n2-standard-4 at 0.1942 USD/h.

    requests: 2 x 10/52 x 0.194236 x 730 = 54.54; machines 0.194236 x 730 = 141.79;
    control plane 73; one forwarding rule 0.01 x 730 = 7.30; 50 GiB x 0.02 = 1.00;
    store requests 0.0422 and surge 0.194236 x 660 / 3600 = 0.0356; sum 223.17.
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
    assert lines[0] == ("iris: 230.90 + unknown USD a month on 2 targets (a partial estimate)")
    assert lines[4].split() == ["gcp-iowa", "-", "2", *["unknown"] * 6]
    assert lines[6].split()[3:7] == ["≥", "53.91", "≥", "140.16"]
    assert lines[6].endswith("230.90 + unknown")
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
        "monthly": "454.067373",
        "currency": "USD",
        "partial": False,
        "most": "454.067373",
    }
