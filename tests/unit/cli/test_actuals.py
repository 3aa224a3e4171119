"""What was billed, of the user's files and of AWS's own account, as `report cost` compares it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import urllib3
from moto.server import ThreadedMotoServer
from typer import BadParameter

from deployer.cli.actuals import read_bill
from deployer.cli.ran import Sources
from deployer.cost.ran import Window
from deployer.providers.local.clock import ManualClock
from deployer.spec.model import Spec
from deployer.values import Cloud

FIRST = datetime(2026, 11, 1, tzinfo=UTC)
WINDOW = Window(FIRST, FIRST + timedelta(days=2))
SOURCES = Sources(None, (), None, cost_explorer=True)
EUROS = {"Amount": "10", "Unit": "EUR"}
DAY = {
    "TimePeriod": {"Start": "2026-11-01", "End": "2026-11-02"},
    "Estimated": False,
    "Groups": [
        {
            "Keys": ["Amazon EC2 - Compute", "BoxUsage:m6i.xlarge"],
            "Metrics": {
                "UnblendedCost": EUROS,
                "AmortizedCost": EUROS,
                "UsageQuantity": {"Amount": "48", "Unit": "Hrs"},
            },
        }
    ],
}


class Account:
    """The part of a session that reading a bill takes."""

    def __init__(self, *providers: str) -> None:
        targets = [
            {"name": f"t{n}", "provider": provider, "region": "us-east-1",
             "store": {"aws": "s3://a", "gcp": "gs://a"}[provider], "cluster": {"context": "c"}}
            for n, provider in enumerate(providers)
        ]  # fmt: skip
        self.spec = Spec.model_validate(
            {"name": "iris", "model": {"path": "m"}, "targets": targets}
        )
        self.clock = ManualClock(FIRST + timedelta(days=9))


@pytest.fixture
def charged(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let moto's Cost Explorer answer once with one day of one machine, in euros."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "none")
    urllib3.request(
        "POST",
        f"http://{host}:{port}/moto-api/static/ce/cost-and-usage-results",
        json={"results": [{"ResultsByTime": [DAY]}]},
    )
    yield
    server.stop()


@pytest.mark.usefixtures("charged")
def test_aws_is_asked_once_for_a_region_and_its_currency_converted(tmp_path: Path) -> None:
    """10 EUR at 1.08 are 10.80 USD; two targets in one region are one question."""
    rates = tmp_path / "rates.csv"
    rates.write_text("currency,usd,as_of,source\nEUR,1.08,2026-11-02,ECB\n")
    account: Any = Account("aws", "aws", "gcp")
    bill, notes = read_bill(account, replace(SOURCES, rates=rates), WINDOW)
    assert bill is not None
    (line,) = bill.lines.values()
    assert list(bill.lines) == [(Cloud.AWS, "us-east-1", "machines")]
    assert (line.effective, line.quantities, notes) == (
        Decimal("10.80"), {"Hrs": Decimal(48)}, [],
    )  # fmt: skip


def test_nobody_is_asked_unless_told_to_and_only_of_what_is_on_aws() -> None:
    account: Any = Account("gcp")
    assert read_bill(account, replace(SOURCES, cost_explorer=False), WINDOW) == (None, [])
    with pytest.raises(BadParameter, match="has no target on AWS"):
        read_bill(account, SOURCES, WINDOW)
    with pytest.raises(BadParameter, match="is not KEY=VALUE"):
        read_bill(account, replace(SOURCES, tag="team"), WINDOW)
